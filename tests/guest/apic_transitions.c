/* SPDX-License-Identifier: MIT */
/* What a change of the local APIC's mode or place does with interrupts that wait or are in service.
 * Each test ends in the mode in which it began. */
#include "hv/cpuid.h"
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/smp.h"

#define LOW         0x41u
#define HIGH        0x91u
#define OTHER_PLACE 0xfed20000ULL
#define SPURIOUS_ON (APIC_SVR_ENABLED | APIC_SPURIOUS)
#define BASE_FLAGS  ((u64)(APIC_BASE_ENABLED | APIC_BASE_X2APIC))
#define ROUNDS      20u

static volatile u32 *at(u64 base, u32 reg)
{
	return (volatile u32 *)(base + reg);
}

static void set_mode(u64 flags)
{
	wrmsr(MSR_IA32_APIC_BASE, (rdmsr(MSR_IA32_APIC_BASE) & ~BASE_FLAGS) | flags);
	apic_find_mode();
}

static void back_to_xapic(void)
{
	set_mode(0);
	set_mode(APIC_BASE_ENABLED);
	apic_reset();
}

APIC_TEST(pending_outlasts_a_software_disable, 0)
{
	/* Expect: a vector that waits in IRR while SVR's enable bit goes and comes is taken, once.
	 */
	apic_self_ipi(LOW);
	apic_write(APIC_SVR, APIC_SPURIOUS);
	EXPECT(apic_vector_bit(APIC_IRR, LOW));
	apic_write(APIC_SVR, SPURIOUS_ON);
	EXPECT(apic_vector_bit(APIC_IRR, LOW));
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(LOW), 1);
}

static void disable_and_enable(struct trap_frame *frame)
{
	(void)frame;
	apic_write(APIC_SVR, APIC_SPURIOUS);
	apic_self_ipi(HIGH);
	apic_write(APIC_SVR, SPURIOUS_ON);
}

APIC_TEST(service_outlasts_a_software_disable, NEED_NOT_BOCHS)
{
	/* Expect: what is in service stays so until its EOI; what comes while the APIC is disabled
	 * is lost. (Bochs 2.7 takes it.) */
	irq_set(LOW, IRQ_ACK_APIC, disable_and_enable);
	for (u32 i = 1; i <= ROUNDS; i++) {
		apic_self_ipi(LOW);
		irq_window();
	}
	EXPECT_EQ(irq_count(LOW), ROUNDS);
	EXPECT_EQ(irq_count(HIGH), 0);
	EXPECT(apic_is_clear(APIC_ISR));
	EXPECT(apic_is_clear(APIC_IRR));
}

static void enter_x2apic(struct trap_frame *frame)
{
	(void)frame;
	apic_self_ipi(HIGH);
	set_mode(BASE_FLAGS);
}

MACHINE_TEST(apic, x2apic_keeps_pending_and_service, NEED_XAPIC | NEED_NOT_BOCHS)
{
	/* Expect: from xAPIC to x2APIC mode in a handler: its service ends by MSR, the vector that
	 * waited is taken. (Bochs 2.7 has no way back.) */
	if (!apic_has_x2apic())
		SKIP("no x2APIC mode in CPUID");
	irq_set(LOW, IRQ_ACK_NONE, enter_x2apic);
	apic_self_ipi(LOW);
	irq_window();
	EXPECT(apic_is_x2apic());
	EXPECT(apic_vector_bit(APIC_ISR, LOW));
	EXPECT_EQ(irq_count(HIGH), 1);
	EXPECT(!apic_vector_bit(APIC_ISR, HIGH));
	apic_eoi();
	EXPECT(apic_is_clear(APIC_ISR));
	apic_self_ipi(LOW + 1);
	irq_window();
	EXPECT_EQ(irq_count(LOW + 1), 1);
	back_to_xapic();
}

MACHINE_TEST(apic, disabled_apic_forgets, NEED_XAPIC | NEED_NOT_BOCHS)
{
	/* Expect: without EN, CPUID has no APIC; after EN nothing waits, nothing is in service, SVR
	 * is as after reset; and it works again. (Bochs 2.7 has no way back.) */
	apic_self_ipi(HIGH);
	set_mode(0);
	EXPECT_EQ(cpuid(1, 0).edx & CPUID_1_EDX_APIC, 0);
	set_mode(APIC_BASE_ENABLED);
	EXPECT(cpuid(1, 0).edx & CPUID_1_EDX_APIC);
	EXPECT(apic_is_clear(APIC_IRR));
	EXPECT_EQ(apic_read(APIC_SVR), 0xff);
	apic_reset();
	irq_listen(IRQ_QUIET);
	EXPECT_EQ(irq_count(HIGH), 0);
	apic_self_ipi(LOW);
	EXPECT(irq_wait(LOW, 1));
}

MACHINE_TEST(apic, memory_is_empty_where_no_apic_is, NEED_XAPIC | NEED_NOT_BOCHS)
{
	/* Expect: under Nestor, all ones at FEE00000h while the APIC is disabled, in x2APIC mode,
	 * or elsewhere; its registers when it is back. */
	u64 flags = rdmsr(MSR_IA32_APIC_BASE) & (BITS(11, 0));

	if (!nestor_is_present())
		SKIP("needs Nestor");
	set_mode(0);
	EXPECT_EQ(*at(APIC_DEFAULT_BASE, APIC_VERSION), ~0u);
	set_mode(APIC_BASE_ENABLED);
	EXPECT_EQ(*at(APIC_DEFAULT_BASE, APIC_VERSION), apic_read(APIC_VERSION));
	set_mode(BASE_FLAGS);
	*at(APIC_DEFAULT_BASE, APIC_TPR) = 0x50;
	EXPECT_EQ(*at(APIC_DEFAULT_BASE, APIC_VERSION), ~0u);
	EXPECT_EQ(apic_read(APIC_TPR), 0);
	back_to_xapic();
	wrmsr(MSR_IA32_APIC_BASE, OTHER_PLACE | flags);
	EXPECT_EQ(*at(APIC_DEFAULT_BASE, APIC_VERSION), ~0u);
	wrmsr(MSR_IA32_APIC_BASE, APIC_DEFAULT_BASE | flags);
	EXPECT(*at(APIC_DEFAULT_BASE, APIC_VERSION) != ~0u);
}

MACHINE_TEST(apic, moved_registers_work, NEED_XAPIC | NEED_NOT_BOCHS)
{
	/* Expect: at another address the same registers; a self-IPI and its EOI there; back at the
	 * old one nothing is lost. */
	u64 flags = rdmsr(MSR_IA32_APIC_BASE) & (BITS(11, 0));
	u32 version = apic_read(APIC_VERSION);

	irq_set(LOW, IRQ_ACK_NONE, NULL);
	wrmsr(MSR_IA32_APIC_BASE, OTHER_PLACE | flags);
	EXPECT_EQ(*at(OTHER_PLACE, APIC_VERSION), version);
	*at(OTHER_PLACE, APIC_ICR) = APIC_ICR_SELF | APIC_ICR_ASSERT | LOW;
	irq_window();
	EXPECT_EQ(irq_count(LOW), 1);
	EXPECT(*at(OTHER_PLACE, APIC_ISR + LOW / 32 * 16) & BIT(LOW % 32));
	*at(OTHER_PLACE, APIC_EOI) = 0;
	EXPECT_EQ(*at(OTHER_PLACE, APIC_ISR + LOW / 32 * 16), 0);
	*at(OTHER_PLACE, APIC_ICR) = APIC_ICR_SELF | APIC_ICR_ASSERT | LOW;
	wrmsr(MSR_IA32_APIC_BASE, APIC_DEFAULT_BASE | flags);
	EXPECT(apic_vector_bit(APIC_IRR, LOW));
	irq_window();
	EXPECT_EQ(irq_count(LOW), 2);
	apic_eoi();
	EXPECT(apic_is_clear(APIC_ISR));
}

static u32 taken, unended, version_seen;

static void work_in_xapic(void *unused)
{
	(void)unused;
	taken = unended = 0;
	for (u32 i = 0; i < ROUNDS; i++) {
		apic_self_ipi(LOW);
		irq_window();
		unended += !apic_is_clear(APIC_ISR);
	}
	taken = irq_count(LOW);
	version_seen = *at(APIC_DEFAULT_BASE, APIC_VERSION);
}

MACHINE_TEST(apic, modes_are_each_cpus_own, NEED_XAPIC | NEED_CPUS_2 | NEED_NOT_BOCHS)
{
	/* Expect: while this CPU is in x2APIC mode, another one's registers are in memory as
	 * before; and they still are when it is back. (Bochs 2.7 has no way back.) */
	u32 version = apic_read(APIC_VERSION);

	if (!apic_has_x2apic())
		SKIP("no x2APIC mode in CPUID");
	set_mode(BASE_FLAGS);
	EXPECT(smp_run(1, work_in_xapic, NULL));
	EXPECT_EQ(taken, ROUNDS);
	EXPECT_EQ(unended, 0);
	EXPECT_EQ(version_seen, version);
	back_to_xapic();
	EXPECT(smp_run(1, work_in_xapic, NULL));
	EXPECT_EQ(taken, 2 * ROUNDS);
	EXPECT_EQ(version_seen, version);
	apic_self_ipi(HIGH);
	EXPECT(irq_wait(HIGH, 1));
}
