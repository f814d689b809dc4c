/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor that lies about its memory: structures where there is none, scribbled over, or taken
 * away while they are in use. Mostly the SDM leaves open what happens; the machine has to live on.
 */
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/vmx_check.h"

#define HOLE   0xd0000000ULL /* nothing of the machine is here */
#define REGION 0xd1000000ULL /* memory comes and goes here, by hypercalls */
#define BYTES  (4 * PAGE_SIZE)

static void rdmsr_then_call(void)
{
	(void)rdmsr(MSR_IA32_SYSENTER_CS);
	vmcall_for_ever();
}

static void in_then_call(void)
{
	(void)in8(0x80);
	vmcall_for_ever();
}

/* After whatever was done: VMX works as ever. */
static void expect_alive(void)
{
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
	EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
	l2_destroy(&l2);
}

static bool is_vmfail(u32 outcome)
{
	return outcome == VMFAIL_INVALID || (outcome & ~0xffu) == VMFAIL(0);
}

/* Entered or refused, all the same: no fault. */
static void expect_an_end(u32 outcome)
{
	EXPECT(outcome == VMSUCCEED || is_vmfail(outcome));
}

static s64 add(u64 flags)
{
	return nestor_call3(NESTOR_CALL_REGION_ADD, REGION, BYTES, flags);
}

static s64 take_away(void)
{
	return nestor_call(NESTOR_CALL_REGION_DELETE, REGION, 0, NULL);
}

/* An L2 whose VMCS is at the start of the region that comes and goes. */
static void create_in_region(struct l2 *l2)
{
	u64 page;

	l2_create(l2, vmx_call_for_ever, 0, 0);
	page = l2->vmcs;
	EXPECT_OUTCOME(vmx_try_vmclear(page), VMSUCCEED);
	memcpy((void *)REGION, (const void *)page, PAGE_SIZE);
	memory_page_free(page);
	l2->vmcs = REGION;
	EXPECT_OUTCOME(vmx_try_vmclear(REGION), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(REGION), VMSUCCEED);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

VMX_TEST(vmx_lies, current_vmcs_scribbled_over)
{
	/* Expect: no fault in VMREAD, VMWRITE, an entry, VMCLEAR, whatever they do; VMX works
	 * on. */
	struct l2 l2;
	u64 value = 0;

	if (machine_is_bochs())
		SKIP("Bochs 2.7 keeps the VMCS there, and would run what was scribbled");
	l2_create(&l2, vmx_call_for_ever, 0, 0);
	EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
	memset((void *)l2.vmcs, 0xa5, PAGE_SIZE);
	expect_an_end(vmx_try_vmread(VMCS_GUEST_RIP, &value));
	expect_an_end(vmx_try_vmwrite(VMCS_GUEST_SYSENTER_CS, 1));
	expect_an_end(vmx_try_enter(ENTER_RESUME));
	expect_an_end(vmx_try_vmclear(l2.vmcs));
	expect_an_end(vmx_try_vmptrld(l2.vmcs));
	expect_alive();
	memory_page_free(l2.vmcs);
	memory_page_free(l2.stack);
}

VMX_TEST(vmx_lies, current_vmcs_with_another_revision)
{
	/* Expect: VMX works on; after VMCLEAR, VMPTRLD is error 11 (VMfailInvalid: none is
	 * current). */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
	*(volatile u32 *)l2.vmcs ^= 0x5a5a;
	EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
	EXPECT_OUTCOME(vmx_try_vmclear(l2.vmcs), VMSUCCEED);
	*(volatile u32 *)l2.vmcs = (u32)rdmsr(MSR_IA32_VMX_BASIC) ^ 0x5a5a;
	EXPECT_OUTCOME(vmx_try_vmptrld(l2.vmcs), VMFAIL_INVALID);
	expect_alive();
	memory_page_free(l2.vmcs);
	memory_page_free(l2.stack);
}

VMX_TEST(vmx_lies, vmxon_region_scribbled_over)
{
	/* Expect: VMX works on: nothing of use is kept there. */
	memset((void *)vmx_vmxon_region(), 0x5a, PAGE_SIZE);
	expect_alive();
	EXPECT_OUTCOME(vmx_try_vmptrld(vmx_vmxon_region()), VMFAIL_INVALID);
}

VMX_TEST(vmx_lies, vmcs_in_use_as_an_operand)
{
	/* Expect: VMPTRST and VMREAD may store into the region of the current VMCS; VMX works
	 * on. */
	struct l2 l2;
	u64 value = 0;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	EXPECT_OUTCOME(vmx_try_vmptrst((u64 *)(l2.vmcs + PAGE_SIZE - 8)), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try(INSN_VMREAD_MEM, l2.vmcs + PAGE_SIZE - 8, VMCS_GUEST_RIP, &value),
		       VMSUCCEED);
	EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
	l2_destroy(&l2);
	expect_alive();
}

VMX_TEST(vmx_lies, msr_bitmap_in_a_hole)
{
	/* Expect: it enters; what is read there is ones, so that RDMSR exits. */
	struct l2 l2;

	l2_create(&l2, rdmsr_then_call, 0, 0);
	vmx_write(VMCS_MSR_BITMAP, HOLE);
	EXPECT_EQ(l2_enter(&l2), EXIT_RDMSR);
	l2_destroy(&l2);
	expect_alive();
}

VMX_TEST(vmx_lies, io_bitmaps_in_a_hole)
{
	/* Expect: it enters; what is read there is ones, so that IN exits. */
	struct l2 l2;

	l2_create(&l2, in_then_call, 0, CPU_IO_BITMAPS);
	vmx_write(VMCS_IO_BITMAP_A, HOLE);
	vmx_write(VMCS_IO_BITMAP_B, HOLE + PAGE_SIZE);
	EXPECT_EQ(l2_enter(&l2), EXIT_IO);
	l2_destroy(&l2);
	expect_alive();
}

VMX_TEST(vmx_lies, eptp_in_a_hole)
{
	/* Expect: it enters; what is read there is ones, an EPT misconfiguration. */
	struct l2 l2;

	if (!vmx_has_cpu2(CPU2_ENABLE_EPT))
		SKIP("EPT not offered");
	l2_create(&l2, vmx_call_for_ever, 0, CPU_SECONDARY);
	vmx_write(VMCS_CPU_CONTROLS2, CPU2_ENABLE_EPT);
	vmx_write(VMCS_EPT_POINTER, HOLE | 0x1e);
	EXPECT_EQ(l2_enter(&l2), EXIT_EPT_MISCONFIG);
	l2_destroy(&l2);
	expect_alive();
}

VMX_TEST(vmx_lies, page_tables_of_l2_in_a_hole)
{
	/* Expect: CR3 there enters; the fetch ends in an exit: #PF by the exception bitmap, or a
	 * triple fault. */
	struct l2 l2;
	u32 reason;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	vmx_write(VMCS_EXCEPTION_BITMAP, ~0u);
	vmx_write(VMCS_GUEST_CR3, HOLE);
	reason = l2_enter(&l2);
	EXPECT(reason == EXIT_EXCEPTION_NMI || reason == EXIT_TRIPLE_FAULT);
	l2_destroy(&l2);
	expect_alive();
}

VMX_TEST(vmx_lies, vmcs_in_read_only_memory)
{
	/* Expect: VMCLEAR works or fails; VMPTRLD finds no revision, or takes it; VMX works on. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(NESTOR_REGION_READONLY), 0);
	expect_an_end(vmx_try_vmclear(REGION));
	expect_an_end(vmx_try_vmptrld(REGION));
	expect_an_end(vmx_try_vmclear(REGION));
	expect_alive();
	EXPECT_EQ(take_away(), 0);
	expect_alive();
}

VMX_OUTSIDE_TEST(vmx_lies, vmxon_region_in_read_only_memory)
{
	/* Expect: VMXON succeeds if the revision happens to stand there, else VMfailInvalid. */
	u32 outcome;

	TEST_CALLS_REQUIRED();
	vmx_on();
	vmx_off();
	EXPECT_EQ(add(NESTOR_REGION_READONLY), 0);
	write_cr4(read_cr4() | CR4_VMXE);
	outcome = vmx_try_vmxon(REGION);
	expect_an_end(outcome);
	if (outcome == VMSUCCEED)
		EXPECT_OUTCOME(vmx_try_vmxoff(), VMSUCCEED);
	write_cr4(read_cr4() & ~(u64)CR4_VMXE);
	EXPECT_EQ(take_away(), 0);
}

VMX_TEST(vmx_lies, vmcs_freed_while_it_is_current)
{
	/* Expect: after the region was deleted, VMREAD, VMWRITE, an entry, VMCLEAR and VMPTRLD end
	 * somehow; the last finds no revision. VMX works on. */
	struct l2 l2;
	u64 value = 0;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(0), 0);
	create_in_region(&l2);
	EXPECT_EQ(take_away(), 0);
	expect_an_end(vmx_try_vmread(VMCS_GUEST_RIP, &value));
	expect_an_end(vmx_try_vmwrite(VMCS_GUEST_SYSENTER_CS, 1));
	expect_an_end(vmx_try_enter(ENTER_RESUME));
	expect_an_end(vmx_try_vmclear(REGION));
	EXPECT_OUTCOME(vmx_try_vmptrld(REGION), VMFAIL_INVALID);
	expect_alive();
	memory_page_free(l2.stack);
}

VMX_TEST(vmx_lies, vmcs_freed_and_back_as_other_memory)
{
	/* Expect: deleted while current, and another region in its place: VMX works on, and a
	 * VMCS can be made there again. */
	struct l2 l2;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(0), 0);
	create_in_region(&l2);
	EXPECT_EQ(take_away(), 0);
	EXPECT_EQ(add(0), 0);
	expect_an_end(vmx_try_enter(ENTER_RESUME));
	expect_an_end(vmx_try_vmclear(REGION));
	memory_page_free(l2.stack);
	create_in_region(&l2);
	EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
	EXPECT_OUTCOME(vmx_try_vmclear(REGION), VMSUCCEED);
	memory_page_free(l2.stack);
	EXPECT_EQ(take_away(), 0);
	expect_alive();
}

VMX_TEST(vmx_lies, vmcs_freed_while_another_is_current)
{
	/* Expect: the current one is not touched by it; VMPTRLD of the other is error 11. */
	struct l2 lost, kept;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(0), 0);
	create_in_region(&lost);
	l2_create(&kept, vmx_call_for_ever, 0, 0);
	EXPECT_EQ(take_away(), 0);
	EXPECT_EQ(l2_enter(&kept), EXIT_VMCALL);
	EXPECT_OUTCOME(vmx_try_vmptrld(REGION), VMFAIL(VMX_ERROR_VMPTRLD_REVISION));
	EXPECT_EQ(l2_enter(&kept), EXIT_VMCALL);
	l2_destroy(&kept);
	memory_page_free(lost.stack);
	expect_alive();
}

VMX_OUTSIDE_TEST(vmx_lies, vmcs_freed_before_vmxoff)
{
	/* Expect: VMXOFF, whose write-back has no memory, succeeds. */
	struct l2 l2;

	TEST_CALLS_REQUIRED();
	vmx_on();
	EXPECT_EQ(add(0), 0);
	create_in_region(&l2);
	EXPECT_EQ(take_away(), 0);
	vmx_off();
	vmx_on();
	expect_alive();
	vmx_off();
	memory_page_free(l2.stack);
}

/* Its bitmap, all zeros, goes and comes back under an L2 that is at the head of this code. */
static void expect_exit_while_gone(struct l2 *l2, void (*code)(void), u32 reason)
{
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(take_away(), 0);
	vmx_write(VMCS_GUEST_RIP, (u64)code);
	EXPECT_EQ(l2_enter(l2), reason);
	EXPECT_EQ(add(0), 0);
	memset((void *)REGION, 0, 2 * PAGE_SIZE);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	l2_destroy(l2);
	EXPECT_EQ(take_away(), 0);
	expect_alive();
}

VMX_TEST(vmx_lies, msr_bitmap_freed_while_l2_uses_it)
{
	/* Expect: with zeros there RDMSR does not exit; when the page is gone it does; when it
	 * is back with zeros, not again. */
	struct l2 l2;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(0), 0);
	memset((void *)REGION, 0, PAGE_SIZE);
	l2_create(&l2, rdmsr_then_call, 0, 0);
	vmx_write(VMCS_MSR_BITMAP, REGION);
	expect_exit_while_gone(&l2, rdmsr_then_call, EXIT_RDMSR);
}

VMX_TEST(vmx_lies, io_bitmap_freed_while_l2_uses_it)
{
	/* Expect: with zeros there IN does not exit; when the page is gone it does; when it is back
	 * with zeros, not again. */
	struct l2 l2;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(0), 0);
	memset((void *)REGION, 0, 2 * PAGE_SIZE);
	l2_create(&l2, in_then_call, 0, CPU_IO_BITMAPS);
	vmx_write(VMCS_IO_BITMAP_A, REGION);
	vmx_write(VMCS_IO_BITMAP_B, REGION + PAGE_SIZE);
	expect_exit_while_gone(&l2, in_then_call, EXIT_IO);
}

VMX_TEST(vmx_lies, vmcs_moved_while_it_is_current)
{
	/* Expect: the region moves elsewhere; the VMCS can be cleared or not, VMX works on. */
	struct l2 l2;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(0), 0);
	create_in_region(&l2);
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_MOVE, REGION, REGION + BYTES, NULL), 0);
	expect_an_end(vmx_try_enter(ENTER_RESUME));
	expect_an_end(vmx_try_vmclear(REGION));
	expect_alive();
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_DELETE, REGION + BYTES, 0, NULL), 0);
	memory_page_free(l2.stack);
	expect_alive();
}
