/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's walk cache: the pages of L1's memory that L0 reads on the vCPU's behalf (L1's paging
 * structures, EPT12 tables, code and operands of instructions), each held by a pfn-cache and found
 * by its gfn. It caches pages, never what is in them. It belongs to the CPU that runs the vCPU.
 *
 * Any WALK_CACHE_PAGES pages stay, wherever they lie: a place is a list of the pages with its gfns,
 * and the page that makes room for another is the one that came first of all.
 *
 * In the modes that are there to be measured (hv/pfn_cache_mode.h) the pages are in places that the
 * code in line does not look at: so it finds none, and asks the code that knows of modes.
 */
#ifndef MM_WALK_CACHE_H
#define MM_WALK_CACHE_H

#include "hv/pfn_cache_mode.h"
#include "mm/pfn_cache.h"

#define WALK_CACHE_PAGES  32u
#define WALK_CACHE_PLACES 256u

struct walk_page {
	struct pfn_cache cache;
	struct walk_page *next; /* in its place; every list ends in walk_cache.none */
};

struct walk_cache {
	struct walk_page *places[2 * WALK_CACHE_PLACES]; /* the second half: out of sight */
	struct walk_page pages[WALK_CACHE_PAGES];        /* in a place while active */
	struct walk_page none;                           /* at no page, never valid; next is NULL */
	struct vm_memory *memory;
	u64 hold;    /* the vCPU's bit in a state word */
	u64 version; /* grows whenever a page comes, goes, or is mapped anew; never 0 */
	u32 oldest;  /* of pages: the next to make room */
	u32 vcpu;
	enum pfn_cache_mode mode; /* constant, as hidden: 0, or that the places begin later */
	u32 hidden;
};

/* An aligned u64 that was read, for who asks later whether it still is the same. */
struct walk_word {
	u64 value;
	struct pfn_cache *page; /* while the version stands still, this ... */
	const u64 *at;          /* ... is here */
};

/* Nothing is cached; vcpu is its number. */
void walk_cache_init(struct walk_cache *cache, struct vm_memory *memory, u32 vcpu);
/* Before its first use; a cache that was made anew is PFN_CACHE_CACHED. */
void walk_cache_set_mode(struct walk_cache *cache, enum pfn_cache_mode mode);
/* Let go of all pages. */
void walk_cache_deactivate(struct walk_cache *cache);

/*
 * Copy bytes that lie in one page. 0, or -EFAULT where it has no region, or for a write where that
 * is read-only. Aligned accesses of 1, 2, 4 and 8 bytes are single ones towards L1's CPUs.
 */
int walk_cache_read(struct walk_cache *cache, l1_gpa_t gpa, void *dst, size_t bytes);
int walk_cache_write(struct walk_cache *cache, l1_gpa_t gpa, const void *src, size_t bytes);
/* As guest_or_byte and guest_cmpxchg. */
int walk_cache_or_byte(struct walk_cache *cache, l1_gpa_t gpa, u8 bits);
int walk_cache_cmpxchg(struct walk_cache *cache, l1_gpa_t gpa, u64 *expected, u64 desired);

/* Where code in line looks. */
static inline struct walk_page **walk_cache_place(struct walk_cache *cache, l1_gpa_t gpa)
{
	return &cache->places[(gpa.raw >> PAGE_SHIFT) % WALK_CACHE_PLACES];
}

/*
 * Where an aligned u64 is, in a page that is held from now on; NULL: nothing is held.
 * The hold is pfn_cache_hold's, without what a page that only one CPU refreshes and holds does not
 * need.
 */
static inline const u64 *walk_cache_hold_u64(struct walk_cache *cache, l1_gpa_t gpa,
					     struct pfn_cache **held)
{
	struct walk_page *page = *walk_cache_place(cache, gpa);
	u64 hold = cache->hold, offset;

	while (unlikely((offset = gpa.raw ^ page->cache.gpa.raw) >= PAGE_SIZE)) {
		page = page->next;
		if (!page)
			return NULL;
	}
	if (likely(pfn_cache_begin_hold(&page->cache, hold))) {
		counter_inc(CTR_CACHE_HITS);
		*held = &page->cache;
		return (const u64 *)(const void *)(page->cache.va + offset);
	}
	__atomic_fetch_sub(&page->cache.state, hold, __ATOMIC_RELEASE);
	return NULL;
}

/* Read an aligned u64, such as an entry of a table: walk_cache_read with the hit in line. */
static inline int walk_cache_read_u64(struct walk_cache *cache, l1_gpa_t gpa, u64 *value)
{
	struct pfn_cache *held;
	const u64 *at = walk_cache_hold_u64(cache, gpa, &held);

	if (unlikely(!at))
		return walk_cache_read(cache, gpa, value, sizeof(*value));
	*value = __atomic_load_n(at, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&held->state, cache->hold, __ATOMIC_RELEASE);
	return 0;
}

/* What is not in line; the word is never found the same where no page could be held. */
int walk_cache_load_word(struct walk_cache *cache, l1_gpa_t gpa, struct walk_word *word);

/* The same, to ask about later. */
static inline int walk_cache_read_word(struct walk_cache *cache, l1_gpa_t gpa,
				       struct walk_word *word)
{
	const u64 *at = walk_cache_hold_u64(cache, gpa, &word->page);

	if (unlikely(!at))
		return walk_cache_load_word(cache, gpa, word);
	word->at = at;
	word->value = __atomic_load_n(at, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&word->page->state, cache->hold, __ATOMIC_RELEASE);
	return 0;
}

/* Does the word still have its value? Its version is the cache's. False also where that cannot be
 * told cheaply. */
static inline bool walk_cache_is_same(const struct walk_cache *cache, const struct walk_word *word)
{
	bool is_same = pfn_cache_begin_hold(word->page, cache->hold) &&
		       __atomic_load_n(word->at, __ATOMIC_RELAXED) == word->value;

	__atomic_fetch_sub(&word->page->state, cache->hold, __ATOMIC_RELEASE);
	return is_same;
}

#endif
