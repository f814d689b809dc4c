/* SPDX-License-Identifier: MIT */
/* Interrupts from CPU to CPU by the ICR: destinations, shorthands, and NMIs. */
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/smp.h"

#define VECTOR    0x71u
#define NOBODY    0xeeu
#define SIMPLE    (APIC_ICR_FIXED | APIC_ICR_ASSERT | VECTOR)
#define NMI_STORM 50u
#define NMI_APART 100u /* turns between two NMIs: a CPU does not merge them, a slow exit may */

/* VECTOR has arrived this often on each CPU but the first, and on that one self times. */
static void expect_counts(u32 others, u32 self)
{
	irq_listen(IRQ_QUIET);
	for (u32 cpu = 1; cpu < smp_count(); cpu++) {
		irq_wait_on(cpu, VECTOR, others);
		EXPECT_EQ(irq_count_on(cpu, VECTOR), others);
	}
	EXPECT_EQ(irq_count_on(0, VECTOR), self);
}

/* A bit for each of the first eight CPUs; the others are nobody's logical destination. */
static void set_logical(void *model)
{
	u32 cpu = cpu_index();

	if (apic_is_x2apic())
		return;
	apic_write(APIC_DFR, *(const u32 *)model);
	apic_write(APIC_LDR, cpu < 8 ? 1u << (24 + cpu) : 0);
}

static bool set_logical_everywhere(u32 model)
{
	bool all = true;

	set_logical(&model);
	for (u32 cpu = 1; cpu < smp_count(); cpu++)
		all &= smp_run(cpu, set_logical, &model);
	return all;
}

/* The logical destination of CPUs 0 to 3 by bits, as set_logical() or the x2APIC's ID has it. */
static u32 logical(u32 cpus)
{
	u32 destination = 0;

	if (!apic_is_x2apic())
		return cpus;
	for (u32 cpu = 0; cpu < smp_count() && cpu < 4; cpu++) {
		if (cpus & BIT(cpu))
			destination |=
				(smp_apic_id(cpu) >> 4) << 16 | 1u << (smp_apic_id(cpu) & 0xf);
	}
	return destination;
}

APIC_TEST(ipi_to_own_id, 0)
{
	/* Expect: physical destination mode reaches the sender itself by its ID. */
	apic_send(apic_id(), SIMPLE);
	EXPECT(irq_wait(VECTOR, 1));
	EXPECT_EQ(irq_count_sum(VECTOR), 1);
}

APIC_TEST(ipi_shorthand_self, 0)
{
	/* Expect: this CPU only, whatever the destination field says. */
	apic_send(NOBODY, APIC_ICR_SELF | SIMPLE);
	EXPECT(irq_wait(VECTOR, 1));
	EXPECT_EQ(irq_count_sum(VECTOR), 1);
}

APIC_TEST(ipi_to_nobody, 0)
{
	/* Expect: an ID that no CPU has: sending ends, nothing arrives. */
	apic_send(NOBODY, SIMPLE);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count_sum(VECTOR), 0);
}

APIC_TEST(ipi_to_one_other, NEED_CPUS_2)
{
	/* Expect: each other CPU, alone, by its ID. */
	for (u32 cpu = 1; cpu < smp_count(); cpu++) {
		apic_send(smp_apic_id(cpu), SIMPLE);
		EXPECT(irq_wait_on(cpu, VECTOR, 1));
		EXPECT_EQ(irq_count_sum(VECTOR), cpu);
	}
}

APIC_TEST(ipi_shorthand_others, NEED_CPUS_2)
{
	/* Expect: every other CPU once, this one not. */
	apic_send(0, APIC_ICR_OTHERS | SIMPLE);
	expect_counts(1, 0);
}

APIC_TEST(ipi_shorthand_all, NEED_CPUS_2)
{
	/* Expect: every CPU once. */
	apic_send(0, APIC_ICR_ALL | SIMPLE);
	expect_counts(1, 1);
}

APIC_TEST(ipi_broadcast_destination, NEED_CPUS_2)
{
	/* Expect: the physical destination of all ones is every CPU. */
	apic_send(apic_is_x2apic() ? ~0u : 0xff, SIMPLE);
	expect_counts(1, 1);
}

APIC_TEST(ipi_logical_to_one, NEED_CPUS_2)
{
	/* Expect: one bit of the logical destination reaches one CPU, another or the sender. */
	EXPECT(set_logical_everywhere(APIC_DFR_FLAT));
	apic_send(logical(2), APIC_ICR_LOGICAL | SIMPLE);
	EXPECT(irq_wait_on(1, VECTOR, 1));
	EXPECT_EQ(irq_count_sum(VECTOR), 1);
	apic_send(logical(1), APIC_ICR_LOGICAL | SIMPLE);
	EXPECT(irq_wait(VECTOR, 1));
	EXPECT_EQ(irq_count_sum(VECTOR), 2);
}

APIC_TEST(ipi_logical_to_two, NEED_CPUS_2)
{
	/* Expect: two bits reach two CPUs. */
	EXPECT(set_logical_everywhere(APIC_DFR_FLAT));
	apic_send(logical(3), APIC_ICR_LOGICAL | SIMPLE);
	EXPECT(irq_wait(VECTOR, 1));
	EXPECT(irq_wait_on(1, VECTOR, 1));
	EXPECT_EQ(irq_count_sum(VECTOR), 2);
}

APIC_TEST(ipi_lowest_priority_reaches_one, NEED_CPUS_2)
{
	/* Expect: of two CPUs exactly one; the one with the lower task priority where they differ.
	 */
	EXPECT(set_logical_everywhere(APIC_DFR_FLAT));
	write_cr8(4);
	apic_send(logical(3), APIC_ICR_LOWEST | APIC_ICR_LOGICAL | APIC_ICR_ASSERT | VECTOR);
	EXPECT(irq_wait_on(1, VECTOR, 1));
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count_sum(VECTOR), 1);
	write_cr8(0);
}

MACHINE_TEST(apic, ipi_logical_cluster, NEED_XAPIC | NEED_CPUS_2)
{
	/* Expect: with the cluster model in DFR, cluster and bit both must match; cluster 15 with
	 * all bits is everybody. */
	EXPECT(set_logical_everywhere(APIC_DFR_CLUSTER));
	apic_send(0x02, APIC_ICR_LOGICAL | SIMPLE);
	EXPECT(irq_wait_on(1, VECTOR, 1));
	apic_send(0x12, APIC_ICR_LOGICAL | SIMPLE);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count_sum(VECTOR), 1);
	apic_send(0xff, APIC_ICR_LOGICAL | SIMPLE);
	EXPECT(irq_wait(VECTOR, 1));
	EXPECT(irq_wait_on(1, VECTOR, 2));
	EXPECT(set_logical_everywhere(APIC_DFR_FLAT));
}

APIC_TEST(ipi_logical_to_nobody, NEED_CPUS_2)
{
	/* Expect: a logical destination that matches no CPU reaches none. */
	EXPECT(set_logical_everywhere(APIC_DFR_FLAT));
	apic_send(0, APIC_ICR_LOGICAL | SIMPLE);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count_sum(VECTOR), 0);
}

APIC_TEST(nmi_to_self_ignores_the_interrupt_flag, 0)
{
	/* Expect: with IF = 0, an NMI at once, once. */
	apic_send(apic_id(), APIC_ICR_NMI | APIC_ICR_ASSERT);
	EXPECT(irq_wait_on(0, VECTOR_NMI, 1));
	EXPECT_EQ(irq_count(VECTOR_NMI), 1);
	EXPECT(apic_is_clear(APIC_ISR));
}

APIC_TEST(nmi_ignores_vector_and_priority, 0)
{
	/* Expect: the vector field and CR8 15 do not matter: it is vector 2. */
	write_cr8(15);
	apic_send(apic_id(), APIC_ICR_NMI | APIC_ICR_ASSERT | VECTOR);
	EXPECT(irq_wait_on(0, VECTOR_NMI, 1));
	EXPECT_EQ(irq_count(VECTOR), 0);
	write_cr8(0);
}

static u32 nmis_inside;

static void nmi_again(struct trap_frame *frame)
{
	(void)frame;
	if (irq_count(VECTOR_NMI) != 1)
		return;
	apic_send(apic_id(), APIC_ICR_NMI | APIC_ICR_ASSERT);
	apic_send(apic_id(), APIC_ICR_NMI | APIC_ICR_ASSERT);
	for (u32 i = 0; i < 1000; i++)
		cpu_pause();
	nmis_inside = irq_count(VECTOR_NMI);
}

APIC_TEST(nmi_is_blocked_until_iret, 0)
{
	/* Expect: NMIs sent inside an NMI's handler wait for its IRET; two of them are one. */
	nmis_inside = 0;
	irq_set(VECTOR_NMI, IRQ_ACK_NONE, nmi_again);
	apic_send(apic_id(), APIC_ICR_NMI | APIC_ICR_ASSERT);
	EXPECT(irq_wait_on(0, VECTOR_NMI, 2));
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(nmis_inside, 1);
	EXPECT_EQ(irq_count(VECTOR_NMI), 2);
}

APIC_TEST(nmi_to_another_cpu, NEED_CPUS_2)
{
	/* Expect: only that CPU, as often as it is sent and awaited. */
	for (u32 i = 1; i <= NMI_STORM; i++) {
		apic_send(smp_apic_id(1), APIC_ICR_NMI | APIC_ICR_ASSERT);
		if (!irq_wait_on(1, VECTOR_NMI, i))
			break;
	}
	EXPECT_EQ(irq_count_on(1, VECTOR_NMI), NMI_STORM);
	EXPECT_EQ(irq_count_sum(VECTOR_NMI), NMI_STORM);
}

static u32 nmi_round, nmi_rounds_done;

static void nmi_each_round(void *argument)
{
	(void)argument;
	for (u32 i = 1; i <= NMI_STORM; i++) {
		while (__atomic_load_n(&nmi_round, __ATOMIC_ACQUIRE) < i)
			cpu_pause();
		for (u32 turn = 0; turn < NMI_APART; turn++)
			cpu_pause();
		apic_send(smp_apic_id(0), APIC_ICR_NMI | APIC_ICR_ASSERT);
		__atomic_store_n(&nmi_rounds_done, i, __ATOMIC_RELEASE);
	}
}

APIC_TEST(nmis_from_two_cpus_are_two, NEED_CPUS_2)
{
	bool all = true;

	/* Expect: a CPU that takes one NMI holds another: none of two from two senders is lost. */
	nmi_round = nmi_rounds_done = 0;
	smp_start(1, nmi_each_round, NULL);
	for (u32 i = 1; i <= NMI_STORM; i++) {
		__atomic_store_n(&nmi_round, i, __ATOMIC_RELEASE);
		apic_send(apic_id(), APIC_ICR_NMI | APIC_ICR_ASSERT);
		while (__atomic_load_n(&nmi_rounds_done, __ATOMIC_ACQUIRE) < i)
			cpu_pause();
		all = all && irq_wait_on(0, VECTOR_NMI, 2 * i);
	}
	EXPECT(smp_finish(1));
	EXPECT_EQ(irq_count(VECTOR_NMI), 2 * NMI_STORM);
}

APIC_TEST(nmi_to_all_others, NEED_CPUS_2)
{
	/* Expect: each other CPU once. */
	apic_send(0, APIC_ICR_OTHERS | APIC_ICR_NMI | APIC_ICR_ASSERT);
	for (u32 cpu = 1; cpu < smp_count(); cpu++)
		EXPECT(irq_wait_on(cpu, VECTOR_NMI, 1));
	EXPECT_EQ(irq_count_sum(VECTOR_NMI), smp_count() - 1);
}

APIC_TEST(software_disabled_apic_still_takes_nmi, 0)
{
	/* Expect: with SVR's enable bit clear an NMI to itself arrives. */
	apic_write(APIC_SVR, APIC_SPURIOUS);
	apic_send(apic_id(), APIC_ICR_NMI | APIC_ICR_ASSERT);
	EXPECT(irq_wait_on(0, VECTOR_NMI, 1));
}

APIC_TEST(software_disabled_apic_takes_no_interrupt, NEED_NOT_BOCHS)
{
	/* Expect: with SVR's enable bit clear a fixed interrupt is not accepted. Bochs 2.7 accepts
	 * it. */
	apic_write(APIC_SVR, APIC_SPURIOUS);
	apic_self_ipi(VECTOR);
	EXPECT(!apic_vector_bit(APIC_IRR, VECTOR));
	apic_write(APIC_SVR, APIC_SVR_ENABLED | APIC_SPURIOUS);
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(VECTOR), 0);
}
