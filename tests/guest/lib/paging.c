/* SPDX-License-Identifier: MIT */
/* Edits of the guest's page tables. Upper levels always allow everything: the leaf decides. */
#include "tests/guest/lib/paging.h"
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"

#define TABLE_BITS    (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define LEVEL_BITS    9
#define TABLE_ENTRIES 512
#define TOP_LEVEL     4

extern u64 boot_pml4[TABLE_ENTRIES];

void paging_init(void)
{
	if (has_nx())
		wrmsr(MSR_IA32_EFER, rdmsr(MSR_IA32_EFER) | EFER_NXE);
}

/* Replace a 2 MiB page (the only large size that start.asm uses) by a table that maps the same. */
static void split(u64 *entry)
{
	u64 table = memory_page_alloc(), bits = *entry & ~(PTE_ADDRESS | PTE_LARGE);

	for (u64 i = 0; i < TABLE_ENTRIES; i++)
		((u64 *)table)[i] = (*entry & PTE_ADDRESS) + i * PAGE_SIZE + bits;
	*entry = table | TABLE_BITS;
	write_cr3(read_cr3());
}

u64 *paging_leaf(u64 va)
{
	u64 *table = boot_pml4;

	for (unsigned int level = TOP_LEVEL;; level--) {
		unsigned int shift = PAGE_SHIFT + LEVEL_BITS * (level - 1);
		u64 *entry = &table[va >> shift & (TABLE_ENTRIES - 1)];

		if (level == 1)
			return entry;
		if (!(*entry & PTE_PRESENT))
			*entry = memory_page_alloc() | TABLE_BITS;
		else if (*entry & PTE_LARGE)
			split(entry);
		table = (u64 *)(*entry & PTE_ADDRESS);
	}
}

void paging_set(u64 *leaf, u64 va, u64 entry)
{
	WRITE_ONCE(*leaf, entry);
	invlpg((const void *)va);
}

void paging_map(u64 va, u64 pa, u64 bits)
{
	paging_set(paging_leaf(va), va, pa | bits);
}

void paging_unmap(u64 va)
{
	paging_set(paging_leaf(va), va, 0);
}
