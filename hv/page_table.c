/* SPDX-License-Identifier: MIT */
/* Building and looking up L0's page tables (SDM "4-Level Paging and 5-Level Paging"). */
#include "hv/page_table.h"
#include "hv/errno.h"

#define ENTRIES      512u
#define LEVEL_ROOT   3u
#define LEVEL_2M     1u
#define LEVEL_4K     0u
#define TABLE_ENTRY  (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define PAGE_SIZE_2M (2 * MIB)

/* Accessed and dirty are set beforehand: the CPU then never writes to the tables. */
static const u64 purpose_bits[PAGE_PURPOSES] = {
	[PAGE_CODE] = PTE_PRESENT | PTE_ACCESSED,
	[PAGE_CONST] = PTE_PRESENT | PTE_ACCESSED | PTE_NO_EXECUTE,
	[PAGE_DATA] = PTE_PRESENT | PTE_ACCESSED | PTE_NO_EXECUTE | PTE_WRITE | PTE_DIRTY,
	[PAGE_DEVICE] = PTE_PRESENT | PTE_ACCESSED | PTE_NO_EXECUTE | PTE_WRITE | PTE_DIRTY |
			PTE_CACHE_DISABLE | PTE_WRITE_THROUGH,
};

static u64 *entry_table(u64 entry)
{
	return (u64 *)(uintptr_t)(entry & PTE_ADDRESS);
}

static u64 *entry_of(u64 *table, u64 va, u32 level)
{
	return &table[va >> (PAGE_SHIFT + 9 * level) & (ENTRIES - 1)];
}

/* The entry for va at this level, with the tables above it made where they are missing. */
static int entry_make(struct page_table *table, u64 va, u32 level, u64 **result)
{
	u64 *entry = entry_of(table->root, va, LEVEL_ROOT);

	for (u32 above = LEVEL_ROOT; above > level; above--) {
		if (*entry & PTE_LARGE)
			return -EEXIST;
		if (!(*entry & PTE_PRESENT)) {
			void *fresh = table->source(0);

			if (fresh == NULL)
				return -ENOMEM;
			*entry = (uintptr_t)fresh | TABLE_ENTRY;
		}
		entry = entry_of(entry_table(*entry), va, above - 1);
	}
	*result = entry;
	return 0;
}

int page_table_init(struct page_table *table, page_source *source)
{
	table->source = source;
	table->root = source(0);
	return table->root != NULL ? 0 : -ENOMEM;
}

int page_table_map(struct page_table *table, struct page_span span, enum page_purpose purpose)
{
	for (u64 done = 0; done < span.size;) {
		u64 va = span.va + done, hpa = span.hpa + done;
		bool large = IS_ALIGNED(va | hpa, PAGE_SIZE_2M) && span.size - done >= PAGE_SIZE_2M;
		u64 *entry;
		int err = entry_make(table, va, large ? LEVEL_2M : LEVEL_4K, &entry);

		if (err != 0)
			return err;
		if (*entry != 0)
			return -EEXIST;
		*entry = hpa | purpose_bits[purpose] | (large ? PTE_LARGE : 0);
		done += large ? PAGE_SIZE_2M : PAGE_SIZE;
	}
	return 0;
}

u64 *page_table_reserve(struct page_table *table, u64 va, u32 pages)
{
	u32 tables = (pages + ENTRIES - 1) / ENTRIES;
	unsigned int order = 0;
	u64 *leaves;

	while ((1u << order) < tables)
		order++;
	leaves = table->source(order);
	if (leaves == NULL)
		return NULL;
	for (u32 i = 0; i < tables; i++) {
		u64 *entry;

		if (entry_make(table, va + i * PAGE_SIZE_2M, LEVEL_2M, &entry) != 0 || *entry != 0)
			return NULL;
		*entry = (uintptr_t)(leaves + (size_t)i * ENTRIES) | TABLE_ENTRY;
	}
	return leaves;
}

u64 *page_table_find(const struct page_table *table, u64 va)
{
	u64 *entry = entry_of(table->root, va, LEVEL_ROOT);

	for (u32 level = LEVEL_ROOT; *entry & PTE_PRESENT; level--) {
		if (level == LEVEL_4K || *entry & PTE_LARGE)
			return entry;
		entry = entry_of(entry_table(*entry), va, level - 1);
	}
	return NULL;
}
