/* SPDX-License-Identifier: MIT */
/* Interrupts and NMIs while an L2 runs: whose they are, the windows, what blocks them, and an L2
 * that halts. */
#include "hv/msr_index.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/vmx_l2.h"

#define VECTOR   0x51u
#define OTHER    0x61u
#define SOON     200000u   /* ticks of the timer: L2 is running by then, under a hypervisor too */
#define TURNS    "1000000" /* of a loop, by when anything has come */
#define EXTERNAL EXCEPTION_INFO(INTR_EXTERNAL, VECTOR)

/* A loop that ends by itself, so that an interrupt that never comes is a failure and no hang. */
L2_CODE(loop_code, "mov $" TURNS ", %ecx; 1: pause; dec %ecx; jnz 1b");
L2_CODE(nops, "nop; nop; nop; nop");
L2_CODE(sti_then_nops, "sti; nop; nop; nop");
L2_CODE(sti_then_hlt, "sti; hlt");
L2_CODE(hlt_insn, "hlt");
L2_CODE(sti_insn, "sti");
L2_CODE(mov_ss_insn, "mov %ss, %eax; mov %eax, %ss");
L2_CODE(mov_ss_then_nops, "mov %ss, %eax; mov %eax, %ss; nop; nop");

static struct l2 *l2_with_if(const char *code)
{
	struct l2 *l2 = l2_new(code);

	vmx_change(VMCS_GUEST_RFLAGS, RFLAGS_IF, 0);
	return l2;
}

/* Its interrupts, which are L1's, exit. */
static struct l2 *l2_that_interrupts_exit(const char *code)
{
	struct l2 *l2 = l2_with_if(code);

	control_on(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	return l2;
}

/* L1 takes the one that it has. */
static void take_interrupt(void)
{
	irq_window();
	EXPECT_EQ(irq_count(VECTOR), 1);
}

static void timer_soon(void)
{
	apic_write(APIC_LVT_TIMER, APIC_TIMER_ONE | VECTOR);
	apic_write(APIC_TIMER_INITIAL, SOON);
}

/* --- L1's interrupts --- */
VMX_TEST(vmx_event, pending_interrupt_exits_at_once, NEED_APIC)
{
	/* Expect: before L2's first instruction; not acknowledged, so L1 gets it by its window. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_that_interrupts_exit(nops);
	apic_self_ipi(VECTOR);
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	EXPECT_FIELD(GUEST_RIP, (u64)nops);
	EXPECT_EQ(vmx_read(VMCS_EXIT_INTR_INFO) & INTR_INFO_VALID, 0);
	EXPECT_EQ(irq_count(VECTOR), 0);
	EXPECT(apic_vector_bit(APIC_IRR, VECTOR));
	take_interrupt();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

VMX_TEST(vmx_event, acknowledged_interrupt_tells_its_vector, NEED_APIC)
{
	/* Expect: the highest vector, in service already; the other one is still there. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	NEEDS_CONTROL(CONTROL_SET_EXIT, EXIT_CTL_ACK_INT);
	l2 = l2_that_interrupts_exit(nops);
	control_on(CONTROL_SET_EXIT, EXIT_CTL_ACK_INT);
	apic_self_ipi(VECTOR);
	apic_self_ipi(OTHER);
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	EXPECT_FIELD(EXIT_INTR_INFO, EXCEPTION_INFO(INTR_EXTERNAL, OTHER));
	EXPECT(apic_vector_bit(APIC_ISR, OTHER));
	EXPECT(!apic_vector_bit(APIC_IRR, OTHER));
	EXPECT(apic_vector_bit(APIC_IRR, VECTOR));
	irq_window(); /* the other one is of a lower class */
	EXPECT_EQ(irq_count(VECTOR), 0);
	apic_eoi();
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	EXPECT_FIELD(EXIT_INTR_INFO, EXTERNAL);
	apic_eoi();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT(apic_is_clear(APIC_ISR));
	EXPECT_EQ(irq_count(VECTOR) + irq_count(OTHER), 0);
}

VMX_TEST(vmx_event, interrupt_exits_from_a_running_l2, NEED_APIC)
{
	/* Expect: the timer's interrupt ends L2 in its loop; L1 takes it; L2 goes on to the end. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_that_interrupts_exit(loop_code);
	timer_soon();
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	EXPECT(vmx_read(VMCS_GUEST_RIP) > (u64)loop_code);
	EXPECT(vmx_read(VMCS_GUEST_RIP) < (u64)loop_code_end);
	EXPECT(l2->regs[RCX] > 0 && l2->regs[RCX] < 1000000);
	take_interrupt();
	l2->regs[RCX] = 5;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

VMX_TEST(vmx_event, interrupt_exits_though_l2_has_them_off, NEED_APIC)
{
	/* Expect: RFLAGS.IF=0 of L2 does not hold an exit back. */
	struct l2 *l2;
	u32 reason;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_new(loop_code);
	control_on(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	timer_soon();
	reason = l2_enter(l2);
	take_interrupt();
	if (machine_is_bochs() && reason == EXIT_VMCALL)
		SKIP("Bochs 2.7 takes no interrupt while RFLAGS.IF was 0 at the entry");
	EXPECT_EQ(reason, EXIT_EXTERNAL_INTERRUPT);
}

VMX_TEST(vmx_event, task_priority_holds_interrupts_back, NEED_APIC)
{
	/* Expect: no exit while CR8 masks the vector; one when L1 lowers it. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_that_interrupts_exit(nops);
	write_cr8(VECTOR >> 4);
	apic_self_ipi(VECTOR);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	write_cr8(0);
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	take_interrupt();
}

/* --- L2's interrupts --- */
static u64 handler_rip;

static void note_rip(struct trap_frame *frame)
{
	handler_rip = frame->rip;
}

VMX_TEST(vmx_event, interrupt_goes_to_l2_where_l1_does_not_ask, NEED_APIC)
{
	/* Expect: without external-interrupt exiting, L2's own handler takes the timer's interrupt,
	 * once, and no exit happens before L2's VMCALL. */
	struct l2 *l2;

	NEEDS_CONTROL_OFF(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	irq_set(VECTOR, IRQ_ACK_APIC, note_rip);
	l2 = l2_with_if(loop_code);
	timer_soon();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT(handler_rip >= (u64)loop_code && handler_rip < (u64)loop_code_end);
	EXPECT(apic_is_clear(APIC_ISR));
}

VMX_TEST(vmx_event, interrupt_waits_while_l2_has_them_off, NEED_APIC)
{
	/* Expect: with RFLAGS.IF=0 and without exits, it stays pending, and is L1's afterwards. */
	struct l2 *l2;

	NEEDS_CONTROL_OFF(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_new(nops);
	apic_self_ipi(VECTOR);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(irq_count(VECTOR), 0);
	EXPECT(apic_vector_bit(APIC_IRR, VECTOR));
	take_interrupt();
}

VMX_TEST(vmx_event, sti_of_l2_lets_its_interrupt_in, NEED_APIC)
{
	/* Expect: the pending interrupt comes one instruction behind STI. */
	struct l2 *l2;

	NEEDS_CONTROL_OFF(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	irq_set(VECTOR, IRQ_ACK_APIC, note_rip);
	l2 = l2_new(sti_then_nops);
	apic_self_ipi(VECTOR);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT_EQ(handler_rip, (u64)sti_then_nops + 2);
}

/* --- windows --- */
VMX_TEST(vmx_event, open_interrupt_window_exits_at_once, 0)
{
	/* Expect: with RFLAGS.IF=1, before the first instruction. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
	l2 = l2_with_if(nops);
	control_on(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
	EXPECT_EQ(l2_enter(l2), EXIT_INTERRUPT_WINDOW);
	EXPECT_FIELD(GUEST_RIP, (u64)nops);
	control_off(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

VMX_TEST(vmx_event, interrupt_window_opens_behind_sti, 0)
{
	/* Expect: not while IF=0, not in STI's shadow: one instruction behind it. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
	l2 = l2_new(sti_then_nops);
	control_on(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
	EXPECT_EQ(l2_enter(l2), EXIT_INTERRUPT_WINDOW);
	EXPECT_FIELD(GUEST_RIP, (u64)sti_then_nops + 2);
	EXPECT_FIELD(GUEST_INTERRUPTIBILITY, 0);
}

VMX_TEST(vmx_event, blocking_by_sti_and_mov_ss_is_loaded, 0)
{
	/* Expect: the window opens one instruction after an entry with either of them. */
	static const u32 kinds[] = { BLOCKED_BY_STI, BLOCKED_BY_MOV_SS };

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct l2 *l2 = l2_with_if(nops);

		control_on(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
		vmx_write(VMCS_GUEST_INTERRUPTIBILITY, kinds[i]);
		EXPECT_EQ(l2_enter(l2), EXIT_INTERRUPT_WINDOW);
		EXPECT_FIELD(GUEST_RIP, (u64)nops + 1);
		EXPECT_FIELD(GUEST_INTERRUPTIBILITY, 0);
	}
}

VMX_TEST(vmx_event, blocking_by_sti_and_mov_ss_is_saved, 0)
{
	/* Expect: the VMCALL right behind STI or MOV SS exits with it; IF was 0 before STI. */
	EXPECT_EQ(l2_enter(l2_new(sti_insn)), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_INTERRUPTIBILITY, BLOCKED_BY_STI);
	EXPECT_EQ(l2_enter(l2_new(mov_ss_insn)), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_INTERRUPTIBILITY, BLOCKED_BY_MOV_SS);
}

VMX_TEST(vmx_event, interrupt_window_comes_before_an_interrupt, NEED_APIC)
{
	/* Expect: of both the window exits first, then the interrupt. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_with_if(nops);
	control_on(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
	control_on(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	apic_self_ipi(VECTOR);
	EXPECT_EQ(l2_enter(l2), EXIT_INTERRUPT_WINDOW);
	control_off(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	take_interrupt();
}

VMX_TEST(vmx_event, interrupt_window_opens_in_a_halted_l2, 0)
{
	/* Expect: L2 halts with interrupts on, and the window wakes it. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_HLT_EXITING);
	if (machine_is_bochs())
		SKIP("Bochs 2.7 sleeps on in HLT when an interrupt window opens");
	l2 = l2_with_if(hlt_insn);
	vmx_write(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_STI);
	control_on(CONTROL_SET_CPU, CPU_INTERRUPT_WINDOW);
	EXPECT_EQ(l2_enter(l2), EXIT_INTERRUPT_WINDOW);
	EXPECT_FIELD(GUEST_RIP, (u64)hlt_insn_end);
}

/* --- HLT --- */
/* SDM "Architectural State Before a VM Exit": L2 returns to the active state only after the
 * exit. */
static void expect_halted(void)
{
	if (machine_is_bochs() && vmx_read(VMCS_GUEST_ACTIVITY) == ACTIVITY_ACTIVE)
		SKIP("Bochs 2.7 saves an L2 as active that an interrupt found halted");
	EXPECT_FIELD(GUEST_ACTIVITY, ACTIVITY_HLT);
}

VMX_TEST(vmx_event, interrupt_exits_from_a_halted_l2, NEED_APIC)
{
	/* Expect: an L2 whose HLT L1 does not want is really halted; L1's timer ends that with an
	 * exit behind the HLT, activity state HLT. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_HLT_EXITING);
	l2 = l2_new(sti_then_hlt);
	control_on(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	timer_soon();
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	EXPECT_FIELD(GUEST_RIP, (u64)sti_then_hlt_end);
	take_interrupt();
	expect_halted();
}

VMX_TEST(vmx_event, interrupt_of_its_own_wakes_l2, NEED_APIC)
{
	/* Expect: halted, the timer's interrupt goes to L2's handler, and L2 goes on behind HLT. */
	struct l2 *l2;

	NEEDS_CONTROL_OFF(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_HLT_EXITING);
	irq_set(VECTOR, IRQ_ACK_APIC, note_rip);
	l2 = l2_new(sti_then_hlt);
	timer_soon();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT_EQ(handler_rip, (u64)sti_then_hlt_end);
	EXPECT_FIELD(GUEST_ACTIVITY, ACTIVITY_ACTIVE);
}

VMX_TEST(vmx_event, l2_entered_halted_waits, NEED_APIC)
{
	/* Expect: with the activity state HLT, no instruction runs before the interrupt comes. */
	struct l2 *l2;

	if (!(rdmsr(MSR_IA32_VMX_MISC) & BIT(6)))
		SKIP("no HLT activity state");
	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_that_interrupts_exit(nops);
	vmx_write(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
	timer_soon();
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	EXPECT_FIELD(GUEST_RIP, (u64)nops);
	irq_window();
	expect_halted();
	vmx_write(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

/* --- NMIs --- */
static void nmi_in_l2(void)
{
	apic_nmi_to_self();
	vmcall_for_ever();
}

VMX_TEST(vmx_event, nmi_exits_when_asked, NEED_APIC)
{
	/* Expect: exit 0 with an NMI, vector 2; no handler runs before L1 unblocks and calls it. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_NMI_EXITING);
	l2 = l2_new((const void *)(u64)nmi_in_l2);
	control_on(CONTROL_SET_PIN, PIN_NMI_EXITING);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, EXCEPTION_INFO(INTR_NMI, VECTOR_NMI));
	EXPECT_EQ(irq_count(VECTOR_NMI), 0);
	unblock_nmi();
}

VMX_TEST(vmx_event, nmi_goes_to_l2_where_l1_does_not_ask, NEED_APIC)
{
	/* Expect: L2's handler counts it, though the exception bitmap has bit 2; none for L1. */
	struct l2 *l2;

	NEEDS_CONTROL_OFF(CONTROL_SET_PIN, PIN_NMI_EXITING);
	irq_set(VECTOR_NMI, IRQ_ACK_NONE, note_rip);
	l2 = l2_new((const void *)(u64)nmi_in_l2);
	handler_rip = 0;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(irq_count(VECTOR_NMI), 1);
	EXPECT(handler_rip != 0);
}

/* --- pending debug exceptions --- */
VMX_TEST(vmx_event, pending_debug_exception_comes_first, 0)
{
	/* Expect: a pending single-step trap is delivered before L2's first instruction. */
	struct l2 *l2 = l2_new(nops);

	(void)l2;
	vmx_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_TF);
	vmx_write(VMCS_GUEST_PENDING_DEBUG, PENDING_DEBUG_BS);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_DB));
	EXPECT_FIELD(EXIT_QUALIFICATION, DEBUG_SINGLE_STEP);
	EXPECT_FIELD(GUEST_RIP, (u64)nops);
}

VMX_TEST(vmx_event, mov_ss_holds_a_debug_exception_back, 0)
{
	/* Expect: single-stepped, MOV SS and the instruction behind it count as one. */
	struct l2 *l2 = l2_new(mov_ss_then_nops);

	vmx_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_TF);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(GUEST_RIP, (u64)mov_ss_then_nops + 2);
	vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_QUALIFICATION, DEBUG_SINGLE_STEP);
	EXPECT_FIELD(GUEST_RIP, (u64)mov_ss_then_nops + 5);
}

VMX_TEST(vmx_event, no_debug_exception_is_pending_at_vmcall, 0)
{
	/* Expect: an exit by an instruction under TF saves nothing pending. */
	struct l2 *l2 = l2_new(nops_end);

	vmx_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_TF);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	if (vmx_read(VMCS_GUEST_PENDING_DEBUG) == PENDING_DEBUG_BS)
		SKIP("Bochs 2.7 saves BS at each exit under TF");
	EXPECT_FIELD(GUEST_PENDING_DEBUG, 0);
}

/* --- the other CPU --- */
static void interrupt_cpu_0(void *unused)
{
	u64 start = rdtsc();

	(void)unused;
	while (rdtsc() - start < 20000)
		cpu_pause();
	apic_send(smp_apic_id(0), APIC_ICR_ASSERT | VECTOR);
}

VMX_TEST(vmx_event, ipi_of_another_cpu_exits_from_l2, NEED_CPUS_2)
{
	/* Expect: an IPI ends L2's loop on this CPU. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_that_interrupts_exit(loop_code);
	smp_start(1, interrupt_cpu_0, NULL);
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	EXPECT(l2->regs[RCX] > 0 && l2->regs[RCX] < 1000000);
	take_interrupt();
	EXPECT(smp_finish(1));
}
