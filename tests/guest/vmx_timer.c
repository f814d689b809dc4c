/* SPDX-License-Identifier: MIT */
/* The VMX-preemption timer of an L2 (SDM "VMX-Preemption Timer"): when it expires, what goes before
 * it, what of it is saved. Times are bounds in TSC ticks, which hold whoever else has the CPU. */
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/vmx_l2.h"

#define VECTOR    0x51u /* one of irq.h's */
#define OTHER     0x61u
#define SHORT     400000u  /* TSC ticks: L2 runs for some of them under a hypervisor too */
#define LONG      4000000u /* longer than any test's L2 runs */
#define NEVER     0xffffffffu
#define TURNS     "10000000" /* of a loop, by when the timer has expired */
#define RATE_MASK 0x1fu      /* of IA32_VMX_MISC */
#define PICK_TSC  "rdtsc; shl $32, %rdx; or %rdx, %rax; "

/* R8: the time at the beginning; R9: the last that L2 saw. A loop ends by itself. */
L2_CODE(watch, PICK_TSC "mov %rax, %r8; mov $" TURNS ", %ecx\n"
			"1: " PICK_TSC "mov %rax, %r9; dec %ecx; jnz 1b");
/* The same with an access that a hypervisor serves, RSI being a register of the local APIC. */
L2_CODE(watch_with_exits,
	PICK_TSC "mov %rax, %r8; mov $" TURNS ", %ecx\n"
		 "1: mov (%rsi), %ebx\n" PICK_TSC "mov %rax, %r9; dec %ecx; jnz 1b");
/* RCX turns. */
L2_CODE(some_turns, PICK_TSC "mov %rax, %r8\n"
			     "1: dec %ecx; jnz 1b\n" PICK_TSC "mov %rax, %r9");
L2_CODE(nops, "nop; nop; nop; nop");
L2_CODE(hlt_insn, "hlt");

static u32 rate(void)
{
	return rdmsr(MSR_IA32_VMX_MISC) & RATE_MASK;
}

/* The timer's value that lasts for so many TSC ticks, at most one of its own more. */
static u32 value_of(u32 ticks)
{
	return (ticks >> rate()) + 1;
}

static void timer_on(u32 value)
{
	control_on(CONTROL_SET_PIN, PIN_PREEMPTION_TIMER);
	vmx_write(VMCS_PREEMPTION_TIMER, value);
}

static struct l2 *l2_timed(const char *code, u32 value)
{
	struct l2 *l2 = l2_new(code);

	timer_on(value);
	return l2;
}

#define TIMER_TEST(name_, needs_)                                     \
	static void timer_##name_(void);                              \
	VMX_TEST(vmx_timer, name_, needs_)                            \
	{                                                             \
		NEEDS_CONTROL(CONTROL_SET_PIN, PIN_PREEMPTION_TIMER); \
		timer_##name_();                                      \
	}                                                             \
	static void timer_##name_(void)

/* L2 watched the time until its timer expired: it saw no time behind that. */
static void expect_expired(const struct l2 *l2, u32 value)
{
	u64 ran = l2->regs[R9] - l2->regs[R8];

	EXPECT(l2->regs[R9] != 0);
	EXPECT(ran < (u64)value << rate());
}

/* --- when it expires --- */
TIMER_TEST(value_0_exits_before_the_first_instruction, 0)
{
	/* Expect: exit 52 with nothing told beside; the same once more. */
	struct l2 *l2 = l2_timed(nops, 0);

	for (u32 i = 0; i < 2; i++) {
		EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
		EXPECT_FIELD(GUEST_RIP, (u64)nops);
		EXPECT_FIELD(EXIT_QUALIFICATION, 0);
		EXPECT_EQ(vmx_read(VMCS_EXIT_INTR_INFO) & INTR_INFO_VALID, 0);
		EXPECT_EQ(vmx_read(VMCS_IDT_VECTORING_INFO) & INTR_INFO_VALID, 0);
	}
	timer_on(NEVER);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

TIMER_TEST(it_ends_a_loop, 0)
{
	/* Expect: not before its time by L1's clock; not behind it by L2's, which ran for more than
	 * half of it when all that L2 touches was there. */
	u32 value = value_of(SHORT);
	struct l2 *l2 = l2_timed(watch, NEVER);
	u64 before;

	l2->regs[R9] = 0;
	for (u32 i = 0; i < 2; i++) {
		vmx_write(VMCS_GUEST_RIP, (u64)watch);
		timer_on(value);
		before = rdtsc();
		EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
		EXPECT(rdtsc() - before >= (u64)(value - 1) << rate());
		EXPECT(vmx_read(VMCS_GUEST_RIP) > (u64)watch);
		EXPECT(vmx_read(VMCS_GUEST_RIP) < (u64)watch_end);
		expect_expired(l2, value);
	}
	EXPECT(l2->regs[R9] - l2->regs[R8] > SHORT / 2);
}

TIMER_TEST(it_runs_on_while_an_exit_is_served, NEED_APIC)
{
	/* Expect: the same where L2 is served by who is below L1, which takes longer than an
	 * entry. */
	u32 value = value_of(SHORT);
	struct l2 *l2;

	if (rdmsr(MSR_IA32_APIC_BASE) & APIC_BASE_X2APIC)
		SKIP("the local APIC has no registers in memory");
	l2 = l2_timed(watch_with_exits, value);
	l2->regs[R9] = 0;
	l2->regs[RSI] = APIC_DEFAULT_BASE + APIC_VERSION;
	for (u32 i = 0; i < 8; i++) {
		vmx_write(VMCS_GUEST_RIP, (u64)watch_with_exits);
		timer_on(value + i * 257);
		EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
		expect_expired(l2, value + i * 257);
	}
}

TIMER_TEST(off_it_never_expires, 0)
{
	/* Expect: with the control off, value 0 means nothing, after L2s whose control was on. */
	struct l2 *with = l2_timed(nops, 0), *without;

	EXPECT_EQ(l2_enter(with), EXIT_PREEMPTION_TIMER);
	without = l2_new(some_turns);
	vmx_write(VMCS_PREEMPTION_TIMER, 0);
	without->regs[RCX] = SHORT;
	EXPECT_EQ(l2_enter(without), EXIT_VMCALL);
	EXPECT_FIELD(PREEMPTION_TIMER, 0);
	l2_load(with);
	control_off(CONTROL_SET_PIN, PIN_PREEMPTION_TIMER);
	EXPECT_EQ(l2_enter(with), EXIT_VMCALL);
}

TIMER_TEST(each_entry_starts_it_anew, 0)
{
	/* Expect: L2 gets on by many short turns, though none lasts to its end. */
	struct l2 *l2 = l2_timed(some_turns, value_of(SHORT));
	u32 exits = 0;

	l2->regs[RCX] = 4 * SHORT;
	while (l2_enter(l2) == EXIT_PREEMPTION_TIMER && exits < 1000)
		exits++;
	EXPECT_FIELD(EXIT_REASON, EXIT_VMCALL);
	EXPECT(exits > 1);
}

/* --- what is saved --- */
TIMER_TEST(not_saved_the_field_stays, 0)
{
	/* Expect: after the timer's own exit and after another one it holds what L1 wrote. */
	u32 value = value_of(SHORT);
	struct l2 *l2 = l2_timed(watch, value);

	EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
	EXPECT_FIELD(PREEMPTION_TIMER, value);
	EXPECT_EQ(l2_enter_at(l2, nops), EXIT_VMCALL);
	EXPECT_FIELD(PREEMPTION_TIMER, value);
}

TIMER_TEST(saved_it_is_what_was_left, 0)
{
	/* Expect: less by at least what L2 saw pass, and by at most what L1 did. */
	struct l2 *l2;
	u64 before, after, gone;

	NEEDS_CONTROL(CONTROL_SET_EXIT, EXIT_CTL_SAVE_TIMER);
	l2 = l2_timed(some_turns, value_of(LONG));
	control_on(CONTROL_SET_EXIT, EXIT_CTL_SAVE_TIMER);
	l2->regs[RCX] = 1000;
	before = rdtsc();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	after = rdtsc();
	gone = value_of(LONG) - vmx_read(VMCS_PREEMPTION_TIMER);
	EXPECT(gone + 1 >= (l2->regs[R9] - l2->regs[R8]) >> rate());
	EXPECT(gone <= ((after - before) >> rate()) + 1);
}

TIMER_TEST(saved_at_its_own_exit_it_is_0, 0)
{
	/* Expect: 0, so that the next entry exits at once. */
	struct l2 *l2;
	u64 rip;

	NEEDS_CONTROL(CONTROL_SET_EXIT, EXIT_CTL_SAVE_TIMER);
	l2 = l2_timed(watch, value_of(SHORT));
	control_on(CONTROL_SET_EXIT, EXIT_CTL_SAVE_TIMER);
	EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
	EXPECT_FIELD(PREEMPTION_TIMER, 0);
	rip = vmx_read(VMCS_GUEST_RIP);
	EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
	EXPECT_FIELD(GUEST_RIP, rip);
	EXPECT_FIELD(PREEMPTION_TIMER, 0);
}

TIMER_TEST(entry_that_fails_saves_nothing, 0)
{
	/* Expect: the field as it was, after one whose guest state is refused. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_EXIT, EXIT_CTL_SAVE_TIMER);
	l2 = l2_timed(nops, value_of(LONG));
	control_on(CONTROL_SET_EXIT, EXIT_CTL_SAVE_TIMER);
	vmx_write(VMCS_GUEST_RFLAGS, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_REASON_ENTRY_FAILURE | EXIT_ENTRY_GUEST_STATE);
	EXPECT_FIELD(PREEMPTION_TIMER, value_of(LONG));
	vmx_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT(vmx_read(VMCS_PREEMPTION_TIMER) <= value_of(LONG));
}

/* --- HLT --- */
TIMER_TEST(it_ends_a_halt, 0)
{
	/* Expect: it counts while L2 halts with interrupts off; the exit is behind the HLT. */
	u32 value = value_of(SHORT);
	struct l2 *l2;
	u64 before;

	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_HLT_EXITING);
	l2 = l2_timed(hlt_insn, value);
	before = rdtsc();
	EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
	EXPECT(rdtsc() - before >= (u64)(value - 1) << rate());
	EXPECT_FIELD(GUEST_RIP, (u64)hlt_insn_end);
	EXPECT_FIELD(GUEST_ACTIVITY, ACTIVITY_HLT);
}

TIMER_TEST(it_ends_an_entry_that_halts, 0)
{
	/* Expect: with the activity state HLT, at once and after a while; no instruction runs. */
	const u32 values[] = { 0, value_of(SHORT) };
	struct l2 *l2;

	if (!(rdmsr(MSR_IA32_VMX_MISC) & BIT(6)))
		SKIP("no HLT activity state");
	l2 = l2_new(nops);
	for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
		timer_on(values[i]);
		vmx_write(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
		EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
		EXPECT_FIELD(GUEST_RIP, (u64)nops);
	}
	EXPECT_FIELD(GUEST_ACTIVITY, ACTIVITY_HLT);
}

/* --- what comes at the same time --- */
static struct l2 *l2_that_interrupts_exit(const char *code, u32 value)
{
	struct l2 *l2 = l2_timed(code, value);

	vmx_change(VMCS_GUEST_RFLAGS, RFLAGS_IF, 0);
	control_on(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	return l2;
}

TIMER_TEST(it_goes_before_an_interrupt, NEED_APIC)
{
	/* Expect: at value 0 exit 52; the interrupt waits for its turn. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_that_interrupts_exit(nops, 0);
	apic_self_ipi(VECTOR);
	EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
	EXPECT_FIELD(GUEST_RIP, (u64)nops);
	EXPECT(apic_vector_bit(APIC_IRR, VECTOR));
	timer_on(NEVER);
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	irq_window();
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

TIMER_TEST(it_goes_before_windows, 0)
{
	/* Expect: at value 0 exit 52, though the windows of NMIs and interrupts are open; then the
	 * NMIs'; then the interrupts'. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_NMI_EXITING | PIN_VIRTUAL_NMI);
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_NMI_WINDOW | CPU_INTERRUPT_WINDOW);
	l2 = l2_timed(nops, 0);
	vmx_change(VMCS_GUEST_RFLAGS, RFLAGS_IF, 0);
	control_on(CONTROL_SET_PIN, PIN_NMI_EXITING | PIN_VIRTUAL_NMI);
	control_on(CONTROL_SET_CPU, CPU_NMI_WINDOW | CPU_INTERRUPT_WINDOW);
	EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
	timer_on(NEVER);
	EXPECT_EQ(l2_enter(l2), EXIT_NMI_WINDOW);
	control_off(CONTROL_SET_CPU, CPU_NMI_WINDOW);
	EXPECT_EQ(l2_enter(l2), EXIT_INTERRUPT_WINDOW);
}

TIMER_TEST(a_pending_debug_trap_goes_before_it, NEED_APIC)
{
	/* Expect: at value 0, of a single-step trap that the entry loads, the timer and an
	 * interrupt, each is the first of those that are left. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_that_interrupts_exit(nops, 0);
	apic_self_ipi(VECTOR);
	vmx_change(VMCS_GUEST_RFLAGS, RFLAGS_TF, 0);
	vmx_write(VMCS_GUEST_PENDING_DEBUG, PENDING_DEBUG_BS);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_DB));
	vmx_change(VMCS_GUEST_RFLAGS, 0, RFLAGS_TF);
	vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
	timer_on(NEVER);
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	EXPECT_FIELD(GUEST_RIP, (u64)nops);
	irq_window();
	EXPECT_EQ(irq_count(VECTOR), 1);
}

static u64 handled;

static void note(struct trap_frame *frame)
{
	handled = frame->rip;
}

TIMER_TEST(an_injected_interrupt_goes_before_it, 0)
{
	/* Expect: at value 0 the interrupt is delivered, and L2 exits before the handler's first
	 * instruction, interrupts off; then the handler runs. */
	struct l2 *l2 = l2_timed(nops, 0);

	irq_set(VECTOR, IRQ_ACK_NONE, note);
	vmx_change(VMCS_GUEST_RFLAGS, RFLAGS_IF, 0);
	vmx_write(VMCS_ENTRY_INTR_INFO, EXCEPTION_INFO(INTR_EXTERNAL, VECTOR));
	EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
	EXPECT(vmx_read(VMCS_GUEST_RIP) != (u64)nops);
	EXPECT_EQ(vmx_read(VMCS_GUEST_RFLAGS) & RFLAGS_IF, 0);
	EXPECT_EQ(vmx_read(VMCS_IDT_VECTORING_INFO) & INTR_INFO_VALID, 0);
	EXPECT_EQ(irq_count(VECTOR), 0);
	timer_on(NEVER);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT_EQ(handled, (u64)nops);
}

TIMER_TEST(an_injected_interrupt_and_one_that_waits, NEED_APIC)
{
	/* Expect: at value 0, behind the delivery of an injected one, exit 52; L1's own is there
	 * for L1. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	l2 = l2_that_interrupts_exit(nops, 0);
	vmx_write(VMCS_ENTRY_INTR_INFO, EXCEPTION_INFO(INTR_EXTERNAL, VECTOR));
	apic_self_ipi(VECTOR);
	EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
	EXPECT(vmx_read(VMCS_GUEST_RIP) != (u64)nops);
	EXPECT_EQ(irq_count(VECTOR), 0);
	irq_window();
	EXPECT_EQ(irq_count(VECTOR), 1);
}

TIMER_TEST(the_nearer_of_two_timers_exits, NEED_APIC)
{
	/* Expect: L1's APIC timer first, an interrupt; what is left of the other one then ends
	 * L2's next turn. */
	struct l2 *l2;
	u32 left;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	NEEDS_CONTROL(CONTROL_SET_EXIT, EXIT_CTL_SAVE_TIMER);
	l2 = l2_that_interrupts_exit(watch, value_of(LONG));
	control_on(CONTROL_SET_EXIT, EXIT_CTL_SAVE_TIMER);
	apic_write(APIC_LVT_TIMER, APIC_TIMER_ONE | VECTOR);
	apic_write(APIC_TIMER_INITIAL, SHORT);
	EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	irq_window();
	EXPECT_EQ(irq_count(VECTOR), 1);
	left = (u32)vmx_read(VMCS_PREEMPTION_TIMER);
	EXPECT(left > 0 && left < value_of(LONG) - value_of(SHORT / 2));
	EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
	EXPECT_EQ(irq_count(VECTOR), 1);
}

/* L1's APIC timer: how long it takes until its interrupt comes. */
static u64 apic_timer_takes(struct l2 *l2)
{
	u64 start = rdtsc();
	u32 count = irq_count(VECTOR);

	apic_write(APIC_LVT_TIMER, APIC_TIMER_ONE | VECTOR);
	apic_write(APIC_TIMER_INITIAL, SHORT);
	if (l2)
		EXPECT_EQ(l2_enter(l2), EXIT_EXTERNAL_INTERRUPT);
	EXPECT(irq_wait(VECTOR, count + 1));
	return rdtsc() - start;
}

/* An interrupt for L1 that is no exit of the CPU's; by then most of the timer's time is over. */
static u64 waits;

static void wait_and_interrupt_l1(void)
{
	u64 start = rdtsc();

	while (rdtsc() - start < waits)
		cpu_pause();
	apic_self_ipi(OTHER);
	vmcall_for_ever();
}

TIMER_TEST(l1s_apic_timer_is_in_time_after_l2s_turn, NEED_APIC)
{
	/* Expect: in L1, which does nothing that exits, it is not late by the time L2 ran. */
	u64 alone = apic_timer_takes(NULL), beside;
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	waits = alone / 2;
	l2 = l2_new((const void *)(u64)wait_and_interrupt_l1);
	vmx_change(VMCS_GUEST_RFLAGS, RFLAGS_IF, 0);
	control_on(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	beside = apic_timer_takes(l2);
	EXPECT(beside < alone + alone / 4);
}

/* --- beside another CPU, which may be a turn of the same one --- */
static u32 spins;

static void spin(void *unused)
{
	(void)unused;
	while (__atomic_load_n(&spins, __ATOMIC_ACQUIRE))
		cpu_pause();
}

TIMER_TEST(it_expires_beside_a_busy_cpu, NEED_CPUS_2)
{
	/* Expect: running and halted, in time by L2's clock. */
	u32 value = value_of(LONG);
	struct l2 *l2 = l2_timed(watch, value);

	l2->regs[R9] = 0;
	__atomic_store_n(&spins, 1, __ATOMIC_RELEASE);
	smp_start(1, spin, NULL);
	EXPECT_EQ(l2_enter(l2), EXIT_PREEMPTION_TIMER);
	expect_expired(l2, value);
	EXPECT_EQ(l2_enter_at(l2, hlt_insn), EXIT_PREEMPTION_TIMER);
	__atomic_store_n(&spins, 0, __ATOMIC_RELEASE);
	EXPECT(smp_finish(1));
}
