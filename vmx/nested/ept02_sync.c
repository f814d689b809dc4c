/* SPDX-License-Identifier: MIT */
/* L1's INVEPT: what EPT02 was made from may have changed. */
#include "vmx/nested/ept02_impl.h"

/* Lock held. Whoever walks EPT12 now has begun before, and does not publish. */
static void begin(struct ept02 *pool)
{
	/* release: pairs with ept02_fault */
	__atomic_store_n(&pool->invalidations, pool->invalidations + 1, __ATOMIC_RELEASE);
}

bool ept02_table_written(struct ept02 *pool, l1_gfn_t gfn)
{
	bool is_table;

	vm_memory_lock(pool->memory);
	is_table = ept02_page_find(pool, gfn.raw) != NULL;
	vm_memory_unlock(pool->memory);
	return is_table;
}

void ept02_invept_single(struct ept02 *pool, u64 eptp12)
{
	struct ept02_zap zap = { .pool = pool, .cause = EPT02_INVALIDATED };
	struct ept02_root *root = NULL;

	vm_memory_lock(pool->memory);
	begin(pool);
	while ((root = ept02_root_find(pool, eptp12, root)) != NULL)
		ept02_table_clear(&zap, root->table);
	vm_memory_unlock(pool->memory);
	ept02_zap_finish(&zap);
}

void ept02_invept_all(struct ept02 *pool)
{
	struct ept02_zap zap = { .pool = pool, .cause = EPT02_INVALIDATED };

	vm_memory_lock(pool->memory);
	begin(pool);
	for (u32 i = 0; i < pool->root_count; i++)
		ept02_table_clear(&zap, pool->roots[i].table);
	vm_memory_unlock(pool->memory);
	ept02_zap_finish(&zap);
}
