/* SPDX-License-Identifier: MIT */
/* HLT, and the one instruction after STI and MOV SS that interrupts do not get between. */
#include "hv/msr_index.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/ioapic.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/pit.h"
#include "tests/guest/lib/smp.h"

#define VECTOR 0x51u
#define TICKS  20000u
#define NAPS   50u
#define NET    0x52u /* the vector of what ends a halt that should have ended before */

/* Labels inside the tests' assembly, to compare RIP with. */
extern const char hlt_after_hlt[], hlt_after_shadow[], hlt_after_popf[], hlt_after_ss[],
	hlt_after_idle_hlt[], hlt_after_stepped[], hlt_after_icr[];

static u64 rip;

/* The PIT, 54 ms away: a lost wake-up is then a failure and no hang. Without I/O APIC or PIT the
 * run's time limit tells. */
static void spread_net(void)
{
	if (machine_lacks(NEED_IOAPIC | NEED_PIT))
		return;
	ioapic_set(IOAPIC_PIN_TIMER, apic_id(), NET);
	pit_program(0, PIT_MODE_0, 0xffff);
}

static void note_rip(struct trap_frame *frame)
{
	rip = frame->rip;
}

MACHINE_TEST(hlt, sti_protects_the_halt, NEED_APIC)
{
	/* Expect: an interrupt that is pending before STI; HLT is taken after HLT, never between
	 * the two: so it wakes the CPU. */
	irq_set(VECTOR, IRQ_ACK_APIC, note_rip);
	spread_net();
	apic_self_ipi(VECTOR);
	__asm__ volatile("sti; hlt; hlt_after_hlt: cli" ::: "memory");
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT_EQ(rip, hlt_after_hlt);
	EXPECT_EQ(irq_count(NET), 0);
}

MACHINE_TEST(hlt, sti_protects_one_instruction, NEED_APIC)
{
	/* Expect: the pending interrupt is taken after the NOP behind STI, not after two. */
	irq_set(VECTOR, IRQ_ACK_APIC, note_rip);
	apic_self_ipi(VECTOR);
	__asm__ volatile("sti; nop; hlt_after_shadow: nop; nop; cli" ::: "memory");
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT_EQ(rip, hlt_after_shadow);
}

MACHINE_TEST(hlt, sti_and_cli_let_nothing_in, NEED_APIC)
{
	/* Expect: STI; CLI opens no window at all. */
	apic_self_ipi(VECTOR);
	__asm__ volatile("sti; cli; nop; nop" ::: "memory");
	EXPECT_EQ(irq_count(VECTOR), 0);
	EXPECT(apic_vector_bit(APIC_IRR, VECTOR));
	irq_window();
	EXPECT_EQ(irq_count(VECTOR), 1);
}

MACHINE_TEST(hlt, popf_protects_nothing, NEED_APIC)
{
	/* Expect: with IF set by POPF the interrupt is taken before the next instruction. */
	irq_set(VECTOR, IRQ_ACK_APIC, note_rip);
	apic_self_ipi(VECTOR);
	__asm__ volatile(
		"pushfq; orq %0, (%%rsp); popfq; hlt_after_popf: nop; nop; cli" ::"i"(RFLAGS_IF)
		: "cc", "memory");
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT_EQ(rip, hlt_after_popf);
}

MACHINE_TEST(hlt, mov_ss_protects_one_instruction, NEED_APIC)
{
	/* Expect: STI's shadow covers MOV SS, and that one's the NOP behind it. */
	irq_set(VECTOR, IRQ_ACK_APIC, note_rip);
	apic_self_ipi(VECTOR);
	__asm__ volatile("sti; mov %w0, %%ss; nop; hlt_after_ss: nop; nop; cli" ::"r"(KERNEL_DS)
			 : "memory");
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT_EQ(rip, hlt_after_ss);
}

static void arm_timer(u32 ticks)
{
	apic_write(APIC_LVT_TIMER, APIC_TIMER_ONE | VECTOR);
	apic_write(APIC_TIMER_INITIAL, ticks);
}

MACHINE_TEST(hlt, timer_wakes, NEED_APIC)
{
	/* Expect: HLT with IF = 1 lasts until the timer's interrupt, and ends after it. */
	irq_set(VECTOR, IRQ_ACK_APIC, note_rip);
	spread_net();
	arm_timer(10 * TICKS);
	__asm__ volatile("sti; hlt; hlt_after_idle_hlt: cli" ::: "memory");
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT_EQ(rip, hlt_after_idle_hlt);
	EXPECT_EQ(apic_read(APIC_TIMER_CURRENT), 0);
	EXPECT_EQ(irq_count(NET), 0);
}

MACHINE_TEST(hlt, every_interrupt_ends_one_halt, NEED_APIC)
{
	/* Expect: fifty naps, fifty interrupts. */
	for (u32 i = 1; i <= NAPS; i++) {
		spread_net();
		arm_timer(TICKS);
		__asm__ volatile("sti; hlt; cli" ::: "memory");
		if (irq_count(VECTOR) != i) {
			EXPECT_EQ(irq_count(VECTOR), i);
			return;
		}
	}
}

MACHINE_TEST(hlt, deadline_wakes, NEED_APIC | NEED_DEADLINE)
{
	/* Expect: the TSC-deadline timer ends HLT, not before its time. */
	u64 deadline = rdtsc() + 10 * TICKS;

	spread_net();
	apic_write(APIC_LVT_TIMER, APIC_TIMER_TSC | VECTOR);
	__asm__ volatile("mfence" ::: "memory");
	wrmsr(MSR_IA32_TSC_DEADLINE, deadline);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT(rdtsc() >= deadline);
	EXPECT_EQ(irq_count(NET), 0);
}

MACHINE_TEST(hlt, pit_wakes_through_ioapic, NEED_IOAPIC | NEED_PIT)
{
	/* Expect: a device's interrupt ends HLT; the local timer stands by, a second later. */
	ioapic_set(IOAPIC_PIN_TIMER, apic_id(), VECTOR);
	pit_program(0, PIT_MODE_0, (u16)(PIT_HZ / 1000));
	apic_write(APIC_LVT_TIMER, APIC_TIMER_ONE | (VECTOR + 1));
	apic_write(APIC_TIMER_INITIAL, 0x80000000);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT_EQ(irq_count(VECTOR + 1), 0);
}

static bool pit_nmi_works(void)
{
	u64 start = rdtsc(), limit = 50 * pit_ticks_per_ms();
	u32 before = irq_count(VECTOR_NMI);

	ioapic_set(IOAPIC_PIN_TIMER, apic_id(), IOAPIC_NMI);
	pit_program(0, PIT_MODE_0, 100);
	while (irq_count(VECTOR_NMI) == before && rdtsc() - start < limit)
		cpu_pause();
	return irq_count(VECTOR_NMI) > before;
}

MACHINE_TEST(hlt, nmi_wakes_with_interrupts_off, NEED_IOAPIC | NEED_PIT)
{
	/* Expect: HLT with IF = 0 goes on after an NMI; a fixed interrupt, which is pending all the
	 * time, does not wake it and stays pending. */
	u32 before;

	/* Nothing else would wake this CPU. */
	if (!pit_nmi_works()) {
		EXPECT(irq_count(VECTOR_NMI) != 0);
		return;
	}
	before = irq_count(VECTOR_NMI);
	apic_self_ipi(VECTOR);
	/* Again and again: should the first be lost, the next is its safety net. */
	pit_program(0, PIT_MODE_2, (u16)(PIT_HZ / 1000));
	__asm__ volatile("cli; hlt" ::: "memory");
	pit_stop(0);
	EXPECT(irq_count(VECTOR_NMI) > before);
	EXPECT_EQ(irq_count(VECTOR), 0);
	irq_window();
	EXPECT_EQ(irq_count(VECTOR), 1);
}

MACHINE_TEST(hlt, held_interrupt_does_not_wake, NEED_APIC)
{
	/* Expect: a vector that CR8 holds back leaves the CPU halted; the timer's, above it, ends
	 * the halt. */
	spread_net();
	write_cr8(8);
	apic_self_ipi(VECTOR);
	apic_write(APIC_LVT_TIMER, APIC_TIMER_ONE | 0xa1);
	apic_write(APIC_TIMER_INITIAL, TICKS);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	EXPECT_EQ(irq_count(0xa1), 1);
	EXPECT_EQ(irq_count(VECTOR), 0);
	write_cr8(0);
	irq_window();
	EXPECT_EQ(irq_count(VECTOR), 1);
	EXPECT_EQ(irq_count(NET), 0);
}

static u32 steps, interrupts_before_step;

/* One step, and on without them. */
static bool end_step(struct trap_frame *frame)
{
	steps++;
	rip = frame->rip;
	interrupts_before_step = irq_count(VECTOR);
	frame->rflags &= ~(u64)RFLAGS_TF;
	return true;
}

MACHINE_TEST(hlt, single_step_ends_the_halt, NEED_IOAPIC | NEED_PIT | NEED_NOT_BOCHS)
{
	/* Expect: HLT under RFLAGS.TF is done at once, and #DB comes behind it. Bochs 2.7 halts and
	 * gives the #DB when an interrupt has ended that. */
	steps = 0;
	spread_net();
	trap_set_handler(VECTOR_DB, end_step);
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq; hlt; hlt_after_stepped: cli" ::"i"(
				 RFLAGS_TF | RFLAGS_IF)
			 : "cc", "memory");
	trap_set_handler(VECTOR_DB, NULL);
	EXPECT_EQ(steps, 1);
	EXPECT_EQ(rip, hlt_after_stepped);
	EXPECT_EQ(irq_count(NET), 0);
	write_dr6(0);
}

MACHINE_TEST(hlt, single_step_comes_before_an_interrupt, NEED_XAPIC)
{
	/* Expect: of the #DB behind an instruction and the interrupt that it made, #DB goes first
	 * (SDM: "Priority Among Concurrent Events"). */
	steps = 0;
	trap_set_handler(VECTOR_DB, end_step);
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq\n\t"
			 "movl %1, (%2)\n\t"
			 "hlt_after_icr: nop; nop; cli" ::"i"(RFLAGS_TF | RFLAGS_IF),
			 "r"(APIC_ICR_SELF | APIC_ICR_FIXED | APIC_ICR_ASSERT | VECTOR),
			 "r"(APIC_DEFAULT_BASE + APIC_ICR)
			 : "cc", "memory");
	trap_set_handler(VECTOR_DB, NULL);
	EXPECT_EQ(steps, 1);
	EXPECT_EQ(rip, hlt_after_icr);
	EXPECT_EQ(interrupts_before_step, 0);
	EXPECT(irq_wait(VECTOR, 1));
	EXPECT_EQ(irq_count(VECTOR), 1);
	write_dr6(0);
}
