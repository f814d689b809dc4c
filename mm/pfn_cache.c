/* SPDX-License-Identifier: MIT */
/*
 * The verbs of a pfn-cache: see the diagram in the header. Everything off the hot path meets under
 * the memory's lock; the state word is for holders and for who has REFRESHING.
 */
#include "mm/pfn_cache.h"
#include "hv/errno.h"
#include "mm/change.h"
#include "mm/dirty_log.h"
#include "mm/ept01_protect.h"
#include "mm/pfn_state.h"
#include "mm/vm_memory.h"

#define REFRESH_TRIES 4u

int pfn_cache_expect(struct vm_memory *memory, u64 more)
{
	int rc;

	vm_memory_lock(memory);
	rc = pfn_index_expect(&memory->caches, more);
	vm_memory_unlock(memory);
	return rc;
}

void pfn_cache_init(struct pfn_cache *cache, struct vm_memory *memory, enum window_access access)
{
	*cache = (struct pfn_cache){ .memory = memory, .writes = access == WINDOW_WRITE };
}

/* Lock held: where a change of that page finds it, and no more where it was. */
static void enter_index(struct pfn_cache *cache, l1_gpa_t gpa)
{
	if (pfn_cache_is_active(cache))
		pfn_index_remove(&cache->memory->caches, cache);
	__atomic_store_n(&cache->gpa.raw, ALIGN_DOWN(gpa.raw, PAGE_SIZE), __ATOMIC_RELAXED);
	pfn_index_insert(&cache->memory->caches, cache);
	__atomic_fetch_or(&cache->state, PFN_CACHE_ACTIVE, __ATOMIC_RELAXED);
}

void pfn_cache_activate(struct pfn_cache *cache, l1_gpa_t gpa)
{
	pfn_state_begin_work(cache);
	ASSERT(!(pfn_state(cache) & (PFN_CACHE_ACTIVE | PFN_CACHE_VALID)));
	vm_memory_lock(cache->memory);
	enter_index(cache, gpa);
	vm_memory_unlock(cache->memory);
	pfn_state_end_work(cache);
}

static void unmap(struct pfn_cache *cache)
{
	if (!cache->slot)
		return;
	window_slot_unmap(cache->slot);
	window_slot_put(cache->slot);
	cache->slot = NULL;
}

/* The slot that there is, unless other CPUs would owe for it. */
static int map(struct pfn_cache *cache, pfn_t pfn)
{
	bool is_mapped = cache->slot && cache->pfn.raw == pfn.raw;

	if (cache->slot && !is_mapped)
		is_mapped = window_slot_repoint(cache->slot, pfn);
	if (!is_mapped) {
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

static bool is_at(const struct pfn_cache *cache, l1_gpa_t gpa)
{
	return pfn_cache_is_active(cache) && (gpa.raw ^ cache->gpa.raw) < PAGE_SIZE;
}

/* Lock held, and what was found is still so. */
static int publish(struct pfn_cache *cache, l1_gpa_t gpa, const struct ept01_translation *t)
{
	pfn_t pfn = backing_pfn(&t->backing, t->gfn);
	bool moves = !is_at(cache, gpa);
	int rc;

	if (moves)
		pfn_state_invalidate(cache);
	if (pfn_state_is_mapping_held(cache))
		return -EBUSY; /* a change must find and await them where they are */
	rc = cache->user ? 0 : map(cache, pfn);
	if (rc)
		return rc;
	if (moves)
		enter_index(cache, gpa);
	cache->pfn = pfn;
	cache->read_only = t->backing.flags & MEMSLOT_READONLY;
	cache->is_logged = t->backing.flags & MEMSLOT_LOG_DIRTY;
	cache->writable = !cache->read_only && !cache->is_logged &&
			  !ept01_is_protected(cache->memory, l1_gfn(t->gfn));
	if (cache->user && cache->is_logged)
		dirty_log_mark(cache->memory, t->gfn);
	/* Release: what was written above; pairs with pfn_cache_begin_hold. */
	__atomic_fetch_or(&cache->state, PFN_CACHE_VALID, __ATOMIC_RELEASE);
	return 0;
}

/* Look up, then map and publish. -EBUSY: a change came between, and nothing is known. */
static int try_refresh(struct pfn_cache *cache, l1_gpa_t gpa)
{
	struct vm_memory *memory = cache->memory;
	struct ept01_translation t;
	int rc;

	ept01_translate(memory, gpa.raw >> PAGE_SHIFT, cache->writes, &t);
	vm_memory_lock(memory);
	if (!change_allows(memory, t.seq))
		rc = -EBUSY;
	else
		rc = t.error ? t.error : publish(cache, gpa, &t);
	vm_memory_unlock(memory);
	return rc;
}

/* REFRESHING is this CPU's. */
static int refresh(struct pfn_cache *cache, l1_gpa_t gpa)
{
	int rc = -EBUSY;

	counter_inc(CTR_CACHE_REFRESHES);
	for (u32 i = 0; i < REFRESH_TRIES && rc == -EBUSY; i++) {
		rc = try_refresh(cache, gpa);
		counter_add(CTR_CACHE_OVERTAKEN, rc == -EBUSY);
	}
	/* A move that was refused may have left it invalid under a holder. */
	if (rc && rc != -EBUSY && !(pfn_state(cache) & PFN_CACHE_VALID) &&
	    !pfn_state_is_mapping_held(cache))
		unmap(cache);
	return rc;
}

int pfn_cache_refresh(struct pfn_cache *cache)
{
	u64 state = pfn_state_try_begin_work(cache);
	int rc;

	if (state & PFN_CACHE_REFRESHING)
		return -EBUSY;
	if (!(state & PFN_CACHE_ACTIVE))
		rc = -EINVAL;
	else if (state & PFN_CACHE_VALID)
		rc = 0;
	else
		rc = refresh(cache, cache->gpa);
	pfn_state_end_work(cache);
	return rc;
}

int pfn_cache_move(struct pfn_cache *cache, l1_gpa_t gpa)
{
	int rc;

	ASSERT(!cache->user);
	if (pfn_state_try_begin_work(cache) & PFN_CACHE_REFRESHING)
		return -EBUSY;
	ASSERT(!is_at(cache, gpa));
	rc = refresh(cache, gpa);
	pfn_state_end_work(cache);
	return rc;
}

void *pfn_cache_hold(struct pfn_cache *cache, l1_gpa_t gpa, u32 vcpu)
{
	ASSERT(!cache->user && vcpu < PFN_CACHE_HOLDERS);
	ASSERT(!(pfn_state(cache) & PFN_CACHE_HELD(vcpu)));
	if (!pfn_cache_begin_hold(cache, PFN_CACHE_HELD(vcpu)) ||
	    (gpa.raw ^ cache->gpa.raw) >= PAGE_SIZE) {
		pfn_cache_release(cache, vcpu);
		return NULL;
	}
	window_slot_use(cache->slot);
	counter_inc(CTR_CACHE_HITS);
	return cache->va;
}

void pfn_cache_deactivate(struct pfn_cache *cache)
{
	struct vm_memory *memory = cache->memory;

	pfn_state_begin_work(cache);
	if (!pfn_cache_is_active(cache)) {
		pfn_state_end_work(cache);
		return;
	}
	vm_memory_lock(memory);
	pfn_state_invalidate(cache);
	/* On the index until its holders have let go: a change must find and await them. */
	while (pfn_state_is_mapping_held(cache)) {
		vm_memory_unlock(memory);
		pfn_state_wait_for_holders(cache);
		vm_memory_lock(memory);
	}
	pfn_index_remove(&memory->caches, cache);
	if (cache->user) {
		__atomic_fetch_and(&cache->state, ~PFN_CACHE_HELD_BY_ANY, __ATOMIC_RELAXED);
		pfn_state_lower_gate(cache);
	}
	vm_memory_unlock(memory);
	unmap(cache);
	__atomic_fetch_and(&cache->state, ~PFN_CACHE_ACTIVE, __ATOMIC_RELAXED);
	pfn_state_end_work(cache);
}
