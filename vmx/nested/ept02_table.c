/* SPDX-License-Identifier: MIT */
/*
 * EPT02's tables and entries. Each entry changes by one store, and a table that was taken out keeps
 * its frame until no CPU can walk it. A table is empty when it is free.
 */
#include "vmx/nested/ept02_impl.h"
#include "mm/walker.h"

/* What a CPU may have in its TLB is worth less, or something else, from now on. */
static void owe_flush(struct ept02_root *root)
{
	/* release: pairs with ept02_flush_owed; who sees the debt sees the entries as they are */
	__atomic_store_n(&root->flush_owed, ~0ULL, __ATOMIC_RELEASE);
}

struct ept02_table *ept02_table_below(const struct ept02 *pool, u64 entry)
{
	return &pool->tables[ept_entry_pfn(entry).raw - pool->base.raw];
}

struct ept02_table *ept02_table_new(struct ept02 *pool, struct ept02_root *root, u32 level)
{
	struct ept02_table *table = pool->free_tables;

	if (!table)
		return NULL;
	pool->free_tables = table->next;
	table->root = root;
	table->level = level;
	root->tables++;
	return table;
}

void ept02_table_shadow(struct ept02 *pool, struct ept02_table *table, u64 gfn)
{
	struct ept02_page *page = ept02_page_make(pool, gfn);

	table->page = page;
	hlist_push(&page->tables, &table->of_page);
	if (!page->is_protected || page->protected_at > pool->settled)
		hlist_push(&table->root->unsync, &table->unsync);
}

void ept02_table_forget(struct ept02 *pool, struct ept02_table *table)
{
	struct ept02_page *page = table->page;

	if (!page)
		return;
	hlist_remove(&table->of_page);
	hlist_remove(&table->unsync);
	table->page = NULL;
	if (!page->tables.first)
		ept02_page_drop(pool, page);
}

void ept02_table_link(struct ept02_table *table)
{
	struct ept02_table *above = table->above;

	walker_store(&above->entries[table->above_index],
		     page_to_hpa(table->entries).raw | EPT_ACCESS_MASK);
	above->live++;
}

void ept02_leaf_set(struct ept02 *pool, struct ept02_table *table, u32 index, u64 value)
{
	walker_store(&table->entries[index], value);
	table->live++;
	pool->counts.mapped[table->level]++;
	ept02_index_add(pool, table, index);
}

/* Hardware's own flags are no difference, and more permissions no loss: an EPT violation takes the
 * narrower translation out of the CPU (SDM "Operations that Invalidate Cached Mappings"). */
void ept02_leaf_alter(struct ept02_table *table, u32 index, u64 value)
{
	u64 old = table->entries[index];
	u64 changed = (old ^ value) & ~(EPT_ACCESSED | EPT_DIRTY);

	if (!changed)
		return;
	walker_store(&table->entries[index], value);
	if ((changed & ~EPT_ACCESS_MASK) || (changed & old))
		owe_flush(table->root);
}

static void retire(struct ept02_zap *zap, struct ept02_table *table)
{
	ept02_table_clear(zap, table);
	ept02_table_forget(zap->pool, table);
	if (table->root->recent == table)
		table->root->recent = NULL;
	table->root->tables--;
	table->next = zap->out.tables;
	zap->out.tables = table;
}

void ept02_entry_drop(struct ept02_zap *zap, struct ept02_table *table, u32 index)
{
	u64 old = table->entries[index];

	if (!ept_is_present(old))
		return;
	walker_store(&table->entries[index], 0);
	table->live--;
	owe_flush(table->root);
	zap->out.flush = true;
	if (ept_is_table(old, table->level)) {
		retire(zap, ept02_table_below(zap->pool, old));
		return;
	}
	zap->pool->counts.zapped[zap->cause]++;
	ept02_index_remove(zap->pool, table, index);
}

void ept02_table_clear(struct ept02_zap *zap, struct ept02_table *table)
{
	for (u32 i = 0; table->live; i++)
		ept02_entry_drop(zap, table, i);
}

void ept02_tables_free(struct ept02 *pool, struct ept02_table *tables)
{
	while (tables) {
		struct ept02_table *table = tables;

		tables = table->next;
		table->next = pool->free_tables;
		pool->free_tables = table;
	}
}

void ept02_zap_finish(struct ept02_zap *zap)
{
	struct ept02 *pool = zap->pool;

	if (!zap->out.tables)
		return;
	pool->ops->kick_and_wait(pool->ops->context);
	vm_memory_lock(pool->memory);
	ept02_tables_free(pool, zap->out.tables);
	vm_memory_unlock(pool->memory);
}
