/* SPDX-License-Identifier: MIT */
/* VM entry's checks of an event to inject (SDM "VM-Entry Control Fields"). */
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/vmx_check.h"
#include "vmx/event.h"

#define VECTORS_ERROR (BIT(8) | BITS(14, 10) | BIT(17)) /* exceptions with an error code */
#define VECTOR_SHADOW 21u                               /* #CP: with one where there is CET */
#define LENGTH_MAX    15u
#define FREE_VECTOR   0x40u

static u32 event(enum intr_type type, u32 vector)
{
	return INTR_INFO_VALID | (u32)type << 8 | vector;
}

static bool any_error_code(void)
{
	return rdmsr(MSR_IA32_VMX_BASIC) & VMX_BASIC_ANY_ERROR_CODE;
}

/* Enter with this event, an error code of 0, and an instruction length of 1. */
static void expect_event(u64 want, u32 info)
{
	check_set(VMCS_ENTRY_ERROR_CODE, 0);
	check_set(VMCS_ENTRY_INSN_LEN, 1);
	EXPECT_REFUSED(want, VMCS_ENTRY_INTR_INFO, info);
}

CHECK_TEST(injection_type_1_is_reserved)
{
	/* Expect: error 7. */
	for (u32 vector = 0; vector < 256; vector += 15)
		expect_event(BAD_CONTROLS, INTR_INFO_VALID | 1u << 8 | vector);
}

CHECK_TEST(injection_of_another_event_needs_the_monitor_trap_flag)
{
	/* Expect: error 7 for type 7 where the monitor trap flag is not offered, and for a vector
	 * other than 0 anyhow. */
	if (machine_is_bochs())
		SKIP("Bochs 2.7 panics at type 7 without monitor trap flag");
	for (u32 vector = 1; vector < 256; vector <<= 1)
		expect_event(BAD_CONTROLS, event(INTR_OTHER, vector));
	if (!vmx_allows(CONTROL_SET_CPU, CPU_MONITOR_TRAP))
		expect_event(BAD_CONTROLS, event(INTR_OTHER, 0));
}

CHECK_TEST(injected_nmi_has_vector_2)
{
	/* Expect: error 7 for another; L2 takes vector 2. */
	for (u32 vector = 0; vector < 256; vector++)
		if (vector != VECTOR_NMI)
			expect_event(BAD_CONTROLS, event(INTR_NMI, vector));
	expect_event(ENTERS, event(INTR_NMI, VECTOR_NMI));
}

CHECK_TEST(injected_hardware_exception_has_a_vector_below_32)
{
	/* Expect: error 7 for each from 32 on; L2 takes vector 31. */
	for (u32 vector = 32; vector < 256; vector++)
		expect_event(BAD_CONTROLS, event(INTR_HARDWARE_EXCEPTION, vector));
	expect_event(ENTERS, event(INTR_HARDWARE_EXCEPTION, 31));
}

CHECK_TEST(injected_exceptions_have_an_error_code_or_not_by_vector)
{
	/* Expect: where IA32_VMX_BASIC[56] is 0, the deliver bit must be set for vectors 8, 10
	 * to 14 and 17, and for no other: error 7. Where it is 1, both enter. */
	for (u32 vector = 0; vector < 32; vector++) {
		u32 info = event(INTR_HARDWARE_EXCEPTION, vector);
		bool has = VECTORS_ERROR & BIT(vector);

		if (vector == VECTOR_SHADOW)
			continue;
		expect_event(has || any_error_code() ? ENTERS : BAD_CONTROLS,
			     info | INTR_INFO_ERROR_CODE);
		expect_event(!has || any_error_code() ? ENTERS : BAD_CONTROLS, info);
	}
}

CHECK_TEST(injected_events_of_other_types_have_no_error_code)
{
	/* Expect: error 7 with the deliver bit, whatever the vector. */
	const enum intr_type types[] = { INTR_EXTERNAL, INTR_SOFTWARE_INTERRUPT,
					 INTR_PRIVILEGED_SOFTWARE, INTR_SOFTWARE_EXCEPTION };

	if (machine_is_bochs() && any_error_code())
		SKIP("Bochs 2.7 looks at no deliver bit where IA32_VMX_BASIC[56] is 1");
	check_keep(VMCS_GUEST_RFLAGS, check_base(VMCS_GUEST_RFLAGS) | RFLAGS_IF);
	for (u32 i = 0; i < ARRAY_SIZE(types); i++) {
		expect_event(BAD_CONTROLS, event(types[i], FREE_VECTOR) | INTR_INFO_ERROR_CODE);
		expect_event(BAD_CONTROLS, event(types[i], VECTOR_PF) | INTR_INFO_ERROR_CODE);
	}
	expect_event(BAD_CONTROLS, event(INTR_NMI, VECTOR_NMI) | INTR_INFO_ERROR_CODE);
}

CHECK_TEST(injected_exceptions_of_real_mode_have_no_error_code)
{
	/* Expect: with CR0.PE = 0 (an unrestricted guest), error 7 with the deliver bit for #GP,
	 * and for #UD. */
	NEEDS(check_to_flat(), "unrestricted guest");
	if (machine_is_bochs() && any_error_code())
		SKIP("Bochs 2.7 looks at no deliver bit where IA32_VMX_BASIC[56] is 1");
	check_set(VMCS_GUEST_CR0, check_base(VMCS_GUEST_CR0) & ~(u64)CR0_PE);
	expect_event(BAD_CONTROLS,
		     event(INTR_HARDWARE_EXCEPTION, VECTOR_GP) | INTR_INFO_ERROR_CODE);
	check_set(VMCS_GUEST_CR0, check_base(VMCS_GUEST_CR0) & ~(u64)CR0_PE);
	expect_event(BAD_CONTROLS,
		     event(INTR_HARDWARE_EXCEPTION, VECTOR_UD) | INTR_INFO_ERROR_CODE);
}

CHECK_TEST(injection_information_has_reserved_bits)
{
	/* Expect: error 7 for each of bits 30:12. */
	for (u32 bit = 12; bit < 31; bit++)
		expect_event(BAD_CONTROLS,
			     event(INTR_HARDWARE_EXCEPTION, VECTOR_UD) | (u32)BIT(bit));
}

CHECK_TEST(injection_information_counts_only_when_valid)
{
	/* Expect: without bit 31, ones enter. */
	expect_event(ENTERS, 0x7fffffff);
}

CHECK_TEST(injected_error_code_has_16_bits)
{
	/* Expect: error 7 for each of bits 31:16; all lower ones enter; without the deliver bit the
	 * error code does not matter. */
	const u32 info = event(INTR_HARDWARE_EXCEPTION, VECTOR_GP) | INTR_INFO_ERROR_CODE;

	for (u32 bit = 0; bit < 32; bit++) {
		check_set(VMCS_ENTRY_INTR_INFO, info);
		if (bit == 15) /* reserved in some editions, free in others */
			EXPECT_ENTERS(VMCS_ENTRY_ERROR_CODE, 0);
		else
			EXPECT_REFUSED(bit < 16 ? ENTERS : BAD_CONTROLS, VMCS_ENTRY_ERROR_CODE,
				       BIT(bit));
	}
	check_set(VMCS_ENTRY_INTR_INFO, event(INTR_HARDWARE_EXCEPTION, VECTOR_UD));
	EXPECT_ENTERS(VMCS_ENTRY_ERROR_CODE, ~0u);
}

CHECK_TEST(injected_software_events_have_an_instruction_length)
{
	/* Expect: error 7 for lengths above 15, and for 0 unless IA32_VMX_MISC[30]; 1 to 15
	 * enter. */
	const u32 infos[] = { event(INTR_SOFTWARE_INTERRUPT, FREE_VECTOR),
			      event(INTR_PRIVILEGED_SOFTWARE, VECTOR_DB),
			      event(INTR_SOFTWARE_EXCEPTION, VECTOR_BP) };
	bool zero = rdmsr(MSR_IA32_VMX_MISC) & VMX_MISC_ZERO_LENGTH;

	for (u32 i = 0; i < ARRAY_SIZE(infos); i++) {
		for (u32 length = 0; length < 32; length++) {
			bool good = length ? length <= LENGTH_MAX : zero;

			check_set(VMCS_ENTRY_INTR_INFO, infos[i]);
			EXPECT_REFUSED(good ? ENTERS : BAD_CONTROLS, VMCS_ENTRY_INSN_LEN, length);
		}
		check_set(VMCS_ENTRY_INTR_INFO, infos[i]);
		EXPECT_REFUSED(BAD_CONTROLS, VMCS_ENTRY_INSN_LEN, ~0u);
	}
}

CHECK_TEST(instruction_length_counts_only_for_software_events)
{
	/* Expect: a length of 16 enters with a hardware exception, an NMI, and nothing. */
	const u32 infos[] = { event(INTR_HARDWARE_EXCEPTION, VECTOR_UD),
			      event(INTR_NMI, VECTOR_NMI), 0 };

	for (u32 i = 0; i < ARRAY_SIZE(infos); i++) {
		check_set(VMCS_ENTRY_INTR_INFO, infos[i]);
		EXPECT_ENTERS(VMCS_ENTRY_INSN_LEN, LENGTH_MAX + 1);
	}
}

CHECK_TEST(injected_interrupt_wants_rflags_if)
{
	/* Expect: a failure by guest state with RFLAGS.IF = 0; L2 takes it with IF = 1. */
	expect_event(BAD_GUEST, event(INTR_EXTERNAL, FREE_VECTOR));
	check_set(VMCS_GUEST_RFLAGS, check_base(VMCS_GUEST_RFLAGS) | RFLAGS_IF);
	expect_event(ENTERS, event(INTR_EXTERNAL, FREE_VECTOR));
}

CHECK_TEST(injected_interrupt_wants_no_blocking)
{
	/* Expect: a failure by guest state with blocking by STI or MOV SS. */
	check_keep(VMCS_GUEST_RFLAGS, check_base(VMCS_GUEST_RFLAGS) | RFLAGS_IF);
	check_set(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_STI);
	expect_event(BAD_GUEST, event(INTR_EXTERNAL, FREE_VECTOR));
	check_set(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_MOV_SS);
	expect_event(BAD_GUEST, event(INTR_EXTERNAL, FREE_VECTOR));
	expect_event(ENTERS, event(INTR_EXTERNAL, FREE_VECTOR));
}

CHECK_TEST(injected_nmi_wants_no_blocking_by_mov_ss)
{
	/* Expect: a failure by guest state. */
	check_set(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_MOV_SS);
	expect_event(BAD_GUEST, event(INTR_NMI, VECTOR_NMI));
}

CHECK_TEST(injected_nmi_under_sti_blocking_fails_with_a_qualification)
{
	/* Expect: a failure by guest state with qualification 3 from CPUs that require it, else an
	 * entry. */
	u64 got;

	if (machine_is_bochs())
		SKIP("Bochs 2.7 fails with qualification 0");
	check_keep(VMCS_GUEST_RFLAGS, check_base(VMCS_GUEST_RFLAGS) | RFLAGS_IF);
	check_set(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_STI);
	check_set(VMCS_ENTRY_INTR_INFO, event(INTR_NMI, VECTOR_NMI));
	got = check_enter();
	check_put_back();
	if (got != ENTERS)
		EXPECT_EQ(got, BAD_NMI);
}

CHECK_TEST(injected_nmi_wants_no_blocking_by_nmi_with_virtual_nmis)
{
	/* Expect: a failure by guest state with virtual NMIs; without them, L2 takes it. */
	NEEDS(vmx_allows(CONTROL_SET_PIN, PIN_VIRTUAL_NMI), "virtual NMIs");
	if (machine_is_bochs())
		SKIP("Bochs 2.7 injects NMIs into a guest that is blocked");
	check_set(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_NMI);
	expect_event(ENTERS, event(INTR_NMI, VECTOR_NMI));
	check_keep_bits(VMCS_PIN_CONTROLS, PIN_NMI_EXITING | PIN_VIRTUAL_NMI, 0);
	check_set(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_NMI);
	expect_event(BAD_GUEST, event(INTR_NMI, VECTOR_NMI));
}

CHECK_TEST(exit_clears_the_valid_bit_of_an_injected_event)
{
	/* Expect: after the exit of an L2 that got it, bit 31 is 0, the rest is kept; after a
	 * refusal it is 1 still. */
	const u32 info = event(INTR_HARDWARE_EXCEPTION, VECTOR_UD);

	check_set(VMCS_ENTRY_INTR_INFO, info);
	EXPECT_EQ(check_enter(), EXIT_VMCALL);
	EXPECT_EQ(vmx_read(VMCS_ENTRY_INTR_INFO), info & ~INTR_INFO_VALID);
	check_put_back();
	check_set(VMCS_ENTRY_INTR_INFO, info);
	check_set(VMCS_GUEST_RFLAGS, 0);
	EXPECT_EQ(check_enter(), BAD_GUEST);
	EXPECT_EQ(vmx_read(VMCS_ENTRY_INTR_INFO), info);
	check_put_back();
	EXPECT_ENTRY(ENTERS);
}
