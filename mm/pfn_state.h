/* SPDX-License-Identifier: MIT */
/* A pfn-cache's state word and its user's gate, for the files that implement pfn-caches: who works
 * on the cache, who is at its page, and the end of VALID. */
#ifndef MM_PFN_STATE_H
#define MM_PFN_STATE_H

#include "hv/x86.h"
#include "mm/pfn_cache.h"

static inline u64 pfn_state(const struct pfn_cache *cache)
{
	return __atomic_load_n(&cache->state, __ATOMIC_ACQUIRE); /* pairs with pfn_cache_release */
}

/* Whether somebody may be at the mapping; true for a moment too where a hold is about to fail. */
static inline bool pfn_state_is_mapping_held(const struct pfn_cache *cache)
{
	return !cache->user && (pfn_state(cache) & PFN_CACHE_HELD_BY_ANY);
}

/* Become the one who works on the cache; what it was before. REFRESHING in it: somebody else is. */
static inline u64 pfn_state_try_begin_work(struct pfn_cache *cache)
{
	return __atomic_fetch_or(&cache->state, PFN_CACHE_REFRESHING, __ATOMIC_ACQUIRE);
}

static inline void pfn_state_begin_work(struct pfn_cache *cache)
{
	while (pfn_state_try_begin_work(cache) & PFN_CACHE_REFRESHING)
		cpu_pause(); /* a refresh waits for nobody */
}

static inline void pfn_state_end_work(struct pfn_cache *cache)
{
	__atomic_fetch_and(&cache->state, ~PFN_CACHE_REFRESHING, __ATOMIC_RELEASE);
}

/* Memory's lock held. The state before: who held the cache then may be at the page still. */
u64 pfn_state_invalidate(struct pfn_cache *cache);
/* Host use. No lock held: wait until each who holds it now has let go. Bounded, as
 * pfn_cache_wait_for_holders. */
void pfn_state_wait_for_holders(const struct pfn_cache *cache);

/* The gate of the cache's user; memory's lock held. */
static inline void pfn_state_raise_gate(const struct pfn_cache *cache)
{
	/* Full order: seen by a gate that in_guest is declared for after the kick's look at it. */
	__atomic_fetch_or(&cache->user->stale, 1u << cache->bit, __ATOMIC_SEQ_CST);
}

static inline void pfn_state_lower_gate(const struct pfn_cache *cache)
{
	__atomic_fetch_and(&cache->user->stale, ~(1u << cache->bit), __ATOMIC_SEQ_CST);
}

#endif
