/* SPDX-License-Identifier: MIT */
/*
 * EPT tables that L1 changes by other means than a MOV: an instruction's operand, an MSR list. A
 * hypervisor below carries these writes out itself, and must not overlook that a table changed.
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_check.h"

#define EPT_ADDRESS   BITS(51, 12)
#define EPT_ENTRIES   512u
#define LARGE_BYTES   (2 * MIB)
#define INVEPT_SINGLE 1u
#define FIRST_TRY     (64 * MIB)
#define MARK          0x1234567800000000ULL

static u64 *watched; /* what L2 reads */
static u64 seen;

static void read_then_call(void)
{
	for (;;) {
		seen = *(volatile u64 *)watched;
		vmcall();
	}
}

/* Two pages that tests may write to, each at the start of a large page, the number of the first
 * odd; false: there are not. */
static bool find_pages(u64 pages[2])
{
	u32 found = 0;

	for (u64 at = FIRST_TRY; at < 4 * GIB && found < 2; at += LARGE_BYTES)
		if (memory_is_spare_page(at) && (found || at / LARGE_BYTES % 2))
			pages[found++] = at;
	return found == 2;
}

/* The large leaf of a guest-physical address in the tables of check_use_ept(). */
static u64 *leaf_of(u64 gpa)
{
	u64 *table = (u64 *)(check_base(VMCS_EPT_POINTER) & EPT_ADDRESS);

	table = (u64 *)(table[0] & EPT_ADDRESS);
	table = (u64 *)(table[gpa >> 30] & EPT_ADDRESS);
	return &table[gpa / LARGE_BYTES % EPT_ENTRIES];
}

/* L2 reads the first page, twice, so that whoever shadows its tables has seen them. */
static const char *begin(u64 pages[2])
{
	if (!check_use_ept())
		return "EPT not offered";
	if (!find_pages(pages))
		return "no two pages to spare";
	*(u64 *)pages[0] = MARK;
	*(u64 *)pages[1] = MARK + 1;
	watched = (u64 *)pages[0];
	check_keep(VMCS_GUEST_RIP, (u64)read_then_call);
	EXPECT_OUTCOME(vmx_try_invept(INVEPT_SINGLE, check_base(VMCS_EPT_POINTER), 0), VMSUCCEED);
	EXPECT_ENTRY(ENTERS);
	EXPECT_EQ(seen, MARK);
	return NULL;
}

static void expect_second_page(void)
{
	EXPECT_OUTCOME(vmx_try_invept(INVEPT_SINGLE, check_base(VMCS_EPT_POINTER), 0), VMSUCCEED);
	EXPECT_ENTRY(ENTERS);
	EXPECT_EQ(seen, MARK + 1);
}

CHECK_TEST(ept_entry_written_by_vmread_counts)
{
	/* Expect: after INVEPT, L2 sees the page of the entry that VMREAD stored. */
	u64 pages[2], value = 0, *leaf;
	const char *why = begin(pages);

	if (why)
		SKIP(why);
	leaf = leaf_of(pages[0]);
	check_keep(VMCS_CR3_TARGET0, (*leaf & ~EPT_ADDRESS) | pages[1]);
	EXPECT_OUTCOME(vmx_try(INSN_VMREAD_MEM, (u64)leaf, VMCS_CR3_TARGET0, &value), VMSUCCEED);
	expect_second_page();
}

CHECK_TEST(ept_entry_written_by_an_exit_msr_store_counts)
{
	/* Expect: after INVEPT, L2 sees the page of the entry that an exit stored as an MSR's
	 * value. The list's first half overwrites nothing: it is the entry before, which L2 does
	 * not use. */
	u64 pages[2], before = rdmsr(MSR_IA32_KERNEL_GS_BASE), *leaf;
	const char *why = begin(pages);
	u64 saved;

	if (why)
		SKIP(why);
	leaf = leaf_of(pages[0]);
	saved = leaf[-1];
	leaf[-1] = MSR_IA32_KERNEL_GS_BASE;
	wrmsr(MSR_IA32_KERNEL_GS_BASE, (*leaf & ~EPT_ADDRESS) | pages[1]);
	check_set(VMCS_EXIT_MSR_STORE_ADDR, (u64)&leaf[-1]);
	check_set(VMCS_EXIT_MSR_STORE_COUNT, 1);
	EXPECT_EQ(check_enter(), ENTERS);
	check_put_back();
	leaf[-1] = saved;
	expect_second_page();
	wrmsr(MSR_IA32_KERNEL_GS_BASE, before);
}
