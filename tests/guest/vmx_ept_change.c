/* SPDX-License-Identifier: MIT */
/* EPT tables that change between entries: what needs INVEPT and what doesn't, and several EPTPs. */
#include "hv/string.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_l2_access.h"
#include "tests/guest/lib/vmx_smp.h"

#define GPA   0xd0000000ULL /* nothing of the machine is here; L1 maps it one to one */
#define PAGES 64u

L2_CODE(sum_pages, "xor %eax, %eax; 1: add (%rdi), %rax; add $4096, %rdi; dec %ecx; jnz 1b");

static void expect_downgrades(enum invept_type type)
{
	u64 eptp, page = vmx_page_with(0x11);
	struct l2 *l2 = l2_under_ept(read_insn, &eptp);

	ept_map(eptp, GPA, EPT_LEVEL_4K, page | EPT_MEMORY);
	EXPECT_EQ(l2_write(l2, GPA, 0x22), EXIT_VMCALL);
	ept_map(eptp, GPA, EPT_LEVEL_4K, page | (EPT_MEMORY & ~EPT_WRITE));
	EXPECT(ept_invalidate(type, type == INVEPT_ALL ? 0 : eptp));
	EXPECT_EQ(l2_write(l2, GPA, 0x33), EXIT_EPT_VIOLATION);
	EXPECT_EQ(l2_read(l2, GPA), 0x22);
	ept_map(eptp, GPA, EPT_LEVEL_4K, 0);
	EXPECT(ept_invalidate(type, type == INVEPT_ALL ? 0 : eptp));
	EXPECT_EQ(l2_read(l2, GPA), ~(u64)EXIT_EPT_VIOLATION);
	EXPECT_EQ(*(u64 *)page, 0x22);
}

VMX_TEST(vmx_ept, single_invept_ends_what_was_allowed, 0)
{
	/* Expect: L2 loses write access, then all, from the next entry on. */
	NEEDS_INVEPT(INVEPT_SINGLE);
	expect_downgrades(INVEPT_SINGLE);
}

VMX_TEST(vmx_ept, global_invept_ends_what_was_allowed, 0)
{
	/* Expect: the same by the all-context type. */
	NEEDS_INVEPT(INVEPT_ALL);
	expect_downgrades(INVEPT_ALL);
}

VMX_TEST(vmx_ept, a_page_replaced_is_seen_after_invept, 0)
{
	/* Expect: the new page's contents, again and again; the old one is untouched. */
	u64 eptp, pages[2] = { vmx_page_with(0xa), vmx_page_with(0xb) };
	struct l2 *l2;

	NEEDS_INVEPT(INVEPT_SINGLE);
	l2 = l2_under_ept(read_insn, &eptp);
	for (u32 i = 0; i < 10; i++) {
		ept_map(eptp, GPA, EPT_LEVEL_4K, pages[i % 2] | EPT_MEMORY);
		EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
		EXPECT_EQ(l2_read(l2, GPA), 0xa + i % 2);
		EXPECT_EQ(l2_write(l2, GPA + 8, 0x100 + i), EXIT_VMCALL);
		EXPECT_EQ(((u64 *)pages[i % 2])[1], 0x100 + i);
	}
	EXPECT_EQ(((u64 *)pages[0])[1], 0x108);
}

/* INVEPT, then a change of what was mapped, then the entry: no L2 ran in between. */
static void expect_change_after_invept(enum invept_type type)
{
	u64 eptp, pages[2] = { vmx_page_with(0xa), vmx_page_with(0xb) };
	struct l2 *l2 = l2_under_ept(read_insn, &eptp);

	ept_map(eptp, GPA, EPT_LEVEL_4K, pages[1] | EPT_MEMORY);
	for (u32 i = 0; i < 10; i++) {
		EXPECT_EQ(l2_read(l2, GPA), 0xb - i % 2);
		EXPECT(ept_invalidate(type, type == INVEPT_SINGLE ? eptp : 0));
		ept_map(eptp, GPA, EPT_LEVEL_4K, pages[i % 2] | EPT_MEMORY);
	}
}

VMX_TEST(vmx_ept, a_page_replaced_after_invept_is_seen, 0)
{
	/* Expect: the new page's contents: the CPU has nothing of the old one any more. */
	NEEDS_INVEPT(INVEPT_SINGLE);
	expect_change_after_invept(INVEPT_SINGLE);
}

VMX_TEST(vmx_ept, a_page_replaced_after_invept_of_all_is_seen, 0)
{
	/* Expect: the same. */
	NEEDS_INVEPT(INVEPT_ALL);
	expect_change_after_invept(INVEPT_ALL);
}

static struct {
	struct l2 *l2;
	u64 eptp, value;
	bool done;
} there; /* on CPU 1 */

static void invalidate_there(void *unused)
{
	(void)unused;
	there.done = ept_invalidate(INVEPT_SINGLE, there.eptp);
}

static void read_there(void *unused)
{
	(void)unused;
	l2_arrive(there.l2);
	there.value = l2_read(there.l2, GPA);
	l2_clear(there.l2);
}

VMX_TEST(vmx_ept, a_page_replaced_before_l2_comes_to_a_cpu_is_seen, NEED_CPUS_2)
{
	/* Expect: the new page's contents on the CPU that did INVEPT before the change, though
	 * another CPU had the old ones and did none. */
	u64 pages[2] = { vmx_page_with(0xa), vmx_page_with(0xb) };

	NEEDS_INVEPT(INVEPT_SINGLE);
	there.l2 = l2_under_ept(read_insn, &there.eptp);
	EXPECT(vmx_smp_on(1));
	for (u32 i = 0; i < 10; i++) {
		l2_arrive(there.l2);
		EXPECT(ept_invalidate(INVEPT_SINGLE, there.eptp));
		ept_map(there.eptp, GPA, EPT_LEVEL_4K, pages[i % 2] | EPT_MEMORY);
		EXPECT_EQ(l2_read(there.l2, GPA), 0xa + i % 2);
		EXPECT(smp_run(1, invalidate_there, NULL));
		EXPECT(there.done);
		ept_map(there.eptp, GPA, EPT_LEVEL_4K, pages[1 - i % 2] | EPT_MEMORY);
		l2_clear(there.l2);
		EXPECT(smp_run(1, read_there, NULL));
		EXPECT_EQ(there.value, 0xb - i % 2);
	}
	EXPECT(vmx_smp_off(1));
}

VMX_TEST(vmx_ept, a_table_replaced_is_seen_after_invept, 0)
{
	/* Expect: another table of leaves under the same entry counts as a whole. */
	u64 eptp, first = vmx_page_with(1), second = vmx_page_with(2), *entry, *table;
	struct l2 *l2;

	NEEDS_INVEPT(INVEPT_SINGLE);
	l2 = l2_under_ept(read_insn, &eptp);
	ept_map(eptp, GPA, EPT_LEVEL_4K, first | EPT_MEMORY);
	EXPECT_EQ(l2_read(l2, GPA), 1);
	table = (u64 *)vmx_page();
	table[0] = second | EPT_MEMORY;
	entry = ept_entry(eptp, GPA, EPT_LEVEL_2M);
	*entry = (u64)table | EPT_RWX;
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT_EQ(l2_read(l2, GPA), 2);
	EXPECT_EQ(l2_read(l2, GPA + PAGE_SIZE), ~(u64)EXIT_EPT_VIOLATION);
}

VMX_TEST(vmx_ept, a_page_that_comes_needs_no_invept, 0)
{
	/* Expect: an entry that was not present counts as soon as it is; 64 of them, one by one. */
	u64 eptp;
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_under_ept(read_insn, &eptp);
	for (u64 i = 0; i < PAGES; i++)
		ept_map(eptp, GPA + i * PAGE_SIZE, EPT_LEVEL_4K, 0);
	for (u64 i = 0; i < PAGES; i++) {
		u64 gpa = GPA + i * PAGE_SIZE;

		EXPECT_EQ(l2_read(l2, gpa), ~(u64)EXIT_EPT_VIOLATION);
		ept_map(eptp, gpa, EPT_LEVEL_4K, vmx_page_with(i) | EPT_MEMORY);
		EXPECT_EQ(l2_read(l2, gpa), i);
	}
}

VMX_TEST(vmx_ept, more_rights_after_a_violation_need_no_invept, 0)
{
	/* Expect: read-only, a write exits, L1 allows it, the write is done. */
	u64 eptp, page = vmx_page_with(0x11);
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_under_ept(read_insn, &eptp);
	ept_map(eptp, GPA, EPT_LEVEL_4K, page | (EPT_MEMORY & ~EPT_WRITE));
	EXPECT_EQ(l2_read(l2, GPA), 0x11);
	EXPECT_EQ(l2_write(l2, GPA, 0x22), EXIT_EPT_VIOLATION);
	ept_map(eptp, GPA, EPT_LEVEL_4K, page | EPT_MEMORY);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(*(u64 *)page, 0x22);
}

VMX_TEST(vmx_ept, many_pages_change_before_one_invept, 0)
{
	/* Expect: 64 pages moved around, one INVEPT, and L2's sum over them is the new one. */
	u64 eptp, pages[PAGES], wanted = 0;
	struct l2 *l2;

	NEEDS_INVEPT(INVEPT_SINGLE);
	l2 = l2_under_ept(read_insn, &eptp);
	for (u64 i = 0; i < PAGES; i++) {
		pages[i] = vmx_page_with(i * i);
		wanted += i * i;
		ept_map(eptp, GPA + i * PAGE_SIZE, EPT_LEVEL_4K, pages[i] | EPT_MEMORY);
	}
	for (u32 round = 0; round < 4; round++) {
		l2->regs[RDI] = GPA;
		l2->regs[RCX] = PAGES;
		EXPECT_EQ(l2_enter_at(l2, sum_pages), EXIT_VMCALL);
		EXPECT_EQ(l2->regs[RAX], wanted);
		/* Now the first page takes all places up to here. */
		for (u64 i = round * 16; i < round * 16 + 16; i++) {
			wanted -= i * i;
			ept_map(eptp, GPA + i * PAGE_SIZE, EPT_LEVEL_4K, pages[0] | EPT_MEMORY);
		}
		EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	}
}

VMX_TEST(vmx_ept, a_large_leaf_splits_and_joins, 0)
{
	/* Expect: a 2 MiB leaf, then 4 KiB leaves with one page replaced, then the leaf again. */
	u64 eptp, page = vmx_page_with(0x11), other = vmx_page_with(0x22), into = page % (2 * MIB);
	struct l2 *l2;

	NEEDS_INVEPT(INVEPT_SINGLE);
	l2 = l2_under_ept(read_insn, &eptp);
	for (u32 round = 0; round < 3; round++) {
		ept_map(eptp, GPA, EPT_LEVEL_2M, ALIGN_DOWN(page, 2 * MIB) | EPT_MEMORY);
		EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
		EXPECT_EQ(l2_read(l2, GPA + into), 0x11);
		ept_map(eptp, GPA + into, EPT_LEVEL_4K, other | EPT_MEMORY);
		EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
		EXPECT_EQ(l2_read(l2, GPA + into), 0x22);
	}
}

/* --- several EPTPs --- */
VMX_TEST(vmx_ept, l2_sees_what_its_eptp_maps, 0)
{
	/* Expect: four EPTPs in turn in one VMCS, each with a page of its own there. */
	u64 eptps[4];
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_new(read_insn);
	for (u64 i = 0; i < ARRAY_SIZE(eptps); i++) {
		eptps[i] = ept_new();
		ept_map(eptps[i], GPA, EPT_LEVEL_4K, vmx_page_with(0x40 + i) | EPT_MEMORY);
	}
	for (u32 turn = 0; turn < 12; turn++) {
		ept_use(eptps[turn % 4]);
		EXPECT_EQ(l2_read(l2, GPA), 0x40 + turn % 4);
	}
}

VMX_TEST(vmx_ept, invept_of_one_eptp_leaves_the_other, 0)
{
	/* Expect: both change, one is invalidated: that one's change is seen; the other's stays
	 * right after its own INVEPT. */
	u64 eptps[2];
	struct l2 *l2;

	NEEDS_INVEPT(INVEPT_SINGLE);
	l2 = l2_new(read_insn);
	for (u64 i = 0; i < 2; i++) {
		eptps[i] = ept_new();
		ept_map(eptps[i], GPA, EPT_LEVEL_4K, vmx_page_with(i) | EPT_MEMORY);
		ept_use(eptps[i]);
		EXPECT_EQ(l2_read(l2, GPA), i);
	}
	for (u64 i = 0; i < 2; i++) {
		ept_map(eptps[i], GPA, EPT_LEVEL_4K, vmx_page_with(0x10 + i) | EPT_MEMORY);
		EXPECT(ept_invalidate(INVEPT_SINGLE, eptps[i]));
		ept_use(eptps[i]);
		EXPECT_EQ(l2_read(l2, GPA), 0x10 + i);
	}
}

VMX_TEST(vmx_ept, eptps_that_share_tables_share_changes, 0)
{
	/* Expect: two roots over one set of tables: a leaf changed is seen through both. */
	u64 eptp, other = vmx_page() | EPTP_FOUR_LEVELS | EPTP_WRITE_BACK;
	struct l2 *l2;

	NEEDS_INVEPT(INVEPT_ALL);
	l2 = l2_under_ept(read_insn, &eptp);
	ept_map(eptp, GPA, EPT_LEVEL_4K, vmx_page_with(1) | EPT_MEMORY);
	memcpy((void *)(other & EPT_FRAME_MASK), (const void *)(eptp & EPT_FRAME_MASK), PAGE_SIZE);
	EXPECT_EQ(l2_read(l2, GPA), 1);
	ept_use(other);
	EXPECT_EQ(l2_read(l2, GPA), 1);
	ept_map(eptp, GPA, EPT_LEVEL_4K, vmx_page_with(2) | EPT_MEMORY);
	EXPECT(ept_invalidate(INVEPT_ALL, 0));
	EXPECT_EQ(l2_read(l2, GPA), 2);
	ept_use(eptp);
	EXPECT_EQ(l2_read(l2, GPA), 2);
}

VMX_TEST(vmx_ept, ept_turns_on_and_off, 0)
{
	/* Expect: one VMCS with and without EPT by turns: L2 sees the page that EPT puts there,
	 * then the one that L1 has there. */
	u64 eptp, page = vmx_page_with(1);
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_under_ept(read_insn, &eptp);
	ept_map(eptp, page, EPT_LEVEL_4K, vmx_page_with(2) | EPT_MEMORY);
	for (u32 turn = 0; turn < 6; turn++) {
		if (turn % 2)
			control_off(CONTROL_SET_CPU2, CPU2_ENABLE_EPT);
		else
			control_on(CONTROL_SET_CPU2, CPU2_ENABLE_EPT);
		EXPECT_EQ(l2_read(l2, page), turn % 2 ? 1 : 2);
	}
}
