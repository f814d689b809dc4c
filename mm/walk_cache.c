/* SPDX-License-Identifier: MIT */
/*
 * Direct-mapped: the low bits of a gfn name its place, whose pfn-cache goes from page to page. What
 * it cannot serve now (a change is under way, there is no window slot) goes through a transient
 * window.
 */
#include "mm/walk_cache.h"
#include "hv/errno.h"
#include "hv/string.h"
#include "mm/memslot.h"

void walk_cache_init(struct walk_cache *cache, struct vm_memory *memory, u32 vcpu)
{
	cache->memory = memory;
	cache->vcpu = vcpu;
	cache->hold = PFN_CACHE_HELD(vcpu);
	for (u32 i = 0; i < WALK_CACHE_PAGES; i++)
		pfn_cache_init(&cache->pages[i], memory, WINDOW_READ);
}

void walk_cache_deactivate(struct walk_cache *cache)
{
	for (u32 i = 0; i < WALK_CACHE_PAGES; i++)
		pfn_cache_deactivate(&cache->pages[i]);
}

/* Have the place's pfn-cache valid for this page. A page without a region takes no place. */
static int __attribute__((noinline)) load(struct pfn_cache *page, l1_gpa_t gpa)
{
	struct memslot_frame frame;
	bool is_active = pfn_cache_is_active(page);

	if (memslot_find(page->memory, l1_gpa_to_l1_gfn(gpa), &frame))
		return -ENOENT;
	if (is_active && (gpa.raw ^ page->gpa.raw) >= PAGE_SIZE) {
		counter_inc(CTR_CACHE_REPLACED);
		pfn_cache_deactivate(page);
		is_active = false;
	}
	if (!is_active)
		pfn_cache_activate(page, gpa);
	return pfn_cache_refresh(page);
}

/* An access under way: where the bytes are, while the page is held. */
struct hold {
	struct pfn_cache *page;
	char *at;
};

/* 0, or what kept the page from being held: -ENOENT, -ENOMEM, -EBUSY. */
static int take(struct walk_cache *cache, l1_gpa_t gpa, size_t bytes, struct hold *hold)
{
	u64 offset = gpa.raw % PAGE_SIZE;
	char *va;
	int rc;

	ASSERT(bytes <= PAGE_SIZE - offset);
	hold->page = walk_cache_page(cache, gpa);
	va = pfn_cache_hold(hold->page, gpa, cache->vcpu);
	if (unlikely(!va)) {
		rc = load(hold->page, gpa);
		if (rc)
			return rc;
		va = pfn_cache_hold(hold->page, gpa, cache->vcpu);
		if (!va)
			return -EBUSY; /* invalid again already */
	}
	hold->at = va + offset;
	return 0;
}

/* The same for an access that writes; -EFAULT: the page is read-only. */
static int take_to_write(struct walk_cache *cache, l1_gpa_t gpa, size_t bytes, struct hold *hold)
{
	int rc = take(cache, gpa, bytes, hold);

	if (rc || !hold->page->read_only)
		return rc;
	pfn_cache_release(hold->page, cache->vcpu);
	return -EFAULT;
}

/* Whether the page, which could not be taken, can still be reached. */
static bool may_use_window(int error)
{
	if (error != -EBUSY && error != -ENOMEM)
		return false;
	counter_inc(CTR_CACHE_FALLBACKS);
	return true;
}

/* Either side is the guest's; whatever its alignment, the CPU takes it. */
static void copy(void *dst, const void *src, size_t bytes)
{
	typedef u64 __attribute__((aligned(1), may_alias)) any_u64;
	typedef u32 __attribute__((aligned(1), may_alias)) any_u32;
	typedef u16 __attribute__((aligned(1), may_alias)) any_u16;

	if (bytes == sizeof(u64))
		*(volatile any_u64 *)dst = *(const volatile any_u64 *)src;
	else if (bytes == sizeof(u32))
		*(volatile any_u32 *)dst = *(const volatile any_u32 *)src;
	else if (bytes == sizeof(u16))
		*(volatile any_u16 *)dst = *(const volatile any_u16 *)src;
	else
		memcpy(dst, src, bytes);
}

int walk_cache_read(struct walk_cache *cache, l1_gpa_t gpa, void *dst, size_t bytes)
{
	struct hold hold;
	int rc = take(cache, gpa, bytes, &hold);

	if (rc)
		return may_use_window(rc) ? guest_read(cache->memory, gpa, dst, bytes) : -EFAULT;
	copy(dst, hold.at, bytes);
	pfn_cache_release(hold.page, cache->vcpu);
	return 0;
}

int walk_cache_write(struct walk_cache *cache, l1_gpa_t gpa, const void *src, size_t bytes)
{
	struct hold hold;
	int rc = take_to_write(cache, gpa, bytes, &hold);

	if (rc)
		return may_use_window(rc) ? guest_write(cache->memory, gpa, src, bytes) : -EFAULT;
	copy(hold.at, src, bytes);
	pfn_cache_release(hold.page, cache->vcpu);
	return 0;
}

int walk_cache_or_byte(struct walk_cache *cache, l1_gpa_t gpa, u8 bits)
{
	struct hold hold;
	int rc = take_to_write(cache, gpa, 1, &hold);

	if (rc)
		return may_use_window(rc) ? guest_or_byte(cache->memory, gpa, bits) : -EFAULT;
	__atomic_fetch_or((u8 *)hold.at, bits, __ATOMIC_SEQ_CST);
	pfn_cache_release(hold.page, cache->vcpu);
	return 0;
}

int walk_cache_cmpxchg(struct walk_cache *cache, l1_gpa_t gpa, u64 *expected, u64 desired)
{
	struct hold hold;
	int rc;

	ASSERT(IS_ALIGNED(gpa.raw, sizeof(u64)));
	rc = take_to_write(cache, gpa, sizeof(u64), &hold);
	if (rc)
		return may_use_window(rc) ? guest_cmpxchg(cache->memory, gpa, expected, desired)
					  : -EFAULT;
	__atomic_compare_exchange_n((u64 *)(void *)hold.at, expected, desired, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	pfn_cache_release(hold.page, cache->vcpu);
	return 0;
}
