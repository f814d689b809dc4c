/* SPDX-License-Identifier: MIT */
/*
 * The verbs of a pfn-cache: see the diagram in the header. Everything off the hot path meets under
 * the memory's lock; the state word is for holders and for who has REFRESHING.
 */
#include "mm/pfn_cache.h"
#include "hv/errno.h"
#include "hv/tsc.h"
#include "hv/x86.h"
#include "mm/change.h"
#include "mm/ept01.h"
#include "mm/vm_memory.h"

#define REFRESH_TRIES 4u
#define WAIT_SECONDS  2

/* Holders come and go by addition: their bits have none of another's beside them. */
_Static_assert((PFN_CACHE_HELD_BY_ANY | PFN_CACHE_REFRESHING | PFN_CACHE_ACTIVE |
		PFN_CACHE_GENERATION | PFN_CACHE_VALID) ==
		       PFN_CACHE_HELD_BY_ANY + PFN_CACHE_REFRESHING + PFN_CACHE_ACTIVE +
			       PFN_CACHE_GENERATION + PFN_CACHE_VALID,
	       "parts of the state word overlap");

void pfn_cache_init(struct pfn_cache *cache, struct vm_memory *memory, enum window_access access)
{
	*cache = (struct pfn_cache){ .memory = memory, .writes = access == WINDOW_WRITE };
}

void pfn_cache_init_guest(struct pfn_cache *cache, struct vm_memory *memory, struct pfn_user *user,
			  u32 bit)
{
	ASSERT(bit < 32);
	pfn_cache_init(cache, memory, WINDOW_WRITE);
	cache->user = user;
	cache->bit = (u8)bit;
}

static u64 state_of(const struct pfn_cache *cache)
{
	return __atomic_load_n(&cache->state, __ATOMIC_ACQUIRE); /* pairs with pfn_cache_release */
}

/* Whether somebody may be at the mapping; true for a moment too where a hold is about to fail. */
static bool is_mapping_held(const struct pfn_cache *cache)
{
	return !cache->user && (state_of(cache) & PFN_CACHE_HELD_BY_ANY);
}

/* Become the one who works on the cache; what it was before. REFRESHING in it: somebody else is. */
static u64 try_begin_work(struct pfn_cache *cache)
{
	return __atomic_fetch_or(&cache->state, PFN_CACHE_REFRESHING, __ATOMIC_ACQUIRE);
}

static void begin_work(struct pfn_cache *cache)
{
	while (try_begin_work(cache) & PFN_CACHE_REFRESHING)
		cpu_pause(); /* a refresh waits for nobody */
}

static void end_work(struct pfn_cache *cache)
{
	__atomic_fetch_and(&cache->state, ~PFN_CACHE_REFRESHING, __ATOMIC_RELEASE);
}

/* Lock held. The state before: who held it then may be at the page still. */
static u64 invalidate(struct pfn_cache *cache)
{
	const u64 next_generation = PFN_CACHE_GENERATION & -PFN_CACHE_GENERATION;
	u64 state = state_of(cache), invalid;

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

/* No lock held; the cache is invalid, so holders only let go. */
static void wait_for_holders(const struct pfn_cache *cache)
{
	u64 start = rdtsc();

	epoch_assert_quiescent();
	while (is_mapping_held(cache) && !(state_of(cache) & PFN_CACHE_VALID)) {
		u64 holders = state_of(cache) & PFN_CACHE_HELD_BY_ANY;

		if (holders && rdtsc() - start > WAIT_SECONDS * tsc_hz())
			panic("vCPU %u does not let go of the page at 0x%llx",
			      (u32)__builtin_ctzll(holders), (unsigned long long)cache->gpa.raw);
		cpu_pause();
	}
}

void pfn_cache_activate(struct pfn_cache *cache, l1_gpa_t gpa)
{
	begin_work(cache);
	ASSERT(!(state_of(cache) & (PFN_CACHE_ACTIVE | PFN_CACHE_VALID)));
	__atomic_store_n(&cache->gpa.raw, ALIGN_DOWN(gpa.raw, PAGE_SIZE), __ATOMIC_RELAXED);
	vm_memory_lock(cache->memory);
	pfn_index_insert(&cache->memory->caches, cache);
	vm_memory_unlock(cache->memory);
	__atomic_fetch_or(&cache->state, PFN_CACHE_ACTIVE, __ATOMIC_RELAXED);
	end_work(cache);
}

static void unmap(struct pfn_cache *cache)
{
	if (!cache->slot)
		return;
	window_slot_unmap(cache->slot);
	window_slot_put(cache->slot);
	cache->slot = NULL;
}

/* Another slot than before, since CPUs may owe for that one. */
static int map(struct pfn_cache *cache, pfn_t pfn)
{
	if (!cache->slot || cache->pfn.raw != pfn.raw) {
		unmap(cache);
		window_pay_debts();
		cache->slot = window_slot_get();
		if (!cache->slot)
			return -ENOMEM;
		cache->va = window_slot_map(cache->slot, pfn);
	}
	window_slot_use(cache->slot);
	return 0;
}

/* Look up, map, publish. -EBUSY: a change came between, and nothing is known. */
static int try_refresh(struct pfn_cache *cache)
{
	struct vm_memory *memory = cache->memory;
	struct ept01_translation t;
	int rc;

	/* A change waits for them, and nothing becomes valid before it has ended. */
	if (is_mapping_held(cache))
		return -EBUSY;
	ept01_translate(memory, cache->gpa.raw >> PAGE_SHIFT, cache->writes, &t);
	rc = t.error;
	if (!rc) {
		pfn_t pfn = backing_pfn(&t.backing, t.gfn);

		rc = cache->user ? 0 : map(cache, pfn);
		cache->pfn = pfn;
		cache->read_only = t.backing.flags & MEMSLOT_READONLY;
	}
	vm_memory_lock(memory);
	if (!change_allows(memory, t.seq))
		rc = -EBUSY;
	else if (!rc) /* release: what was written above; pairs with pfn_cache_begin_hold */
		__atomic_fetch_or(&cache->state, PFN_CACHE_VALID, __ATOMIC_RELEASE);
	vm_memory_unlock(memory);
	return rc;
}

int pfn_cache_refresh(struct pfn_cache *cache)
{
	u64 state = try_begin_work(cache);
	int rc = -EBUSY;

	if (state & PFN_CACHE_REFRESHING)
		return -EBUSY;
	if (!(state & PFN_CACHE_ACTIVE))
		rc = -EINVAL;
	else if (state & PFN_CACHE_VALID)
		rc = 0;
	else
		counter_inc(CTR_CACHE_REFRESHES);
	for (u32 i = 0; i < REFRESH_TRIES && rc == -EBUSY; i++) {
		rc = try_refresh(cache);
		counter_add(CTR_CACHE_OVERTAKEN, rc == -EBUSY);
	}
	if (rc && rc != -EBUSY)
		unmap(cache);
	end_work(cache);
	return rc;
}

void *pfn_cache_hold(struct pfn_cache *cache, l1_gpa_t gpa, u32 vcpu)
{
	ASSERT(!cache->user && vcpu < PFN_CACHE_HOLDERS);
	ASSERT(!(state_of(cache) & PFN_CACHE_HELD(vcpu)));
	if (!pfn_cache_begin_hold(cache, PFN_CACHE_HELD(vcpu)) ||
	    (gpa.raw ^ cache->gpa.raw) >= PAGE_SIZE) {
		pfn_cache_release(cache, vcpu);
		return NULL;
	}
	window_slot_use(cache->slot);
	counter_inc(CTR_CACHE_HITS);
	return cache->va;
}

/* Lock held. */
static void raise(const struct pfn_cache *cache)
{
	/* Full order: seen by a gate that in_guest is declared for after the kick's look at it. */
	__atomic_fetch_or(&cache->user->stale, 1u << cache->bit, __ATOMIC_SEQ_CST);
}

static void lower(const struct pfn_cache *cache)
{
	__atomic_fetch_and(&cache->user->stale, ~(1u << cache->bit), __ATOMIC_SEQ_CST);
}

static bool use_if_valid(struct pfn_cache *cache, u32 vcpu, pfn_t *pfn)
{
	bool is_valid;

	vm_memory_lock(cache->memory);
	is_valid = state_of(cache) & PFN_CACHE_VALID;
	if (is_valid) {
		__atomic_fetch_or(&cache->state, PFN_CACHE_HELD(vcpu), __ATOMIC_RELAXED);
		*pfn = cache->pfn;
		lower(cache);
	} else {
		raise(cache);
	}
	vm_memory_unlock(cache->memory);
	return is_valid;
}

int pfn_cache_use(struct pfn_cache *cache, u32 vcpu, pfn_t *pfn)
{
	int rc = 0;

	ASSERT(cache->user && vcpu < PFN_CACHE_HOLDERS);
	for (u32 i = 0; i < REFRESH_TRIES && !rc; i++) {
		if (use_if_valid(cache, vcpu, pfn))
			return 0;
		rc = pfn_cache_refresh(cache);
	}
	return rc ? rc : -EBUSY;
}

void pfn_cache_unuse(struct pfn_cache *cache, u32 vcpu)
{
	ASSERT(cache->user && vcpu < PFN_CACHE_HOLDERS);
	vm_memory_lock(cache->memory);
	__atomic_fetch_and(&cache->state, ~PFN_CACHE_HELD(vcpu), __ATOMIC_RELAXED);
	lower(cache);
	vm_memory_unlock(cache->memory);
}

void pfn_cache_deactivate(struct pfn_cache *cache)
{
	struct vm_memory *memory = cache->memory;

	begin_work(cache);
	if (!(state_of(cache) & PFN_CACHE_ACTIVE)) {
		end_work(cache);
		return;
	}
	vm_memory_lock(memory);
	invalidate(cache);
	/* On the index until its holders have let go: a change must find and await them. */
	while (is_mapping_held(cache)) {
		vm_memory_unlock(memory);
		wait_for_holders(cache);
		vm_memory_lock(memory);
	}
	pfn_index_remove(&memory->caches, cache);
	if (cache->user) {
		__atomic_fetch_and(&cache->state, ~PFN_CACHE_HELD_BY_ANY, __ATOMIC_RELAXED);
		lower(cache);
	}
	vm_memory_unlock(memory);
	unmap(cache);
	__atomic_fetch_and(&cache->state, ~PFN_CACHE_ACTIVE, __ATOMIC_RELAXED);
	end_work(cache);
}

static bool invalidate_one(struct pfn_cache *cache, void *context)
{
	struct pfn_hits *hits = context;
	u64 state = invalidate(cache);
	u64 holders = state & PFN_CACHE_HELD_BY_ANY;

	counter_add(CTR_CACHE_INVALIDATIONS, (state & PFN_CACHE_VALID) != 0);
	if (!cache->user) {
		hits->is_held |= holders != 0;
	} else if (holders) { /* a page that no VMCS has raises nobody's gate */
		raise(cache);
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

	if (is_mapping_held(cache))
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
			wait_for_holders(held);
	} while (held);
}
