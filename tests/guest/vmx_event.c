/* SPDX-License-Identifier: MIT */
/* Events that an entry injects into an L2 (SDM "Event Injection"), deliveries that an exit cuts
 * short (SDM "Information for VM Exits That Occur During Event Delivery"), and their repetition. */
#include "hv/msr_index.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_l2.h"

#define VECTOR      0x51u /* one of irq.h's */
#define SOFT_VECTOR 0x52u
#define IDT_FLAG    2u /* of an error code that names a gate */
#define EXT_FLAG    1u

L2_CODE(nop_insn, "nop");
L2_CODE(soft_int, "int $0x52");
L2_CODE(ud2_insn, "ud2");
L2_CODE(gp_insn, "mov %ax, %ds");

/* What came to L2's handlers. */
static struct trap_frame seen;
static u32 seen_count;

static bool note(struct trap_frame *frame)
{
	seen = *frame;
	seen_count++;
	return true;
}

static bool note_and_skip_ud2(struct trap_frame *frame)
{
	frame->rip += 2;
	return note(frame);
}

#define EVENT_TEST(name_, needs_)                          \
	static void event_##name_(void);                   \
	VMX_TEST(vmx_event, name_, needs_)                 \
	{                                                  \
		seen_count = 0;                            \
		event_##name_();                           \
		for (u8 vector = 0; vector < 32; vector++) \
			trap_set_handler(vector, NULL);    \
	}                                                  \
	static void event_##name_(void)

static void inject(u32 info, u32 error, u32 length)
{
	vmx_write(VMCS_ENTRY_INTR_INFO, info);
	vmx_write(VMCS_ENTRY_ERROR_CODE, error);
	vmx_write(VMCS_ENTRY_INSN_LEN, length);
}

static struct l2 *l2_injected(const char *code, u32 info, u32 error, u32 length)
{
	struct l2 *l2 = l2_new(code);

	vmx_change(VMCS_GUEST_RFLAGS, RFLAGS_IF, 0);
	inject(info, error, length);
	trap_set_handler((u8)INTR_INFO_VECTOR(info), note);
	return l2;
}

static void expect_seen(u64 vector, u64 error, u64 rip)
{
	EXPECT_EQ(seen_count, 1);
	EXPECT_EQ(seen.vector, vector);
	EXPECT_EQ(seen.error, error);
	EXPECT_EQ(seen.rip, rip);
}

EVENT_TEST(external_interrupt_is_injected, 0)
{
	/* Expect: L2's handler runs before the first instruction, interrupts off in it; L2 goes on
	 * with them on; the field's valid bit is 0 after the exit. */
	struct l2 *l2 = l2_injected(nop_insn, EXCEPTION_INFO(INTR_EXTERNAL, VECTOR), 0, 0);

	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	expect_seen(VECTOR, 0, (u64)nop_insn);
	EXPECT_EQ(seen.rflags & RFLAGS_IF, RFLAGS_IF);
	EXPECT_EQ(vmx_read(VMCS_GUEST_RFLAGS) & RFLAGS_IF, RFLAGS_IF);
	EXPECT_EQ(vmx_read(VMCS_ENTRY_INTR_INFO) & INTR_INFO_VALID, 0);
	EXPECT_EQ(vmx_read(VMCS_IDT_VECTORING_INFO) & INTR_INFO_VALID, 0);
}

EVENT_TEST(injection_happens_once, 0)
{
	/* Expect: a second entry injects nothing. */
	struct l2 *l2 = l2_injected(nop_insn, EXCEPTION_INFO(INTR_EXTERNAL, VECTOR), 0, 0);

	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(seen_count, 1);
}

EVENT_TEST(nmi_is_injected, 0)
{
	/* Expect: vector 2 on the NMI's stack, and L2 unblocked after its IRET. */
	struct l2 *l2 = l2_injected(nop_insn, EXCEPTION_INFO(INTR_NMI, VECTOR_NMI), 0, 0);

	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	expect_seen(VECTOR_NMI, 0, (u64)nop_insn);
	EXPECT_EQ(vmx_read(VMCS_GUEST_INTERRUPTIBILITY) & BLOCKED_BY_NMI, 0);
	trap_set_handler(VECTOR_NMI, NULL);
}

EVENT_TEST(exceptions_without_error_code_are_injected, 0)
{
	/* Expect: #UD, #DE and #NM, though the exception bitmap has their bits. */
	static const u8 vectors[] = { VECTOR_UD, VECTOR_DE, VECTOR_NM };

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		seen_count = 0;
		EXPECT_EQ(l2_enter(l2_injected(nop_insn, FAULT_INFO(vectors[i]), 0, 0)),
			  EXIT_VMCALL);
		expect_seen(vectors[i], 0, (u64)nop_insn);
	}
}

EVENT_TEST(exceptions_with_error_code_are_injected, 0)
{
	/* Expect: #GP, #PF and #SS with their codes; #PF does not write CR2. */
	static const struct {
		u8 vector;
		u32 error;
	} rows[] = { { VECTOR_GP, 0x1230 }, { VECTOR_PF, 0x7 }, { VECTOR_SS, 0xfffc } };

	write_cr2(0xc2c2);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		seen_count = 0;
		EXPECT_EQ(l2_enter(l2_injected(nop_insn,
					       FAULT_INFO(rows[i].vector) | INTR_INFO_ERROR_CODE,
					       rows[i].error, 0)),
			  EXIT_VMCALL);
		expect_seen(rows[i].vector, rows[i].error, (u64)nop_insn);
		EXPECT_EQ(read_cr2(), 0xc2c2);
	}
}

EVENT_TEST(software_interrupt_returns_behind_its_instruction, 0)
{
	/* Expect: the frame's RIP is RIP plus the length that was given. */
	u32 info = EXCEPTION_INFO(INTR_SOFTWARE_INTERRUPT, SOFT_VECTOR);

	EXPECT_EQ(l2_enter(l2_injected(soft_int, info, 0, 2)), EXIT_VMCALL);
	expect_seen(SOFT_VECTOR, 0, (u64)soft_int_end);
}

EVENT_TEST(software_exceptions_return_behind_their_instruction, 0)
{
	/* Expect: #BP as INT3 raises it, #DB as INT1 does. */
	u32 breakpoint = EXCEPTION_INFO(INTR_SOFTWARE_EXCEPTION, VECTOR_BP);
	u32 icebp = EXCEPTION_INFO(INTR_PRIVILEGED_SOFTWARE, VECTOR_DB);

	EXPECT_EQ(l2_enter(l2_injected(nop_insn, breakpoint, 0, 1)), EXIT_VMCALL);
	expect_seen(VECTOR_BP, 0, (u64)nop_insn_end);
	seen_count = 0;
	EXPECT_EQ(l2_enter(l2_injected(nop_insn, icebp, 0, 1)), EXIT_VMCALL);
	expect_seen(VECTOR_DB, 0, (u64)nop_insn_end);
}

EVENT_TEST(injection_wakes_a_halted_l2, 0)
{
	/* Expect: an L2 that is entered halted, with an interrupt, handles it and goes on. */
	struct l2 *l2 = l2_injected(nop_insn, EXCEPTION_INFO(INTR_EXTERNAL, VECTOR), 0, 0);

	if (!(rdmsr(MSR_IA32_VMX_MISC) & BIT(6)))
		SKIP("no HLT activity state");
	vmx_write(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	expect_seen(VECTOR, 0, (u64)nop_insn);
	EXPECT_FIELD(GUEST_ACTIVITY, ACTIVITY_ACTIVE);
}

/* --- deliveries that an exit cuts short --- */
/* Inject again what the last exit cut short, as a hypervisor does. */
static void repeat(void)
{
	u32 info = (u32)vmx_read(VMCS_IDT_VECTORING_INFO);

	inject(info, (u32)vmx_read(VMCS_IDT_VECTORING_ERROR), (u32)vmx_read(VMCS_EXIT_INSN_LEN));
}

/* L2's stack under EPT, not writable: the first push violates. */
static u64 *stack_entry;

static struct l2 *l2_without_stack(const char *code)
{
	u64 eptp = ept_new();
	struct l2 *l2 = l2_new(code);

	ept_use(eptp);
	stack_entry = ept_entry(eptp, l2->stack, 1);
	*stack_entry &= ~EPT_WRITE;
	return l2;
}

/* The exit, the information of it, then the delivery when the stack is there. */
static void expect_cut_and_repeated(struct l2 *l2, u32 info, u64 error)
{
	u32 before = seen_count;

	EXPECT_EQ(l2_enter(l2), EXIT_EPT_VIOLATION);
	EXPECT_FIELD(IDT_VECTORING_INFO, info);
	if (info & INTR_INFO_ERROR_CODE)
		EXPECT_FIELD(IDT_VECTORING_ERROR, error);
	EXPECT_EQ(ALIGN_DOWN(vmx_read(VMCS_GUEST_PHYSICAL_ADDR), PAGE_SIZE), l2->stack);
	EXPECT_EQ(seen_count, before);
	*stack_entry |= EPT_WRITE;
	repeat();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(seen_count, before + 1);
	EXPECT_EQ(seen.error, info & INTR_INFO_ERROR_CODE ? error : 0);
}

EVENT_TEST(ept_violation_in_delivery_of_an_exception, 0)
{
	/* Expect: the exception that L2 raised as IDT-vectoring information; RIP at its
	 * instruction; L1 repeats it. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_without_stack(ud2_insn);
	vmx_write(VMCS_EXCEPTION_BITMAP, 0);
	trap_set_handler(VECTOR_UD, note_and_skip_ud2);
	expect_cut_and_repeated(l2, FAULT_INFO(VECTOR_UD), 0);
}

static bool note_and_mend_ax(struct trap_frame *frame)
{
	frame->rax = KERNEL_DS;
	return note(frame);
}

EVENT_TEST(ept_violation_in_delivery_of_an_error_code, 0)
{
	/* Expect: the same of #GP with a selector, whose error code is there too. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_without_stack(gp_insn);
	l2->regs[RAX] = 0xfff8;
	vmx_write(VMCS_EXCEPTION_BITMAP, 0);
	trap_set_handler(VECTOR_GP, note_and_mend_ax);
	expect_cut_and_repeated(l2, FAULT_INFO(VECTOR_GP) | INTR_INFO_ERROR_CODE, 0xfff8);
}

EVENT_TEST(ept_violation_in_delivery_of_int_n, 0)
{
	/* Expect: a software interrupt with its length; repeated, it returns behind the INT. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_without_stack(soft_int);
	trap_set_handler(SOFT_VECTOR, note);
	expect_cut_and_repeated(l2, EXCEPTION_INFO(INTR_SOFTWARE_INTERRUPT, SOFT_VECTOR), 0);
	EXPECT_EQ(seen.rip, (u64)soft_int_end);
	EXPECT_FIELD(GUEST_RIP, (u64)soft_int_end);
}

EVENT_TEST(ept_violation_in_delivery_of_an_injection, 0)
{
	/* Expect: the injected interrupt as IDT-vectoring information; the field is invalid. */
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_without_stack(nop_insn);
	vmx_change(VMCS_GUEST_RFLAGS, RFLAGS_IF, 0);
	trap_set_handler(VECTOR, note);
	inject(EXCEPTION_INFO(INTR_EXTERNAL, VECTOR), 0, 0);
	expect_cut_and_repeated(l2, EXCEPTION_INFO(INTR_EXTERNAL, VECTOR), 0);
	EXPECT_EQ(seen.rip, (u64)nop_insn);
}

EVENT_TEST(ept_violation_in_delivery_of_an_interrupt, NEED_APIC)
{
	/* Expect: an interrupt from the APIC that L2 takes itself is told as one, repeated, and not
	 * there twice. */
	struct l2 *l2;

	NEEDS_EPT(0);
	NEEDS_CONTROL_OFF(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_without_stack(nop_insn);
	vmx_change(VMCS_GUEST_RFLAGS, RFLAGS_IF, 0);
	trap_set_handler(VECTOR, note);
	apic_self_ipi(VECTOR);
	expect_cut_and_repeated(l2, EXCEPTION_INFO(INTR_EXTERNAL, VECTOR), 0);
	apic_eoi();
	EXPECT(apic_is_clear(APIC_ISR));
	EXPECT(apic_is_clear(APIC_IRR));
}

EVENT_TEST(missing_gate_of_int_n_exits_with_both, 0)
{
	/* Expect: #NP by the exception bitmap with the gate in its error code, the INT beside
	 * it. */
	struct l2 *l2 = l2_new(soft_int);

	descriptor_set_gate_present(SOFT_VECTOR, false);
	trap_set_handler(SOFT_VECTOR, note);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	descriptor_set_gate_present(SOFT_VECTOR, true);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_NP) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(EXIT_INTR_ERROR, SOFT_VECTOR * 8 | IDT_FLAG);
	EXPECT_FIELD(IDT_VECTORING_INFO, EXCEPTION_INFO(INTR_SOFTWARE_INTERRUPT, SOFT_VECTOR));
	EXPECT_INSN(soft_int);
	repeat();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	expect_seen(SOFT_VECTOR, 0, (u64)soft_int_end);
}

EVENT_TEST(missing_gate_of_an_injection_exits_with_both, 0)
{
	/* Expect: #NP with EXT set, the injected interrupt beside it. */
	struct l2 *l2 = l2_injected(nop_insn, EXCEPTION_INFO(INTR_EXTERNAL, VECTOR), 0, 0);

	descriptor_set_gate_present(VECTOR, false);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	descriptor_set_gate_present(VECTOR, true);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_NP) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(EXIT_INTR_ERROR, VECTOR * 8 | IDT_FLAG | EXT_FLAG);
	EXPECT_FIELD(IDT_VECTORING_INFO, EXCEPTION_INFO(INTR_EXTERNAL, VECTOR));
	EXPECT_EQ(seen_count, 0);
}

EVENT_TEST(second_contributory_fault_is_a_double_fault, 0)
{
	/* Expect: #GP whose gate is missing: #NP, which the bitmap lets through, makes #DF; that
	 * exits with error code 0, and by the SDM's rule not as one in the delivery of #GP. */
	struct l2 *l2 = l2_new(gp_insn);

	l2->regs[RAX] = 0xfff8;
	vmx_write(VMCS_EXCEPTION_BITMAP, 1u << VECTOR_DF);
	descriptor_set_gate_present(VECTOR_GP, false);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	descriptor_set_gate_present(VECTOR_GP, true);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_DF) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(EXIT_INTR_ERROR, 0);
	EXPECT_EQ(vmx_read(VMCS_IDT_VECTORING_INFO) & INTR_INFO_VALID, 0);
}

EVENT_TEST(exits_between_events_tell_no_vectoring, 0)
{
	/* Expect: after an exit in a delivery, the next exit's IDT-vectoring information is invalid
	 * again; an exception of an instruction has none. */
	struct l2 *l2 = l2_new(soft_int);

	descriptor_set_gate_present(SOFT_VECTOR, false);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	descriptor_set_gate_present(SOFT_VECTOR, true);
	l2_skip();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(vmx_read(VMCS_IDT_VECTORING_INFO) & INTR_INFO_VALID, 0);
	EXPECT_EQ(vmx_read(VMCS_EXIT_INTR_INFO) & INTR_INFO_VALID, 0);
}
