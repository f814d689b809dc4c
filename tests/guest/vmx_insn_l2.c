/* SPDX-License-Identifier: MIT */
/* VMX instructions in an L2: each exits, whoever runs it; and VMCALL, which in root fails. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_insn.h"
#include "vmx/access_rights.h"
#include "vmx/event.h"

#define RING3       3u
#define AR_DPL3     (RING3 << 5)
#define REG_RSI     6
#define REG_RDI     7
#define ALL_VECTORS ~0u

static void start(struct l2 *l2, enum vmx_insn insn, enum vmx_insn_form form)
{
	l2_create(l2, (void (*)(void))vmx_insn_code[form][insn], 0, 0);
	vmx_write(VMCS_EXCEPTION_BITMAP, ALL_VECTORS);
	l2->regs[REG_RDI] = PAGING_TEST_VA; /* where nothing is */
	l2->regs[REG_RSI] = ~0ULL;
}

static void go_to_ring3(void)
{
	vmx_write(VMCS_GUEST_SEL_CS, USER_CS);
	vmx_write(VMCS_GUEST_SEL_SS, USER_DS);
	vmx_change(VMCS_GUEST_AR_CS, AR_DPL3, 0);
	vmx_change(VMCS_GUEST_AR_SS, AR_DPL3, 0);
}

static void go_to_compatibility_mode(void)
{
	vmx_write(VMCS_GUEST_SEL_CS, CODE32);
	vmx_change(VMCS_GUEST_AR_CS, AR_DB, AR_L);
}

static void expect_exit(enum vmx_insn insn, u32 got, u32 want)
{
	if (got != want)
		test_fail(__FILE__, __LINE__, "%s: expected exit %u got %u",
			  vmx_insn_table[insn].name, want, got);
}

VMX_TEST(vmx_insn, all_exit_from_ring_0_of_l2)
{
	/* Expect: each one's exit reason, RIP at the instruction, though its operand is not
	 * there. */
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		struct l2 l2;

		if (!vmx_has_insn(insn))
			continue;
		start(&l2, insn, FORM_64);
		expect_exit(insn, l2_enter(&l2), vmx_insn_table[insn].exit_reason);
		EXPECT_EQ(vmx_read(VMCS_GUEST_RIP), vmx_insn_code[FORM_64][insn]);
		l2_destroy(&l2);
	}
}

VMX_TEST(vmx_insn, all_exit_from_ring_3_of_l2)
{
	/* Expect: the exit reason, not #GP: the exit comes before the privilege check. */
	u64 *leaf = paging_leaf((u64)vmx_insn_code[FORM_64][0]);
	u64 before = *leaf;

	paging_set(leaf, (u64)vmx_insn_code[FORM_64][0], before | PTE_USER);
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		struct l2 l2;

		if (!vmx_has_insn(insn))
			continue;
		start(&l2, insn, FORM_64);
		go_to_ring3();
		expect_exit(insn, l2_enter(&l2), vmx_insn_table[insn].exit_reason);
		EXPECT_EQ(vmx_read(VMCS_GUEST_SEL_CS) & RING3, RING3);
		l2_destroy(&l2);
	}
	paging_set(leaf, (u64)vmx_insn_code[FORM_64][0], before);
}

VMX_TEST(vmx_insn, all_are_undefined_in_compatibility_mode_of_l2)
{
	/* Expect: #UD, which L1 intercepts, and no exit of their own; but VMCALL exits in any
	 * mode. */
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		struct l2 l2;
		u32 reason;

		start(&l2, insn, FORM_COMPAT);
		go_to_compatibility_mode();
		reason = l2_enter(&l2);
		if (insn == INSN_VMCALL) {
			expect_exit(insn, reason, EXIT_VMCALL);
		} else {
			expect_exit(insn, reason, EXIT_EXCEPTION_NMI);
			EXPECT_EQ(INTR_INFO_VECTOR(vmx_read(VMCS_EXIT_INTR_INFO)), VECTOR_UD);
		}
		l2_destroy(&l2);
	}
}

VMX_TEST(vmx_insn, exits_tell_the_length_of_the_instruction)
{
	/* Expect: RIP plus the length is where the RET behind each stands. */
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		struct l2 l2;
		const char *behind;

		if (!vmx_has_insn(insn))
			continue;
		start(&l2, insn, FORM_64);
		l2_enter(&l2);
		behind = vmx_insn_code[FORM_64][insn] + vmx_read(VMCS_EXIT_INSN_LEN);
		if (*(const u8 *)behind != 0xc3)
			test_fail(__FILE__, __LINE__, "%s: expected another length than %llu",
				  vmx_insn_table[insn].name,
				  (unsigned long long)vmx_read(VMCS_EXIT_INSN_LEN));
		l2_destroy(&l2);
	}
}

/* The fields that the SDM's table of this kind of instruction has: bits 17:15 (segment), 31:28. */
VMX_TEST(vmx_insn, exits_describe_a_memory_operand)
{
	/* Expect: instruction information says 64-bit addresses, memory, DS, base RDI, no index;
	 * the qualification is the displacement, 0. For those with a register operand, it is
	 * RSI. */
	for (enum vmx_insn insn = 0; insn < VMX_INSNS; insn++) {
		struct l2 l2;
		u64 info;

		if (!vmx_insn_table[insn].has_pointer || !vmx_has_insn(insn))
			continue;
		start(&l2, insn, FORM_64);
		l2_enter(&l2);
		info = vmx_read(VMCS_EXIT_INSN_INFO);
		EXPECT_EQ(info >> 7 & 7, 2);  /* address size */
		EXPECT_EQ(info >> 10 & 1, 0); /* memory */
		EXPECT_EQ(info >> 15 & 7, SEGMENT_DS);
		EXPECT_EQ(info >> 22 & 1, 1); /* no index */
		EXPECT_EQ(info >> 23 & 0xf, REG_RDI);
		EXPECT_EQ(info >> 27 & 1, 0); /* base is there */
		if (insn == INSN_VMREAD_MEM || insn == INSN_VMWRITE_MEM || insn == INSN_INVEPT ||
		    insn == INSN_INVVPID)
			EXPECT_EQ(info >> 28 & 0xf, REG_RSI);
		EXPECT_EQ(vmx_read(VMCS_EXIT_QUALIFICATION), 0);
		l2_destroy(&l2);
	}
}

VMX_TEST(vmx_insn, exits_describe_register_operands)
{
	/* Expect: for VMREAD and VMWRITE of registers: register form, RDX and RSI. */
	const enum vmx_insn insns[] = { INSN_VMREAD, INSN_VMWRITE };

	for (u32 i = 0; i < ARRAY_SIZE(insns); i++) {
		struct l2 l2;
		u64 info;

		start(&l2, insns[i], FORM_64);
		l2_enter(&l2);
		info = vmx_read(VMCS_EXIT_INSN_INFO);
		EXPECT_EQ(info >> 10 & 1, 1);
		EXPECT_EQ(info >> 3 & 0xf, 2);
		EXPECT_EQ(info >> 28 & 0xf, REG_RSI);
		l2_destroy(&l2);
	}
}

VMX_TEST(vmx_insn, vmcall_in_root_operation_fails)
{
	/* Expect: VMfailInvalid without a current VMCS, error 1 with one: there is no SMM
	 * monitor. */
	struct l2 l2;
	u64 value = 0;

	EXPECT_OUTCOME(vmx_try(INSN_VMCALL, 0, 0, &value), VMFAIL_INVALID);
	if (machine_is_bochs())
		SKIP("Bochs 2.7 takes VMCALL for the start of an SMM monitor");
	l2_create(&l2, vmcall, 0, 0);
	EXPECT_OUTCOME(vmx_try(INSN_VMCALL, 0, 0, &value), VMFAIL(VMX_ERROR_VMCALL_IN_ROOT));
	EXPECT_OUTCOME(vmx_try_in_ring3(INSN_VMCALL), FAULT(VECTOR_GP, 0));
	l2_destroy(&l2);
}

VMX_OUTSIDE_TEST(vmx_insn, vmcall_outside_vmx_operation_is_undefined)
{
	/* Expect: #UD; under Nestor, ring 0's are hypercalls, and ring 3's are #UD. */
	u64 value = 0;

	EXPECT_OUTCOME(vmx_try_in_ring3(INSN_VMCALL), FAULT(VECTOR_UD, 0));
	if (!nestor_is_present())
		EXPECT_OUTCOME(vmx_try(INSN_VMCALL, 0, 0, &value), FAULT(VECTOR_UD, 0));
}
