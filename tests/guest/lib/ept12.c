/* SPDX-License-Identifier: MIT */
/* EPT tables for an L2 (SDM "EPT Translation Mechanism"). Upper levels allow everything. */
#include "tests/guest/lib/ept12.h"
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/report.h"
#include "tests/guest/lib/vmx.h"

#define ALLOW_ALL     BITS(2, 0) /* read, write, execute */
#define WRITE_BACK    (6ULL << 3)
#define LARGE         BIT(7)
#define ADDRESS       BITS(51, 12)

#define EPTP_TYPE     6ULL
#define EPTP_LEVELS   (3ULL << 3)

#define TABLE_ENTRIES 512u
#define LEVEL_BITS    9u
#define TOP_LEVEL     4u
#define LARGE_LEVEL   2u

/* IA32_VMX_EPT_VPID_CAP */
#define NEEDED_CAPS   (BIT(6) | BIT(14) | BIT(16) | BIT(20) | BIT(25))

#define INVEPT_SINGLE 1ULL

const char *ept12_lacks(void)
{
	if (!vmx_allows(CONTROL_SET_CPU, CPU_SECONDARY) ||
	    !vmx_allows(CONTROL_SET_CPU2, CPU2_ENABLE_EPT))
		return "no EPT";
	if ((rdmsr(MSR_IA32_VMX_EPT_VPID_CAP) & NEEDED_CAPS) != NEEDED_CAPS)
		return "no EPT with four levels, write-back, 2 MiB leaves and single-context "
		       "INVEPT";
	return NULL;
}

static u64 *table_of(u64 entry)
{
	return (u64 *)(entry & ADDRESS);
}

static u64 *entry_of(u64 *table, u64 gpa, u32 level)
{
	return &table[gpa >> (PAGE_SHIFT + LEVEL_BITS * (level - 1)) & (TABLE_ENTRIES - 1)];
}

/* The entry of this level that translates gpa; tables are made as needed. */
static u64 *walk(u64 eptp, u64 gpa, u32 level)
{
	u64 *table = table_of(eptp);

	for (u32 at = TOP_LEVEL; at > level; at--) {
		u64 *entry = entry_of(table, gpa, at);

		if (!(*entry & ALLOW_ALL))
			*entry = memory_page_alloc() | ALLOW_ALL;
		table = table_of(*entry);
	}
	return entry_of(table, gpa, level);
}

u64 ept12_create(void)
{
	u64 eptp = memory_page_alloc() | EPTP_TYPE | EPTP_LEVELS;

	for (u64 gpa = 0; gpa < EPT12_SHARED_END; gpa += 2 * MIB)
		*walk(eptp, gpa, LARGE_LEVEL) = gpa | LARGE | WRITE_BACK | ALLOW_ALL;
	return eptp;
}

void ept12_map(u64 eptp, u64 gpa, u64 pa)
{
	if (gpa < EPT12_SHARED_END)
		report_fatal("L2's page 0x%llx is L1's", (unsigned long long)gpa);
	WRITE_ONCE(*walk(eptp, gpa, 1), pa | WRITE_BACK | ALLOW_ALL);
}

void ept12_unmap(u64 eptp, u64 gpa)
{
	WRITE_ONCE(*walk(eptp, gpa, 1), 0);
}

static void free_table(u64 *table, u32 level)
{
	for (u32 i = 0; level > 1 && i < TABLE_ENTRIES; i++) {
		if ((table[i] & ALLOW_ALL) && !(table[i] & LARGE))
			free_table(table_of(table[i]), level - 1);
	}
	memory_page_free((u64)table);
}

void ept12_destroy(u64 eptp)
{
	free_table(table_of(eptp), TOP_LEVEL);
	ept12_invept(eptp); /* after the change: the next tables may have the same root */
}

void ept12_invept(u64 eptp)
{
	const u64 descriptor[2] = { eptp, 0 };
	bool fails;

	__asm__ volatile("invept %1, %2"
			 : "=@ccbe"(fails)
			 : "m"(descriptor), "r"(INVEPT_SINGLE)
			 : "memory");
	if (fails)
		report_fatal("INVEPT of EPTP 0x%llx failed", (unsigned long long)eptp);
}
