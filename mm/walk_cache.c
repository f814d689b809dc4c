/* SPDX-License-Identifier: MIT */
/*
 * A hash table of pfn-caches, which go from page to page. What it cannot serve now (a change is
 * under way, there is no window slot) goes through a transient window.
 */
#include "mm/walk_cache.h"
#include "hv/errno.h"
#include "hv/string.h"
#include "mm/memslot.h"

#define NO_GPA l1_gpa(~0ULL) /* shares its page with no gpa */

void walk_cache_init(struct walk_cache *cache, struct vm_memory *memory, u32 vcpu)
{
	*cache = (struct walk_cache){
		.memory = memory,
		.hold = PFN_CACHE_HELD(vcpu),
		.vcpu = vcpu,
		.version = 1,
		.none.cache.gpa = NO_GPA,
	};
	for (u32 i = 0; i < WALK_CACHE_PAGES; i++)
		pfn_cache_init(&cache->pages[i].cache, memory, WINDOW_READ);
	for (u32 i = 0; i < ARRAY_SIZE(cache->places); i++)
		cache->places[i] = &cache->none;
}

void walk_cache_set_mode(struct walk_cache *cache, enum pfn_cache_mode mode)
{
	cache->mode = mode;
	cache->hidden = mode == PFN_CACHE_CACHED ? 0 : WALK_CACHE_PLACES;
}

/* Where the page is, if it is here. */
static struct walk_page **place_of(struct walk_cache *cache, l1_gpa_t gpa)
{
	return walk_cache_place(cache, gpa) + cache->hidden;
}

static void leave_place(struct walk_cache *cache, const struct walk_page *page, l1_gpa_t gpa)
{
	struct walk_page **link = place_of(cache, gpa);

	while (*link != page)
		link = &(*link)->next;
	*link = page->next;
}

static void enter_place(struct walk_cache *cache, struct walk_page *page)
{
	struct walk_page **place = place_of(cache, page->cache.gpa);

	page->next = *place;
	*place = page;
}

void walk_cache_deactivate(struct walk_cache *cache)
{
	for (u32 i = 0; i < WALK_CACHE_PAGES; i++) {
		struct walk_page *page = &cache->pages[i];

		if (!pfn_cache_is_active(&page->cache))
			continue;
		leave_place(cache, page, page->cache.gpa);
		cache->version++;
		pfn_cache_deactivate(&page->cache);
	}
}

/* NULL: nothing of it is here. */
static struct walk_page *find(struct walk_cache *cache, l1_gpa_t gpa)
{
	struct walk_page *page = *place_of(cache, gpa);

	while (page && (gpa.raw ^ page->cache.gpa.raw) >= PAGE_SIZE)
		page = page->next;
	return page;
}

/* Bring the page here, where the oldest was. A page without a region takes no place. */
static int __attribute__((noinline))
load(struct walk_cache *cache, l1_gpa_t gpa, struct walk_page **loaded)
{
	struct walk_page *page = &cache->pages[cache->oldest];
	bool was_active = pfn_cache_is_active(&page->cache);
	l1_gpa_t old = page->cache.gpa;
	int rc = pfn_cache_move(&page->cache, gpa);

	if (rc)
		return rc;
	if (was_active) {
		counter_inc(CTR_CACHE_REPLACED);
		leave_place(cache, page, old);
	}
	enter_place(cache, page);
	cache->oldest = (cache->oldest + 1) % WALK_CACHE_PAGES;
	*loaded = page;
	return 0;
}

/* An access under way: where the bytes are, while the page is held. */
struct hold {
	struct pfn_cache *page;
	char *at;
};

/* 0, or what kept the page from being held: -ENOENT, -ENOMEM, -EBUSY. */
static int take_cached(struct walk_cache *cache, l1_gpa_t gpa, size_t bytes, struct hold *hold)
{
	u64 offset = gpa.raw % PAGE_SIZE;
	struct walk_page *page = find(cache, gpa);
	char *va = page ? pfn_cache_hold(&page->cache, gpa, cache->vcpu) : NULL;

	ASSERT(bytes <= PAGE_SIZE - offset);
	if (unlikely(!va)) {
		int rc;

		cache->version++;
		rc = page ? pfn_cache_refresh(&page->cache) : load(cache, gpa, &page);

		if (rc)
			return rc;
		va = pfn_cache_hold(&page->cache, gpa, cache->vcpu);
		if (!va)
			return -EBUSY; /* invalid again already */
	}
	hold->page = &page->cache;
	hold->at = va + offset;
	return 0;
}

/* The look-up of who keeps no caches, but has all memory mapped. -EBUSY: a change is under way. */
static int look_up(struct walk_cache *cache, l1_gpa_t gpa, const struct hold *hold)
{
	struct memslot_frame frame;
	int rc = memslot_find(cache->memory, l1_gpa_to_l1_gfn(gpa), &frame);

	if (!rc && frame.pfn.raw == hold->page->pfn.raw)
		return 0;
	pfn_cache_release(hold->page, cache->vcpu);
	return -EBUSY;
}

static int __attribute__((noinline))
take_to_measure(struct walk_cache *cache, l1_gpa_t gpa, size_t bytes, struct hold *hold)
{
	int rc;

	if (cache->mode >= PFN_CACHE_MAPPED)
		return -ENOMEM; /* by a window then */
	rc = take_cached(cache, gpa, bytes, hold);
	return rc ? rc : look_up(cache, gpa, hold);
}

static int take(struct walk_cache *cache, l1_gpa_t gpa, size_t bytes, struct hold *hold)
{
	if (unlikely(cache->mode != PFN_CACHE_CACHED))
		return take_to_measure(cache, gpa, bytes, hold);
	return take_cached(cache, gpa, bytes, hold);
}

/* The same for an access that writes; -EFAULT: the page is read-only, -EBUSY also: protected. */
static int take_to_write(struct walk_cache *cache, l1_gpa_t gpa, size_t bytes, struct hold *hold)
{
	int rc = take(cache, gpa, bytes, hold);

	/* After the hold, in full order; pairs with pfn_cache_set_writable. */
	if (rc || likely(__atomic_load_n(&hold->page->writable, __ATOMIC_SEQ_CST)))
		return rc;
	rc = hold->page->read_only ? -EFAULT : -EBUSY;
	pfn_cache_release(hold->page, cache->vcpu);
	return rc;
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

int walk_cache_load_word(struct walk_cache *cache, l1_gpa_t gpa, struct walk_word *word)
{
	word->page = &cache->none.cache;
	word->at = NULL;
	return walk_cache_read(cache, gpa, &word->value, sizeof(word->value));
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
