/* SPDX-License-Identifier: MIT */
/* Blocking by NMI: each CPU has its own, and INIT ends it. */
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/smp.h"

#define SETTLE_TICKS 1000000ULL /* far above what a CPU takes from SIPI to HLT */

static bool stop, listening, other_took_it;
static u32 nested;
static u64 beats;

static void send_nmi(u32 cpu)
{
	apic_send(smp_apic_id(cpu), APIC_ICR_NMI | APIC_ICR_ASSERT);
}

/* With exits in between, so that a hypervisor sees the CPU's state. */
static void listen_until_stopped(void *unused)
{
	(void)unused;
	WRITE_ONCE(listening, true);
	while (!READ_ONCE(stop)) {
		cpuid(0, 0);
		WRITE_ONCE(beats, beats + 1);
	}
}

/* The other CPU has run for a while. */
static void wait_for_beats(void)
{
	u64 start = rdtsc(), first = READ_ONCE(beats);

	while (READ_ONCE(beats) < first + 20 && rdtsc() - start < IRQ_WAIT_TICKS)
		cpu_pause();
}

/* On CPU 0: the handler asks for another one here and one there, and waits for the latter. */
static void wait_for_the_other(struct trap_frame *frame)
{
	(void)frame;
	if (cpu_index() != 0 || irq_count_on(0, VECTOR_NMI) != 1)
		return;
	send_nmi(0);
	for (u32 i = 1; i <= 3; i++) {
		wait_for_beats();
		send_nmi(1);
		other_took_it = irq_wait_on(1, VECTOR_NMI, i);
	}
	nested = irq_count_on(0, VECTOR_NMI);
}

MACHINE_TEST(nmi, handler_blocks_its_own_cpu_only, NEED_APIC | NEED_CPUS_2)
{
	/* Expect: while CPU 0 is in its handler, another NMI waits there; three for CPU 1 come one
	 * after the other. Afterwards the one that waited comes. */
	u64 start;

	stop = listening = other_took_it = false;
	nested = 0;
	irq_set(VECTOR_NMI, IRQ_ACK_NONE, wait_for_the_other);
	smp_start(1, listen_until_stopped, NULL);
	start = rdtsc();
	while (!READ_ONCE(listening) && rdtsc() - start < IRQ_WAIT_TICKS)
		cpu_pause();
	send_nmi(0);
	irq_wait_on(0, VECTOR_NMI, 2);
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	EXPECT(other_took_it);
	EXPECT_EQ(nested, 1);
	EXPECT_EQ(irq_count_on(0, VECTOR_NMI), 2);
	EXPECT_EQ(irq_count_on(1, VECTOR_NMI), 3);
}

static void stay_in_handler(struct trap_frame *frame)
{
	(void)frame;
	WRITE_ONCE(listening, true);
	while (cpu_index() == 1 && !READ_ONCE(stop))
		cpuid(0, 0);
}

static void go_on(void *unused)
{
	(void)unused;
}

MACHINE_TEST(nmi, init_ends_blocking, NEED_APIC | NEED_CPUS_2)
{
	/* Expect: a CPU that INIT took out of its handler gets the next NMI. */
	u64 start = rdtsc();

	stop = listening = false;
	irq_set(VECTOR_NMI, IRQ_ACK_NONE, stay_in_handler);
	send_nmi(1);
	while (!READ_ONCE(listening) && rdtsc() - start < IRQ_WAIT_TICKS)
		cpu_pause();
	EXPECT(listening);
	EXPECT(smp_restart(1, 0));
	irq_set(VECTOR_NMI, IRQ_ACK_NONE, NULL);
	/* Until it stands in HLT: a job would begin with an interrupt, whose IRET unblocks. */
	start = rdtsc();
	while (rdtsc() - start < SETTLE_TICKS)
		cpu_pause();
	send_nmi(1);
	EXPECT(irq_wait_on(1, VECTOR_NMI, 2));
	EXPECT(smp_run(1, go_on, NULL));
	WRITE_ONCE(stop, true);
}
