/* SPDX-License-Identifier: MIT */
/* How a pfn-cache ceases to be valid: what a change does to the caches of its range, and the wait
 * for who is at a page that goes. */
#include "hv/tsc.h"
#include "mm/epoch.h"
#include "mm/pfn_state.h"
#include "mm/vm_memory.h"

#define WAIT_SECONDS 2

/* Holders come and go by addition: their bits have none of another's beside them. */
_Static_assert((PFN_CACHE_HELD_BY_ANY | PFN_CACHE_REFRESHING | PFN_CACHE_ACTIVE |
		PFN_CACHE_GENERATION | PFN_CACHE_VALID) ==
		       PFN_CACHE_HELD_BY_ANY + PFN_CACHE_REFRESHING + PFN_CACHE_ACTIVE +
			       PFN_CACHE_GENERATION + PFN_CACHE_VALID,
	       "parts of the state word overlap");

u64 pfn_state_invalidate(struct pfn_cache *cache)
{
	const u64 next_generation = PFN_CACHE_GENERATION & -PFN_CACHE_GENERATION;
	u64 state = pfn_state(cache), invalid;

	/* Full order, one operation: who comes to hold it after this sees that it is not valid, and
	 * who came before is in the result; pairs with pfn_cache_begin_hold. */
	do {
		if (!(state & PFN_CACHE_VALID))
			return state;
		invalid = state & ~(PFN_CACHE_VALID | PFN_CACHE_GENERATION);
		invalid |= (state + next_generation) & PFN_CACHE_GENERATION;
	} while (!__atomic_compare_exchange_n(&cache->state, &state, invalid, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	return state;
}

void pfn_state_wait_for_holders(const struct pfn_cache *cache)
{
	u64 holders = pfn_state(cache) & PFN_CACHE_HELD_BY_ANY;
	u64 start = rdtsc();

	epoch_assert_quiescent();
	while (holders) {
		if (rdtsc() - start > WAIT_SECONDS * tsc_hz())
			panic("vCPU %u does not let go of the page at 0x%llx",
			      (u32)__builtin_ctzll(holders), (unsigned long long)cache->gpa.raw);
		cpu_pause();
		holders &= pfn_state(cache);
	}
}

static bool invalidate_one(struct pfn_cache *cache, void *context)
{
	struct pfn_hits *hits = context;
	u64 state = pfn_state_invalidate(cache);
	u64 holders = state & PFN_CACHE_HELD_BY_ANY;

	counter_add(CTR_CACHE_INVALIDATIONS, (state & PFN_CACHE_VALID) != 0);
	if (!cache->user) {
		hits->is_held |= holders != 0;
	} else if (holders) { /* a page that no VMCS has raises nobody's gate */
		pfn_state_raise_gate(cache);
		hits->users |= holders;
	}
	return true;
}

struct pfn_hits pfn_cache_invalidate(struct vm_memory *memory, struct gfn_range range)
{
	struct pfn_hits hits = { 0 };

	pfn_index_each(&memory->caches, range, invalidate_one, &hits);
	return hits;
}

static bool find_held(struct pfn_cache *cache, void *context)
{
	struct pfn_cache **held = context;

	if (pfn_state_is_mapping_held(cache))
		*held = cache;
	return !*held;
}

void pfn_cache_wait_for_holders(struct vm_memory *memory, struct gfn_range range)
{
	struct pfn_cache *held;

	counter_inc(CTR_CACHE_HOLDER_WAITS);
	do {
		held = NULL;
		vm_memory_lock(memory);
		pfn_index_each(&memory->caches, range, find_held, &held);
		vm_memory_unlock(memory);
		if (held)
			pfn_state_wait_for_holders(held);
	} while (held);
}

struct write_switch {
	bool writable;
	bool is_held;
};

static bool switch_writes(struct pfn_cache *cache, void *context)
{
	struct write_switch *to = context;

	if (cache->user)
		return true;
	/* Full order: who comes to hold it after this sees it, and who came before is in the state;
	 * pairs with pfn_cache_begin_hold and the holder's look. */
	__atomic_store_n(&cache->writable, to->writable && !cache->read_only && !cache->is_logged,
			 __ATOMIC_SEQ_CST);
	to->is_held |= __atomic_load_n(&cache->state, __ATOMIC_SEQ_CST) & PFN_CACHE_HELD_BY_ANY;
	return true;
}

bool pfn_cache_set_writable(struct vm_memory *memory, u64 gfn, bool writable)
{
	struct write_switch to = { .writable = writable };

	pfn_index_each(&memory->caches, (struct gfn_range){ gfn, 1 }, switch_writes, &to);
	return to.is_held;
}

static bool find_writer(struct pfn_cache *cache, void *context)
{
	return cache->writable || find_held(cache, context);
}

/* What is held now, is in the range of all pages, and is not writable any more. */
void pfn_cache_wait_for_writers(struct vm_memory *memory)
{
	const struct gfn_range all = { 0, ~0ULL };
	struct pfn_cache *held;

	do {
		held = NULL;
		vm_memory_lock(memory);
		if (memory->writers_pending)
			pfn_index_each(&memory->caches, all, find_writer, &held);
		memory->writers_pending = held != NULL;
		vm_memory_unlock(memory);
		if (held)
			pfn_state_wait_for_holders(held);
	} while (held);
}
