/* SPDX-License-Identifier: MIT */
/* Pages of L1's that no larger leaf of EPT02 maps, whatever EPT12 and EPT01 would allow. */
#include "hv/panic.h"
#include "vmx/nested/ept02_impl.h"

void ept02_keep_single(struct ept02 *pool, l1_gfn_t gfn)
{
	struct ept02_zap zap = { .pool = pool, .cause = EPT02_TABLE_INSIDE };

	vm_memory_lock(pool->memory);
	ASSERT(!protected_set_get(&pool->singles, gfn.raw));
	pool->invalidations++; /* who walks EPT12 now may have seen that the page was not one */
	ept02_zap_large(&zap, gfn.raw, 1);
	vm_memory_unlock(pool->memory);
	ept02_zap_finish(&zap);
}

void ept02_let_grow(struct ept02 *pool, l1_gfn_t gfn)
{
	vm_memory_lock(pool->memory);
	protected_set_put(&pool->singles, gfn.raw);
	if (!protected_set_users(&pool->singles, gfn.raw))
		protected_set_forget(&pool->singles, gfn.raw);
	vm_memory_unlock(pool->memory);
}
