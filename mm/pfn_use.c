/* SPDX-License-Identifier: MIT */
/* Guest use of a pfn-cache: a VMCS gets the frame, and its gate is lowered, in one step under
 * the memory's lock. */
#include "hv/errno.h"
#include "mm/pfn_state.h"
#include "mm/vm_memory.h"

#define USE_TRIES 4u

void pfn_cache_init_guest(struct pfn_cache *cache, struct vm_memory *memory, struct pfn_user *user,
			  u32 bit)
{
	ASSERT(bit < 32);
	pfn_cache_init(cache, memory, WINDOW_WRITE);
	cache->user = user;
	cache->bit = (u8)bit;
}

static bool use_if_valid(struct pfn_cache *cache, u32 vcpu, pfn_t *pfn)
{
	bool is_valid;

	vm_memory_lock(cache->memory);
	is_valid = pfn_state(cache) & PFN_CACHE_VALID;
	if (is_valid) {
		__atomic_fetch_or(&cache->state, PFN_CACHE_HELD(vcpu), __ATOMIC_RELAXED);
		*pfn = cache->pfn;
		pfn_state_lower_gate(cache);
	} else {
		pfn_state_raise_gate(cache);
	}
	vm_memory_unlock(cache->memory);
	return is_valid;
}

int pfn_cache_use(struct pfn_cache *cache, u32 vcpu, pfn_t *pfn)
{
	int rc = 0;

	ASSERT(cache->user && vcpu < PFN_CACHE_HOLDERS);
	for (u32 i = 0; i < USE_TRIES && !rc; i++) {
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
	pfn_state_lower_gate(cache);
	vm_memory_unlock(cache->memory);
}
