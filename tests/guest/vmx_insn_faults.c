/* SPDX-License-Identifier: MIT */
/* What all VMX instructions have in common: where they are undefined, whom they refuse, and how
 * their memory operands fault. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_insn.h"

#define UNDEFINED FAULT(VECTOR_UD, 0)

/* A register operand that gets as far as the memory operand: a field, or a type. */
static u64 reg_for(enum vmx_insn insn)
{
	return insn == INSN_INVEPT || insn == INSN_INVVPID ? 2 : VMCS_GUEST_RIP;
}

static void expect(enum vmx_insn insn, u32 got, u32 want)
{
	if (got != want)
		test_fail(__FILE__, __LINE__, "%s: expected outcome 0x%x got 0x%x",
			  vmx_insn_table[insn].name, want, got);
}

/* Each instruction that has a memory operand and reads or writes it in root operation. */
static bool has_operand(enum vmx_insn insn)
{
	return vmx_insn_table[insn].has_pointer && insn != INSN_VMXON && vmx_has_insn(insn);
}

VMX_OUTSIDE_TEST(vmx_insn, all_are_undefined_outside_vmx_operation)
{
	/* Expect: #UD in rings 0 and 3, with operands that are not there, CR4.VMXE 0 or 1. VMXON
	 * with CR4.VMXE = 1 and Nestor's VMCALL have tests of their own. */
	for (u32 vmxe = 0; vmxe < 2; vmxe++) {
		if (vmxe)
			write_cr4(read_cr4() | CR4_VMXE);
		for (enum vmx_insn insn = INSN_VMXOFF; insn < INSN_VMCALL; insn++) {
			expect(insn, vmx_try_form(insn, FORM_64, PAGING_TEST_VA, ~0ULL), UNDEFINED);
			expect(insn, vmx_try_form(insn, FORM_SS, NON_CANONICAL, ~0ULL), UNDEFINED);
			expect(insn, vmx_try_in_ring3(insn), UNDEFINED);
		}
	}
	write_cr4(read_cr4() & ~(u64)CR4_VMXE);
}

VMX_OUTSIDE_TEST(vmx_insn, all_are_undefined_in_compatibility_mode_outside_vmx_operation)
{
	/* Expect: #UD, for VMXON as well. */
	write_cr4(read_cr4() | CR4_VMXE);
	for (enum vmx_insn insn = INSN_VMXON; insn < INSN_VMCALL; insn++)
		expect(insn, vmx_try_form(insn, FORM_COMPAT, 0, 0), UNDEFINED);
	write_cr4(read_cr4() & ~(u64)CR4_VMXE);
}

VMX_TEST(vmx_insn, all_are_undefined_in_compatibility_mode)
{
	/* Expect: #UD in VMX root operation with CS.L = 0. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	for (enum vmx_insn insn = INSN_VMXON; insn < INSN_VMCALL; insn++)
		expect(insn, vmx_try_form(insn, FORM_COMPAT, 0, 0), UNDEFINED);
	EXPECT_EQ(vmx_current(), l2.vmcs);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, all_are_for_ring_0)
{
	/* Expect: #GP(0) in ring 3 of VMX root operation; nothing happens. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	for (enum vmx_insn insn = INSN_VMXON; insn < INSN_VMCALL; insn++) {
		if (vmx_has_insn(insn))
			expect(insn, vmx_try_in_ring3(insn), FAULT(VECTOR_GP, 0));
	}
	EXPECT_EQ(vmx_current(), l2.vmcs);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, operands_at_addresses_that_are_not_canonical_fault)
{
	/* Expect: #GP(0), but #SS(0) where the address is relative to RBP. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		if (!has_operand(insn))
			continue;
		expect(insn, vmx_try_form(insn, FORM_64, NON_CANONICAL, reg_for(insn)),
		       FAULT(VECTOR_GP, 0));
		expect(insn, vmx_try_form(insn, FORM_SS, NON_CANONICAL, reg_for(insn)),
		       FAULT(VECTOR_SS, 0));
	}
	EXPECT_EQ(vmx_current(), l2.vmcs);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, operands_over_the_end_of_the_canonical_addresses_fault)
{
	/* Expect: #GP(0) where the first byte is canonical and mapped, and a later one is not. */
	u64 page = memory_page_alloc();
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	paging_map(NON_CANONICAL - PAGE_SIZE, page, PTE_PRESENT | PTE_WRITE);
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		if (has_operand(insn))
			expect(insn, vmx_try_form(insn, FORM_64, NON_CANONICAL - 4, reg_for(insn)),
			       FAULT(VECTOR_GP, 0));
	}
	paging_unmap(NON_CANONICAL - PAGE_SIZE);
	memory_page_free(page);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, operands_that_are_not_mapped_fault)
{
	/* Expect: #PF with the access in the error code and the address in CR2. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		if (!has_operand(insn))
			continue;
		expect(insn, vmx_try_form(insn, FORM_64, PAGING_TEST_VA + 8, reg_for(insn)),
		       FAULT(VECTOR_PF, vmx_insn_table[insn].writes ? PF_WRITE : 0));
		EXPECT_EQ(read_cr2(), PAGING_TEST_VA + 8);
	}
	EXPECT_EQ(vmx_current(), l2.vmcs);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, operands_on_two_pages_fault_on_the_second)
{
	/* Expect: #PF with the second page's address; the first page is not written. */
	u64 page = memory_page_alloc(), at = PAGING_TEST_VA + PAGE_SIZE - 4;
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	paging_map(PAGING_TEST_VA, page, PTE_PRESENT | PTE_WRITE);
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		if (!has_operand(insn))
			continue;
		expect(insn, vmx_try_form(insn, FORM_64, at, reg_for(insn)),
		       FAULT(VECTOR_PF, vmx_insn_table[insn].writes ? PF_WRITE : 0));
		EXPECT_EQ(read_cr2(), PAGING_TEST_VA + PAGE_SIZE);
		EXPECT_EQ(*(volatile u32 *)at, 0);
	}
	paging_unmap(PAGING_TEST_VA);
	memory_page_free(page);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, operands_on_read_only_pages_can_be_read)
{
	/* Expect: #PF (protection, write) for those that write, which leave it; the others read. */
	u64 page = memory_page_alloc();
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	paging_map(PAGING_TEST_VA, page, PTE_PRESENT);
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		u32 got;

		if (!has_operand(insn))
			continue;
		*(u64 *)page = 1; /* no region's address */
		got = vmx_try_form(insn, FORM_64, PAGING_TEST_VA, reg_for(insn));
		if (vmx_insn_table[insn].writes)
			expect(insn, got, FAULT(VECTOR_PF, PF_PRESENT | PF_WRITE));
		else
			EXPECT(got != FAULT(VECTOR_PF, 0));
		EXPECT_EQ(*(u64 *)page, 1);
	}
	paging_unmap(PAGING_TEST_VA);
	memory_page_free(page);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, operands_can_be_written_where_cr0_wp_lets_them)
{
	/* Expect: with CR0.WP = 0, those that write do so on a read-only page. */
	u64 page = memory_page_alloc(), cr0 = read_cr0();
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	paging_map(PAGING_TEST_VA, page, PTE_PRESENT);
	write_cr0(cr0 & ~(u64)CR0_WP);
	EXPECT_OUTCOME(vmx_try_vmptrst((u64 *)PAGING_TEST_VA), VMSUCCEED);
	EXPECT_EQ(*(volatile u64 *)page, l2.vmcs);
	write_cr0(cr0);
	EXPECT_OUTCOME(vmx_try_vmptrst((u64 *)PAGING_TEST_VA),
		       FAULT(VECTOR_PF, PF_PRESENT | PF_WRITE));
	paging_unmap(PAGING_TEST_VA);
	memory_page_free(page);
	l2_destroy(&l2);
}

/* Each instruction with an operand on the page of ring 3 at PAGING_TEST_VA. */
static void expect_on_user_page(u64 page, bool faults)
{
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		u32 got, want = PF_PRESENT | (vmx_insn_table[insn].writes ? PF_WRITE : 0);

		if (!has_operand(insn))
			continue;
		*(u64 *)page = 1; /* no region's address */
		got = vmx_try_form(insn, FORM_64, PAGING_TEST_VA, reg_for(insn));
		EXPECT_EQ(got == FAULT(VECTOR_PF, want), faults);
	}
}

VMX_TEST(vmx_insn, operands_of_ring_3_are_kept_from_ring_0_by_smap)
{
	/* Expect: #PF (protection) with CR4.SMAP, unless RFLAGS.AC is set. */
	u64 page, cr4 = read_cr4();
	struct l2 l2;

	if (!(rdmsr(MSR_IA32_VMX_CR4_FIXED1) & CR4_SMAP))
		SKIP("no SMAP");
	page = memory_page_alloc();
	l2_create(&l2, vmx_call_for_ever, 0, 0);
	paging_map(PAGING_TEST_VA, page, PTE_PRESENT | PTE_WRITE | PTE_USER);
	expect_on_user_page(page, false);
	write_cr4(cr4 | CR4_SMAP);
	expect_on_user_page(page, true);
	__asm__ volatile("stac" ::: "cc");
	expect_on_user_page(page, false);
	__asm__ volatile("clac" ::: "cc");
	write_cr4(cr4);
	paging_unmap(PAGING_TEST_VA);
	memory_page_free(page);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, writes_set_the_dirty_flag_and_reads_do_not)
{
	/* Expect: the page table entry of the operand has A after each, D after those that
	 * write. */
	u64 page = memory_page_alloc();
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		u64 entry;

		if (!has_operand(insn))
			continue;
		*(u64 *)page = 1;
		paging_map(PAGING_TEST_VA, page, PTE_PRESENT | PTE_WRITE);
		vmx_try_form(insn, FORM_64, PAGING_TEST_VA, reg_for(insn));
		entry = *paging_leaf(PAGING_TEST_VA);
		expect(insn, !(entry & PTE_ACCESSED), 0);
		expect(insn, !(entry & PTE_DIRTY), !vmx_insn_table[insn].writes);
	}
	paging_unmap(PAGING_TEST_VA);
	memory_page_free(page);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, a_fault_comes_before_vmfail_of_a_pointer)
{
	/* Expect: without a current VMCS, operands that are not there are #PF in VMCLEAR,
	 * VMPTRLD and VMPTRST: VMfailInvalid is VMREAD's and VMWRITE's. */
	expect(INSN_VMCLEAR, vmx_try_form(INSN_VMCLEAR, FORM_64, PAGING_TEST_VA, 0),
	       FAULT(VECTOR_PF, 0));
	expect(INSN_VMPTRLD, vmx_try_form(INSN_VMPTRLD, FORM_64, PAGING_TEST_VA, 0),
	       FAULT(VECTOR_PF, 0));
	expect(INSN_VMPTRST, vmx_try_form(INSN_VMPTRST, FORM_64, PAGING_TEST_VA, 0),
	       FAULT(VECTOR_PF, PF_WRITE));
}
