/* SPDX-License-Identifier: MIT */
/* Changes: who is told, who is waited for, and in which order. */
#include "mm/change.h"
#include "mm/ept01_protect.h"
#include "mm/vm_memory.h"

static const struct change_ops *ops; /* constant after boot */

void change_set_ops(const struct change_ops *new_ops)
{
	ops = new_ops;
}

static u64 this_cpu_bit(void)
{
	return BIT(THIS_CPU_FIELD(index));
}

void change_cpu_joins(struct vm_memory *memory)
{
	/* Full order: the bit is seen before this CPU does INVEPT; pairs with change_flush. */
	__atomic_fetch_or(&memory->cpus, this_cpu_bit(), __ATOMIC_SEQ_CST);
}

void change_cpu_leaves(struct vm_memory *memory)
{
	__atomic_fetch_and(&memory->cpus, ~this_cpu_bit(), __ATOMIC_SEQ_CST);
}

/* The vCPUs leave their guests, and meet their raised gates. */
static void call_out(u64 vcpus)
{
	counter_inc(CTR_CACHE_CALL_OUTS);
	ASSERT(ops);
	ops->call_out(vcpus);
}

void change_flush(struct vm_memory *memory)
{
	/* Full order: the leaves have left EPT01 before the look at who runs the VM; pairs with
	 * change_cpu_joins. */
	u64 cpus = __atomic_fetch_or(&memory->cpus, 0, __ATOMIC_SEQ_CST);

	if (!cpus)
		return;
	ASSERT(ops);
	ops->kick_and_wait(cpus);
}

void change_page_written(struct vm_memory *memory, l1_gfn_t gfn)
{
	bool is_protected;

	vm_memory_lock(memory);
	is_protected = ept01_is_protected(memory, gfn);
	vm_memory_unlock(memory);
	if (!is_protected)
		return;
	counter_inc(CTR_PROTECTED_WRITES);
	ASSERT(ops && ops->page_written);
	ops->page_written(gfn);
}

void change_begin(struct change *change, struct vm_memory *memory, u64 gfn, u64 pages)
{
	u64 generation = ept_generation(&memory->ept01);

	*change = (struct change){ .memory = memory, .range = { gfn, pages } };
	memory->active++;
	if (!pages)
		return;
	change->hits = pfn_cache_invalidate(memory, change->range);
	change->tables = ept01_zap(memory, gfn, pages);
	if (ops && ops->zap)
		ops->zap(change->range, &change->shadow);
	/* Tables may come from leaves that have grown together since the last flush, too. */
	change->flush = change->tables || ept_generation(&memory->ept01) != generation;
}

void change_protect(struct change *change, u64 gfn)
{
	struct ept *ept = &change->memory->ept01;
	u64 generation = ept_generation(ept);
	int rc = 0;

	if (change->memory->pml.is_on)
		ept_clean(ept, gfn);
	else
		rc = ept01_take_write_away(ept, gfn);
	ASSERT(!rc); /* nothing is split */
	change->flush |= ept_generation(ept) != generation;
	if (ops && ops->zap)
		ops->zap((struct gfn_range){ gfn, 1 }, &change->shadow);
}

void change_wait(struct change *change)
{
	struct vm_memory *memory = change->memory;

	epoch_assert_quiescent();
	if (change->waited)
		return;
	if (change->flush || change->shadow.flush)
		change_flush(memory);
	if (ops && ops->zap_end)
		ops->zap_end(&change->shadow);
	if (change->hits.users)
		call_out(change->hits.users);
	if (change->hits.is_held)
		pfn_cache_wait_for_holders(memory, change->range);
	if (change->range.pages)
		epoch_wait(&memory->retired);
	change->waited = true;
}

void change_end(struct change *change)
{
	struct vm_memory *memory = change->memory;

	change_wait(change);
	vm_memory_lock(memory);
	ASSERT(memory->active > 0);
	/* Release: a snapshot of the new value is followed by look-ups that see the edit; pairs
	 * with change_snapshot. */
	__atomic_store_n(&memory->seq, memory->seq + 1, __ATOMIC_RELEASE);
	memory->active--;
	vm_memory_unlock(memory);
	ept_free_tables(change->tables);
	epoch_poll(&memory->retired);
}

u64 change_snapshot(const struct vm_memory *memory)
{
	return __atomic_load_n(&memory->seq, __ATOMIC_ACQUIRE); /* pairs with change_end */
}

bool change_allows(const struct vm_memory *memory, u64 snapshot)
{
	return memory->active == 0 && memory->seq == snapshot;
}
