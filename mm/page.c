/* SPDX-License-Identifier: MIT */
/*
 * The two pools of frames. The books of both stand at the start of the host range,
 * so nothing is allocated to set them up. Host pages are mapped one to one:
 * a page's address is its physical address.
 */
#include "mm/page.h"
#include "hv/errno.h"
#include "hv/panic.h"
#include "hv/string.h"
#include "mm/frame_pool.h"

#define JUNK 0xcc /* as code INT3, as an address not canonical, as an EPT entry misconfigured */

static struct frame_pool host_pool;
static struct frame_pool guest_pool;
static struct page_range host_range;

static pfn_t range_first(struct page_range range)
{
	return hpa_to_pfn(range.base);
}

static pfn_t range_end(struct page_range range)
{
	return hpa_to_pfn(hpa_add(range.base, range.bytes));
}

/* What the guest pool spans, holes included. */
static struct page_range span_of(const struct page_range *ranges, unsigned int count)
{
	u64 lowest = ~0ULL, end = 0;

	for (unsigned int i = 0; i < count; i++) {
		ASSERT(IS_ALIGNED(ranges[i].base.raw | ranges[i].bytes, PAGE_SIZE));
		lowest = MIN(lowest, ranges[i].base.raw);
		end = MAX(end, ranges[i].base.raw + ranges[i].bytes);
	}
	return (struct page_range){ hpa(lowest), end - lowest };
}

int page_init(struct page_range host, const struct page_range *guest, unsigned int guest_count)
{
	struct page_range span = span_of(guest, guest_count);
	u64 *books = (u64 *)(uintptr_t)host.base.raw;
	u64 host_words = frame_pool_words(range_first(host), range_end(host));
	u64 guest_words = 0;
	u64 book_bytes;

	ASSERT(IS_ALIGNED(host.base.raw | host.bytes, PAGE_SIZE));
	if (guest_count)
		guest_words = frame_pool_words(range_first(span), range_end(span));
	book_bytes = ALIGN_UP((host_words + guest_words) * sizeof(u64), PAGE_SIZE);
	if (book_bytes >= host.bytes)
		return -ENOMEM;

	host_range = host;
	frame_pool_init(&host_pool, range_first(host), range_end(host), books);
	frame_pool_add(&host_pool, hpa_to_pfn(hpa_add(host.base, book_bytes)),
		       (host.bytes - book_bytes) >> PAGE_SHIFT);
	guest_pool = (struct frame_pool){ 0 };
	if (guest_count)
		frame_pool_init(&guest_pool, range_first(span), range_end(span),
				books + host_words);
	for (unsigned int i = 0; i < guest_count; i++)
		frame_pool_add(&guest_pool, range_first(guest[i]), guest[i].bytes >> PAGE_SHIFT);
	return 0;
}

void *page_from_hpa(hpa_t hpa)
{
	ASSERT(hpa.raw - host_range.base.raw < host_range.bytes);
	return (void *)(uintptr_t)hpa.raw;
}

void *page_alloc(unsigned int order)
{
	pfn_t first;
	void *page;

	if (frame_pool_alloc(&host_pool, order, &first))
		return NULL;
	page = page_from_hpa(pfn_to_hpa(first));
	memset(page, 0, PAGE_SIZE << order);
	return page;
}

void page_free(void *page, unsigned int order)
{
	memset(page, JUNK, PAGE_SIZE << order);
	frame_pool_free(&host_pool, hpa_to_pfn(page_to_hpa(page)), order);
}

u64 page_free_count(void)
{
	return frame_pool_free_count(&host_pool);
}

int guest_frame_alloc(unsigned int order, pfn_t *first)
{
	return frame_pool_alloc(&guest_pool, order, first);
}

void guest_frame_free(pfn_t first, unsigned int order)
{
	frame_pool_free(&guest_pool, first, order);
}

void guest_frame_retire(pfn_t frame)
{
	frame_pool_retire(&guest_pool, frame);
}

u64 guest_frame_free_count(void)
{
	return frame_pool_free_count(&guest_pool);
}
