/* SPDX-License-Identifier: MIT */
/*
 * A VMCS that another CPU wants while it is current, and its L2 runs, on the first. Who had it has
 * no VMCS then: the VMLAUNCH or VMRESUME that is under way ends with VMfailInvalid. (Nestor's rule;
 * a CPU's VMCS would be corrupt.)
 */
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/lib/vmx_smp.h"

#define OTHER   1u
#define NO_VMCS (~0ULL)
#define INVALID L2_VMFAIL /* error 0 */
#define VECTOR  0x51u
#define WAIT    100000000ULL
#define LISTEN  100000ULL
#define BEATS   50u
#define STEALS  20u
#define NEEDS_NESTOR()                        \
	do {                                  \
		if (!nestor_is_present())     \
			SKIP("needs Nestor"); \
	} while (0)

/* Count at RDI until there is something behind the counter. */
L2_CODE(beat, "1: incq (%rdi); pause; cmpq $0, 8(%rdi); je 1b");
L2_CODE(hlt_then_call, "incq (%rdi); sti; hlt");

static struct {
	struct l2 *l2;
	volatile u64 *beats; /* and the stop sign at 1 */
	u64 pointer;         /* VMPTRST's, afterwards */
	u32 reason, robberies;
	bool listens;
} there;

static void run_there(void *unused)
{
	(void)unused;
	l2_arrive(there.l2);
	there.reason = l2_enter(there.l2);
	__asm__ volatile("vmptrst %0" : "=m"(there.pointer)::"cc");
	if (there.listens)
		irq_listen(LISTEN);
}

static bool await_beats(u64 more)
{
	u64 start = rdtsc(), wanted = there.beats[0] + more;

	while (there.beats[0] < wanted && rdtsc() - start < WAIT)
		cpu_pause();
	return there.beats[0] >= wanted;
}

/* An L2 that beats on the other CPU. */
static void start_there(const char *code)
{
	there.l2 = l2_new(code);
	there.beats = (volatile u64 *)vmx_page();
	there.l2->regs[RDI] = (u64)there.beats;
	there.listens = false;
	there.reason = 0;
	there.pointer = 0;
	control_off(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	control_off(CONTROL_SET_CPU, CPU_HLT_EXITING);
	l2_clear(there.l2);
	EXPECT(vmx_smp_on(OTHER));
}

static void go_there(void)
{
	smp_start(OTHER, run_there, NULL);
	EXPECT(await_beats(1));
}

static void expect_robbed(void)
{
	EXPECT(smp_finish(OTHER));
	EXPECT_EQ(there.reason, INVALID);
	EXPECT_EQ(there.pointer, NO_VMCS);
}

/* Its L2 goes on here, from where it was, to its end. */
static void expect_goes_on(void)
{
	u64 rip = vmx_read(VMCS_GUEST_RIP);

	EXPECT(rip >= (u64)beat && rip < (u64)beat_end);
	there.beats[1] = 1;
	EXPECT_EQ(l2_enter(there.l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)beat_end);
}

VMX_TEST(vmx_smp, vmptrld_takes_a_vmcs_from_its_running_l2, NEED_CPUS_2)
{
	/* Expect: CPU 1's VMLAUNCH ends with VMfailInvalid and it has no VMCS; the VMCS stays
	 * launched, with L2 in its loop, and VMRESUME here lets it go on. */
	NEEDS_NESTOR();
	start_there(beat);
	go_there();
	EXPECT(await_beats(BEATS));
	l2_arrive(there.l2);
	expect_robbed();
	there.l2->launched = 1;
	expect_goes_on();
	EXPECT(vmx_smp_off(OTHER));
}

VMX_TEST(vmx_smp, vmclear_takes_a_vmcs_from_its_running_l2, NEED_CPUS_2)
{
	/* Expect: the same by VMCLEAR, after which the VMCS is clear and L2 where it was. */
	NEEDS_NESTOR();
	start_there(beat);
	go_there();
	EXPECT(await_beats(BEATS));
	l2_clear(there.l2);
	expect_robbed();
	l2_arrive(there.l2);
	expect_goes_on();
	EXPECT(vmx_smp_off(OTHER));
}

VMX_TEST(vmx_smp, a_halted_l2_is_robbed_too, NEED_CPUS_2)
{
	/* Expect: an L2 that halts on CPU 1 does not hold its VMCS back; it is halted here too. */
	u64 start;

	NEEDS_NESTOR();
	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_HLT_EXITING);
	start_there(hlt_then_call);
	go_there();
	start = rdtsc();
	while (rdtsc() - start < LISTEN)
		cpu_pause();
	l2_arrive(there.l2);
	expect_robbed();
	EXPECT_FIELD(GUEST_RIP, (u64)hlt_then_call_end);
	EXPECT_FIELD(GUEST_ACTIVITY, ACTIVITY_HLT);
	vmx_write(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
	there.l2->launched = 1;
	EXPECT_EQ(l2_enter(there.l2), EXIT_VMCALL);
	EXPECT(vmx_smp_off(OTHER));
}

VMX_TEST(vmx_smp, an_interrupt_outlives_the_robbery, NEED_CPUS_2)
{
	/* Expect: an interrupt that CPU 1 got while its L2 had interrupts off and no exit for them
	 * is CPU 1's afterwards, once. */
	NEEDS_NESTOR();
	NEEDS_CONTROL_OFF(CONTROL_SET_PIN, PIN_EXT_INT_EXITING);
	start_there(beat);
	there.listens = true;
	go_there();
	apic_send(smp_apic_id(OTHER), APIC_ICR_ASSERT | VECTOR);
	EXPECT(await_beats(BEATS));
	EXPECT_EQ(irq_count_on(OTHER, VECTOR), 0);
	l2_arrive(there.l2);
	expect_robbed();
	EXPECT_EQ(irq_count_on(OTHER, VECTOR), 1);
	there.l2->launched = 1;
	expect_goes_on();
	EXPECT(vmx_smp_off(OTHER));
}

VMX_TEST(vmx_smp, an_event_is_injected_once, NEED_CPUS_2)
{
	/* Expect: of an entry that delivers an interrupt and is robbed later, nothing is left to
	 * deliver: L2's handler ran once, on CPU 1. */
	NEEDS_NESTOR();
	start_there(beat);
	l2_arrive(there.l2);
	vmx_write(VMCS_ENTRY_INTR_INFO, EXCEPTION_INFO(INTR_EXTERNAL, VECTOR));
	vmx_change(VMCS_GUEST_RFLAGS, RFLAGS_IF, 0);
	irq_set(VECTOR, IRQ_ACK_NONE, NULL);
	l2_clear(there.l2);
	go_there();
	EXPECT(await_beats(BEATS));
	l2_arrive(there.l2);
	expect_robbed();
	EXPECT_EQ(vmx_read(VMCS_ENTRY_INTR_INFO) & INTR_INFO_VALID, 0);
	there.l2->launched = 1;
	expect_goes_on();
	EXPECT_EQ(irq_count_sum(VECTOR), 1);
	EXPECT(vmx_smp_off(OTHER));
}

/* Take the VMCS back each time; what the host state has of this CPU's own is in it already. */
static void fight(void *unused)
{
	(void)unused;
	l2_arrive(there.l2);
	there.l2->launched = 1;
	for (u32 i = 0; i < 2 * STEALS; i++) {
		there.reason = l2_enter(there.l2);
		if (there.reason != INVALID)
			break;
		there.robberies++;
		l2_load(there.l2);
	}
}

VMX_TEST(vmx_smp, two_cpus_fight_for_a_vmcs, NEED_CPUS_2)
{
	/* Expect: CPU 0 takes it 20 times, CPU 1 takes it back each time and runs L2 to its end. */
	u32 taken = 0;

	NEEDS_NESTOR();
	start_there(beat);
	l2_arrive(there.l2);
	there.beats[1] = 1;
	EXPECT_EQ(l2_enter(there.l2), EXIT_VMCALL);
	there.beats[1] = 0;
	vmx_write(VMCS_GUEST_RIP, (u64)beat);
	there.robberies = 0;
	smp_start(OTHER, fight, NULL);
	while (taken < STEALS && await_beats(1)) {
		l2_load(there.l2);
		taken++;
	}
	there.beats[1] = 1;
	EXPECT(smp_finish(OTHER));
	EXPECT_EQ(there.reason, EXIT_VMCALL);
	EXPECT_EQ(taken, STEALS);
	EXPECT_EQ(there.robberies, STEALS);
	EXPECT(vmx_smp_off(OTHER));
}

VMX_TEST(vmx_smp, vmclear_reaches_a_vmcs_that_is_current_elsewhere, NEED_CPUS_2)
{
	/* Expect: what CPU 1 wrote is in it, and CPU 1 has none. */
	NEEDS_NESTOR();
	start_there(beat);
	there.beats[1] = 1;
	EXPECT(smp_run(OTHER, run_there, NULL));
	EXPECT_EQ(there.reason, EXIT_VMCALL);
	EXPECT_EQ(there.pointer, there.l2->vmcs);
	l2_clear(there.l2);
	l2_arrive(there.l2);
	EXPECT_FIELD(GUEST_RIP, (u64)beat_end);
	EXPECT_EQ(l2_enter(there.l2), EXIT_VMCALL);
	EXPECT(vmx_smp_off(OTHER));
}
