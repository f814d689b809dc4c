/* SPDX-License-Identifier: MIT */
/* VMLAUNCH and VMRESUME up to the checks of the VMCS: launch state, blocking, and who is first. */
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_insn.h"

#define NOT_CLEAR     VMFAIL(VMX_ERROR_VMLAUNCH_NOT_CLEAR)
#define NOT_LAUNCHED  VMFAIL(VMX_ERROR_VMRESUME_NOT_LAUNCHED)
#define AFTER_MOV_SS  VMFAIL(VMX_ERROR_ENTRY_MOV_SS)
#define BAD_CONTROLS  VMFAIL(VMX_ERROR_ENTRY_CONTROLS)
#define BAD_HOST      VMFAIL(VMX_ERROR_ENTRY_HOST_STATE)
#define GUEST_FAILURE (EXIT_ENTRY_GUEST_STATE | EXIT_REASON_ENTRY_FAILURE)

static u32 exit_reason(void)
{
	return (u32)vmx_read(VMCS_EXIT_REASON);
}

/* It enters, and this is how it exits. */
#define EXPECT_EXIT(how, reason)                               \
	do {                                                   \
		EXPECT_OUTCOME(vmx_try_enter(how), VMSUCCEED); \
		EXPECT_EQ(exit_reason(), reason);              \
	} while (0)

static void break_controls(void)
{
	vmx_change(VMCS_PIN_CONTROLS, 0, vmx_capabilities(CONTROL_SET_PIN) & BITS(31, 0));
}

static void break_host(void)
{
	vmx_write(VMCS_HOST_SEL_TR, 0);
}

static void break_guest(void)
{
	vmx_write(VMCS_GUEST_RFLAGS, 0);
}

VMX_TEST(vmx_insn, entries_need_a_current_vmcs)
{
	/* Expect: VMfailInvalid from VMLAUNCH and VMRESUME, also right after MOV SS. */
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH_AFTER_MOV_SS), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME_AFTER_MOV_SS), VMFAIL_INVALID);
}

VMX_TEST(vmx_insn, vmlaunch_wants_a_clear_vmcs)
{
	/* Expect: it enters once; then error 4 until VMCLEAR. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	EXPECT_EXIT(ENTER_LAUNCH, EXIT_VMCALL);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), NOT_CLEAR);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), NOT_CLEAR);
	EXPECT_OUTCOME(vmx_try_vmclear(l2.vmcs), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(l2.vmcs), VMSUCCEED);
	EXPECT_EXIT(ENTER_LAUNCH, EXIT_VMCALL);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, vmresume_wants_a_launched_vmcs)
{
	/* Expect: error 5 before VMLAUNCH and after VMCLEAR; else it enters. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), NOT_LAUNCHED);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), VMSUCCEED);
	EXPECT_EXIT(ENTER_RESUME, EXIT_VMCALL);
	EXPECT_OUTCOME(vmx_try_vmclear(l2.vmcs), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(l2.vmcs), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), NOT_LAUNCHED);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, an_exit_clears_the_flags)
{
	/* Expect: the six arithmetic flags, all set at VMLAUNCH, are 0 after the exit; so are
	 * IF, DF and TF: RFLAGS is 2. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	vmx_write(VMCS_GUEST_RFLAGS, 0xcd7);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), VMSUCCEED);
	EXPECT_EQ(vmx_read(VMCS_GUEST_RFLAGS), 0xcd7);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, entries_after_mov_ss_fail)
{
	/* Expect: error 26, before errors 4 and 5; an instruction later, the entry works. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH_AFTER_MOV_SS), AFTER_MOV_SS);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME_AFTER_MOV_SS), AFTER_MOV_SS);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH_AFTER_MOV_SS), AFTER_MOV_SS);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME_AFTER_MOV_SS), AFTER_MOV_SS);
	EXPECT_EXIT(ENTER_RESUME, EXIT_VMCALL);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, launch_state_goes_before_all_checks)
{
	/* Expect: with controls, host and guest state wrong: 26, 5, 7, 8, then exit reason 33, as
	 * one after the other is mended. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	break_controls();
	break_host();
	break_guest();
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME_AFTER_MOV_SS), AFTER_MOV_SS);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), NOT_LAUNCHED);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), BAD_CONTROLS);
	vmx_change(VMCS_PIN_CONTROLS, vmx_capabilities(CONTROL_SET_PIN) & BITS(31, 0), 0);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), BAD_HOST);
	vmx_write(VMCS_HOST_SEL_TR, vmx_read(VMCS_GUEST_SEL_TR));
	EXPECT_EXIT(ENTER_LAUNCH, GUEST_FAILURE);
	vmx_write(VMCS_GUEST_RFLAGS, 2);
	EXPECT_EXIT(ENTER_LAUNCH, EXIT_VMCALL);
	l2_destroy(&l2);
}

/* Each failure of the one entry leaves the other one refused. */
static void expect_still_refused(enum vmx_entry fails, enum vmx_entry other, u32 refusal)
{
	break_guest();
	EXPECT_EXIT(fails, GUEST_FAILURE);
	EXPECT_OUTCOME(vmx_try_enter(other), refusal);
	break_host();
	EXPECT_OUTCOME(vmx_try_enter(fails), BAD_HOST);
	EXPECT_OUTCOME(vmx_try_enter(other), refusal);
	break_controls();
	EXPECT_OUTCOME(vmx_try_enter(fails), BAD_CONTROLS);
	EXPECT_OUTCOME(vmx_try_enter(other), refusal);
}

VMX_TEST(vmx_insn, a_failed_launch_leaves_the_vmcs_clear)
{
	/* Expect: after errors 7 and 8 and a failure by guest state, VMRESUME is error 5 still. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	expect_still_refused(ENTER_LAUNCH, ENTER_RESUME, NOT_LAUNCHED);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, a_failed_resume_leaves_the_vmcs_launched)
{
	/* Expect: after errors 7 and 8 and a failure by guest state, VMLAUNCH is error 4 still. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), VMSUCCEED);
	expect_still_refused(ENTER_RESUME, ENTER_LAUNCH, NOT_CLEAR);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, vmfail_at_entry_keeps_exit_information)
{
	/* Expect: errors 7 and 8 leave the exit reason and qualification of the last exit. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), VMSUCCEED);
	break_host();
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), BAD_HOST);
	EXPECT_EQ(exit_reason(), EXIT_VMCALL);
	EXPECT_EQ(vmx_read(VMCS_EXIT_INSN_LEN), 3);
	break_controls();
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), BAD_CONTROLS);
	EXPECT_EQ(exit_reason(), EXIT_VMCALL);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, launch_states_are_each_vmcs_own)
{
	/* Expect: one launched and one clear, VMPTRLD to and fro keeps that. */
	struct l2 launched, clear;

	l2_create(&launched, vmx_call_for_ever, 0, 0);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), VMSUCCEED);
	l2_create(&clear, vmx_call_for_ever, 0, 0);
	for (u32 round = 0; round < 2; round++) {
		l2_load(&launched);
		EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), NOT_CLEAR);
		EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), VMSUCCEED);
		l2_load(&clear);
		EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), NOT_LAUNCHED);
	}
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), VMSUCCEED);
	l2_destroy(&clear);
	l2_load(&launched);
	l2_destroy(&launched);
}

VMX_TEST(vmx_insn, vmclear_of_a_vmcs_that_is_not_current_makes_it_launchable)
{
	/* Expect: VMLAUNCH enters a VMCS that was cleared while another was current. */
	struct l2 first, second;

	l2_create(&first, vmx_call_for_ever, 0, 0);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), VMSUCCEED);
	l2_create(&second, vmx_call_for_ever, 0, 0);
	EXPECT_OUTCOME(vmx_try_vmclear(first.vmcs), VMSUCCEED);
	l2_load(&first);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), NOT_LAUNCHED);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), VMSUCCEED);
	l2_destroy(&first);
	l2_load(&second);
	l2_destroy(&second);
}

VMX_TEST(vmx_insn, a_shadow_vmcs_cannot_be_entered)
{
	/* Expect: VMfailInvalid from VMLAUNCH and VMRESUME, where VMPTRLD takes it. */
	u64 shadow;

	if (!vmx_has_cpu2(CPU2_VMCS_SHADOWING))
		SKIP("no VMCS shadowing");
	if (machine_is_bochs())
		SKIP("Bochs 2.7 enters shadow VMCSs");
	shadow = vmx_region_alloc();
	*(u32 *)shadow |= BIT(31);
	EXPECT_OUTCOME(vmx_try_vmclear(shadow), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(shadow), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_LAUNCH), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_enter(ENTER_RESUME), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_vmclear(shadow), VMSUCCEED);
	memory_page_free(shadow);
}

VMX_TEST(vmx_insn, many_vmcss_are_entered_in_turn)
{
	/* Expect: 24 of them, round and round, each at its own RIP and with its own launch
	 * state. */
	static struct l2 l2s[24];

	for (u32 i = 0; i < ARRAY_SIZE(l2s); i++) {
		l2_create(&l2s[i], vmx_call_for_ever, 0, 0);
		vmx_write(VMCS_GUEST_SYSENTER_CS, i);
	}
	for (u32 round = 0; round < 3; round++) {
		for (u32 i = 0; i < ARRAY_SIZE(l2s); i++) {
			l2_load(&l2s[i]);
			EXPECT_EQ(l2_enter(&l2s[i]), EXIT_VMCALL);
			EXPECT_EQ(vmx_read(VMCS_GUEST_SYSENTER_CS), i);
		}
	}
	for (u32 i = 0; i < ARRAY_SIZE(l2s); i++)
		l2_destroy(&l2s[i]);
}
