/* SPDX-License-Identifier: MIT */
/* An interrupt for a CPU that is on its way into its guest: none may wait for the next exit. */
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/smp.h"

#define KICK     0x74u
#define FAR      1500u /* instructions: more than an IPI takes from its sender to its target */
#define SWEEPS   5u
#define DELAYS   200u      /* turns that a kick is held back */
#define PATIENCE 200000ULL /* ticks without an exit that the target waits: far more than that way */

static u32 round, ready, lost;
static bool stop;

/* So many instructions. */
static void wait_insns(u64 count)
{
	if (count)
		__asm__ volatile("1: loop 1b" : "+c"(count));
}

/* An exit, at a place that moves by one instruction a round; then nothing that exits. */
static void enter_and_listen(void *unused)
{
	u32 last = 0;

	(void)unused;
	while (!READ_ONCE(stop)) {
		u32 now = READ_ONCE(round);
		u64 start;

		if (now == last)
			continue;
		last = now;
		__asm__ volatile("sti");
		WRITE_ONCE(ready, now);
		wait_insns(now % FAR);
		cpuid(0, 0);
		start = rdtsc();
		while (irq_count(KICK) < now && rdtsc() - start < PATIENCE)
			cpu_pause();
		lost += irq_count(KICK) < now;
		__asm__ volatile("cli");
	}
}

/* Under Nestor with test calls, the kick itself is held back, step by step. */
static void delay_kicks(u64 turns)
{
	if (nestor_is_present())
		(void)nestor_call(NESTOR_CALL_KICK_DELAY, turns, 0, NULL);
}

static bool sweep(void)
{
	for (u32 i = 1; i <= SWEEPS * FAR; i++) {
		delay_kicks(i * 61 % DELAYS); /* in an order that shares no pace with the rounds */
		WRITE_ONCE(round, i);
		while (READ_ONCE(ready) != i)
			cpu_pause();
		apic_send(smp_apic_id(1), APIC_ICR_ASSERT | KICK);
		if (!irq_wait_on(1, KICK, i))
			return false;
	}
	delay_kicks(0);
	return true;
}

MACHINE_TEST(x2apic, kick_at_every_instruction_of_the_entry, NEED_CPUS_2 | NEED_X2APIC)
{
	/*
	 * Expect: an IPI that is sent while its target comes back from an exit arrives at once,
	 * wherever it meets the target's way: its place moves by an instruction a round. Where
	 * Nestor holds its kicks back (test_calls = on), some meet the gate, unless vCPUs share
	 * CPUs and so have turns instead of kicks. (A request that is
	 * set behind the gate's test, with its NMI before the entry, needs an NMI within three
	 * instructions: CPUs that run in step, as Bochs' do, never show that one.)
	 */
	u64 before = nestor_count(NESTOR_COUNTER_GATE_RESTARTS);

	round = ready = lost = 0;
	stop = false;
	smp_start(1, enter_and_listen, NULL);
	EXPECT(sweep());
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	EXPECT_EQ(irq_count_on(1, KICK), SWEEPS * FAR);
	EXPECT_EQ(lost, 0);
	if (nestor_has(NESTOR_CAP_TEST_CALLS) && !nestor_count(NESTOR_COUNTER_VCPU_SWITCHES))
		EXPECT(nestor_count(NESTOR_COUNTER_GATE_RESTARTS) > before);
}
