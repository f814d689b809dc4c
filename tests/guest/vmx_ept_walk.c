/* SPDX-License-Identifier: MIT */
/* The CPU's own accesses under EPT: the walk of L2's paging structures, and the accessed and dirty
 * flags of EPT (SDM "Accessed and Dirty Flags for EPT"). */
#include "hv/msr_index.h"
#include "hv/pte.h"
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_l2_access.h"
#include "tests/guest/lib/vmx_modes.h"
#include "vmx/qualification.h"

#define VA         (2ULL << 39) /* L1 has nothing here; L2 has one page */
#define OFFSET     0x358u
#define INSIDE     0x1357924680acebdfULL
#define WALK       EPT_VIOLATION_LINEAR /* and not the operand */
#define BASIC      (BITS(5, 0) | EPT_VIOLATION_LINEAR | EPT_VIOLATION_OPERAND)
#define ALLOWS(r)  ((u64)(r) << EPT_VIOLATION_RIGHTS_SHIFT)
#define TABLE      (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define NEEDS_AD() NEEDS_EPT(EPT_CAP_MASK(ACCESSED_DIRTY))

L2_CODE(fetch_insn, "jmp *%rdi");

/* L2's own tables, by level; L1's below 512 GiB, and one page at VA. */
static u64 tables[5], page, eptp;

static struct l2 *l2_with_tables(const char *code, u64 eptp_flags)
{
	struct l2 *l2 = l2_new(code);

	for (u32 level = 1; level <= 4; level++)
		tables[level] = vmx_page();
	page = vmx_page();
	memcpy((void *)tables[4], (const void *)(read_cr3() & PTE_ADDRESS), PAGE_SIZE);
	((u64 *)tables[4])[VA >> 39] = tables[3] | TABLE;
	*(u64 *)tables[3] = tables[2] | TABLE;
	*(u64 *)tables[2] = tables[1] | TABLE;
	*(u64 *)tables[1] = page | TABLE | PTE_DIRTY;
	*(u64 *)(page + OFFSET) = INSIDE;
	eptp = ept_new() | eptp_flags;
	ept_use(eptp);
	vmx_write(VMCS_GUEST_CR3, tables[4]);
	l2->regs[RDI] = VA + OFFSET;
	l2->regs[RAX] = ~INSIDE;
	return l2;
}

static u64 *leaf_of(u64 gpa)
{
	return ept_entry(eptp, gpa, EPT_LEVEL_4K);
}

static void expect_walk_violation(u64 at, u64 qualification)
{
	EXPECT_EQ(vmx_read(VMCS_EXIT_QUALIFICATION) & BASIC, qualification);
	EXPECT_FIELD(GUEST_PHYSICAL_ADDR, at);
	EXPECT_FIELD(GUEST_LINEAR_ADDR, VA + OFFSET);
	EXPECT_FIELD(GUEST_RIP, (u64)read_insn);
}

VMX_TEST(vmx_ept, missing_page_tables_of_l2_violate, 0)
{
	/* Expect: a read of the entry, not of the operand; the operand's linear address; then the
	 * access is done when the table is there. */
	NEEDS_EPT(0);
	for (u32 level = 1; level <= 3; level++) {
		struct l2 *l2 = l2_with_tables(read_insn, 0);

		*leaf_of(tables[level]) &= ~EPT_RWX;
		EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
		expect_walk_violation(tables[level], EPT_VIOLATION_READ | WALK);
		*leaf_of(tables[level]) |= EPT_RWX;
		EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
		EXPECT_EQ(l2->regs[RAX], INSIDE);
	}
}

VMX_TEST(vmx_ept, missing_root_of_l2_violates_in_the_first_fetch, 0)
{
	/* Expect: a read of the entry for RIP. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_with_tables(read_insn, 0);
	*leaf_of(tables[4]) &= ~EPT_RWX;
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	EXPECT_EQ(vmx_read(VMCS_EXIT_QUALIFICATION) & BASIC, EPT_VIOLATION_READ | WALK);
	EXPECT_FIELD(GUEST_PHYSICAL_ADDR, tables[4] + 8 * ((u64)read_insn >> 39));
	EXPECT_FIELD(GUEST_LINEAR_ADDR, (u64)read_insn);
}

VMX_TEST(vmx_ept, misconfigured_page_tables_of_l2_exit, 0)
{
	/* Expect: a misconfiguration with the entry's address. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_with_tables(read_insn, 0);
	*leaf_of(tables[2]) = (*leaf_of(tables[2]) & ~EPT_RWX) | EPT_WRITE;
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_MISCONFIG);
	EXPECT_FIELD(GUEST_PHYSICAL_ADDR, tables[2]);
}

VMX_TEST(vmx_ept, read_only_page_tables_of_l2_serve_without_flags, 0)
{
	/* Expect: without EPT's flags the walk reads only, where L2's own A and D are set. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_with_tables(write_insn, 0);
	for (u32 level = 1; level <= 3; level++)
		*leaf_of(tables[level]) &= ~EPT_WRITE;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(*(u64 *)(page + OFFSET), ~INSIDE);
}

VMX_TEST(vmx_ept, setting_flags_in_read_only_page_tables_violates, 0)
{
	/* Expect: a write of the entry whose accessed flag the CPU has to set. */
	struct l2 *l2;
	u32 reason;

	NEEDS_EPT(0);
	l2 = l2_with_tables(read_insn, 0);
	*(u64 *)tables[1] &= ~PTE_ACCESSED;
	*leaf_of(tables[1]) &= ~EPT_WRITE;
	reason = l2_enter(l2);
	if (reason == EXIT_VMCALL)
		SKIP("Bochs 2.7 sets L2's accessed flags past a read-only EPT leaf");
	EXPECT_EQ(reason, EXIT_EPT_VIOLATION);
	EXPECT_FIELD(GUEST_PHYSICAL_ADDR, tables[1]);
	EXPECT_EQ(vmx_read(VMCS_EXIT_QUALIFICATION) & (EPT_VIOLATION_WRITE | WALK),
		  EPT_VIOLATION_WRITE | WALK);
}

VMX_TEST(vmx_ept, with_flags_a_walk_of_l2_counts_as_a_write, 0)
{
	/* Expect: read-only page tables violate although L2 only reads and its flags are set. */
	struct l2 *l2;
	u64 qualification;

	NEEDS_AD();
	l2 = l2_with_tables(read_insn, EPTP_AD_ENABLE);
	*leaf_of(tables[1]) &= ~EPT_WRITE;
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	EXPECT_FIELD(GUEST_PHYSICAL_ADDR, tables[1]);
	qualification = vmx_read(VMCS_EXIT_QUALIFICATION) & BASIC;
	if (qualification == (EPT_VIOLATION_WRITE | WALK | ALLOWS(EPT_READ | EPT_EXECUTE)))
		SKIP("Bochs 2.7 tells such a walk as a write only");
	EXPECT_EQ(qualification,
		  EPT_VIOLATION_READ | EPT_VIOLATION_WRITE | WALK | ALLOWS(EPT_READ | EPT_EXECUTE));
}

L2_CODE_BITS(write_cr3_32, 32, "mov %eax, %cr3");

VMX_TEST(vmx_ept, loading_pdptes_violates_without_a_linear_address, 0)
{
	/* Expect: MOV to CR3 under PAE paging, the pointers' page missing: a read, no linear
	 * address; CR3 is unchanged. */
	struct l2 *l2;
	u64 *pointers, other;

	NEEDS_EPT(0);
	l2 = l2_under_ept(write_cr3_32, &eptp);
	pointers = l2_to_pae();
	other = vmx_page();
	memcpy((void *)other, pointers, 32);
	*leaf_of(other) &= ~EPT_RWX;
	l2->regs[RAX] = other + 0x20;
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	EXPECT_EQ(vmx_read(VMCS_EXIT_QUALIFICATION) & BASIC, EPT_VIOLATION_READ);
	EXPECT_EQ(ALIGN_DOWN(vmx_read(VMCS_GUEST_PHYSICAL_ADDR), 32), other + 0x20);
	EXPECT_FIELD(GUEST_CR3, (u64)pointers);
	EXPECT_FIELD(GUEST_RIP, (u64)write_cr3_32);
}

/* --- accessed and dirty flags --- */
static u64 flags_at(u64 gpa, u32 level)
{
	return *ept_entry(eptp, gpa, level) & (EPT_ACCESSED | EPT_DIRTY);
}

static void expect_table_flags(u64 gpa)
{
	for (u32 level = EPT_LEVEL_2M; level <= EPT_LEVEL_ROOT; level++)
		EXPECT_EQ(flags_at(gpa, level), EPT_ACCESSED);
}

VMX_TEST(vmx_ept, a_read_sets_accessed_flags, 0)
{
	/* Expect: A in all entries on the way, D in none. */
	struct l2 *l2;

	NEEDS_AD();
	l2 = l2_with_tables(read_insn, EPTP_AD_ENABLE);
	EXPECT_EQ(flags_at(page, EPT_LEVEL_4K), 0);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(flags_at(page, EPT_LEVEL_4K), EPT_ACCESSED);
	expect_table_flags(page);
}

VMX_TEST(vmx_ept, a_write_sets_the_dirty_flag, 0)
{
	/* Expect: A and D in the leaf, A alone above; of a page beside it nothing. */
	struct l2 *l2;
	u64 beside;

	NEEDS_AD();
	l2 = l2_with_tables(write_insn, EPTP_AD_ENABLE);
	beside = vmx_page();
	leaf_of(page);
	leaf_of(beside);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(flags_at(page, EPT_LEVEL_4K), EPT_ACCESSED | EPT_DIRTY);
	expect_table_flags(page);
	EXPECT_EQ(flags_at(beside, EPT_LEVEL_4K), 0);
}

VMX_TEST(vmx_ept, a_write_after_a_read_sets_the_dirty_flag, 0)
{
	/* Expect: D comes with the first write, though the translation was there. */
	struct l2 *l2;

	NEEDS_AD();
	l2 = l2_with_tables(read_insn, EPTP_AD_ENABLE);
	leaf_of(page);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(flags_at(page, EPT_LEVEL_4K), EPT_ACCESSED);
	EXPECT_EQ(l2_enter_at(l2, write_insn), EXIT_VMCALL);
	EXPECT_EQ(flags_at(page, EPT_LEVEL_4K), EPT_ACCESSED | EPT_DIRTY);
}

VMX_TEST(vmx_ept, a_large_leaf_has_flags, 0)
{
	/* Expect: D of the 2 MiB leaf by a write anywhere in it. */
	struct l2 *l2;

	NEEDS_AD();
	l2 = l2_with_tables(write_insn, EPTP_AD_ENABLE);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(flags_at(page, EPT_LEVEL_2M), EPT_ACCESSED | EPT_DIRTY);
	EXPECT_EQ(flags_at(page, EPT_LEVEL_1G), EPT_ACCESSED);
}

VMX_TEST(vmx_ept, page_tables_of_l2_become_dirty, 0)
{
	/* Expect: A and D of the leaves that map what the CPU walks, though L2 only reads. */
	struct l2 *l2;

	NEEDS_AD();
	l2 = l2_with_tables(read_insn, EPTP_AD_ENABLE);
	for (u32 level = 1; level <= 3; level++)
		leaf_of(tables[level]);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	for (u32 level = 1; level <= 3; level++)
		EXPECT_EQ(flags_at(tables[level], EPT_LEVEL_4K), EPT_ACCESSED | EPT_DIRTY);
}

VMX_TEST(vmx_ept, a_fetch_sets_accessed_flags, 0)
{
	/* Expect: A and not D where L2 jumps to. */
	struct l2 *l2;

	NEEDS_AD();
	l2 = l2_with_tables(fetch_insn, EPTP_AD_ENABLE);
	*(u32 *)(page + OFFSET) = 0xc1010f; /* VMCALL */
	leaf_of(page);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, VA + OFFSET);
	EXPECT_EQ(flags_at(page, EPT_LEVEL_4K), EPT_ACCESSED);
}

VMX_TEST(vmx_ept, cleared_flags_come_again_after_invept, 0)
{
	/* Expect: L1 clears A and D and invalidates; the next write sets both again. */
	struct l2 *l2;

	NEEDS_AD();
	NEEDS_EPT(EPT_CAP_MASK(INVEPT_SINGLE));
	l2 = l2_with_tables(write_insn, EPTP_AD_ENABLE);
	leaf_of(page);
	for (u32 round = 0; round < 3; round++) {
		EXPECT_EQ(l2_enter_at(l2, write_insn), EXIT_VMCALL);
		EXPECT_EQ(flags_at(page, EPT_LEVEL_4K), EPT_ACCESSED | EPT_DIRTY);
		*leaf_of(page) &= ~(EPT_ACCESSED | EPT_DIRTY);
		EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	}
}

VMX_TEST(vmx_ept, a_violation_sets_no_dirty_flag, 0)
{
	/* Expect: a write that the leaf forbids leaves D alone. */
	struct l2 *l2;

	NEEDS_AD();
	l2 = l2_with_tables(write_insn, EPTP_AD_ENABLE);
	*leaf_of(page) &= ~EPT_WRITE;
	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	EXPECT_EQ(flags_at(page, EPT_LEVEL_4K) & EPT_DIRTY, 0);
	EXPECT_EQ(*(u64 *)(page + OFFSET), INSIDE);
}

VMX_TEST(vmx_ept, without_its_bit_no_flags_are_set, 0)
{
	/* Expect: EPTP's bit 6 is 0: reads and writes change no entry. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_with_tables(write_insn, 0);
	leaf_of(page);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	for (u32 level = EPT_LEVEL_4K; level <= EPT_LEVEL_ROOT; level++)
		EXPECT_EQ(flags_at(page, level), 0);
}
