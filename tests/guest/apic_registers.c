/* SPDX-License-Identifier: MIT */
/* The local APIC's registers, in both modes: what they hold, keep and refuse. */
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"

APIC_TEST(id_is_that_of_cpuid, 0)
{
	/* Expect: the ID register and CPUID name the same CPU. */
	EXPECT_EQ(apic_id(), apic_initial_id());
}

APIC_TEST(version_is_plausible, 0)
{
	/* Expect: an integrated APIC (10h to 15h) with four local vectors at least, reserved bits
	 * clear. */
	u32 version = apic_read(APIC_VERSION);

	EXPECT((version & 0xff) >= 0x10 && (version & 0xff) <= 0x15);
	EXPECT((version >> 16 & 0xff) >= 3);
	EXPECT_EQ(version & 0xff00, 0);
}

APIC_TEST(spurious_vector_register_reads_back, 0)
{
	/* Expect: vector and enable bit are kept, all eight bits of the vector can be written. */
	apic_write(APIC_SVR, APIC_SVR_ENABLED | 0xe7);
	EXPECT_EQ(apic_read(APIC_SVR) & 0x1ff, APIC_SVR_ENABLED | 0xe7);
	apic_write(APIC_SVR, 0xe8);
	EXPECT_EQ(apic_read(APIC_SVR) & 0x1ff, 0xe8);
}

APIC_TEST(software_disable_masks_local_vectors, 0)
{
	/* Expect: clearing SVR's enable bit sets the mask of each LVT entry; it cannot be cleared
	 * until the APIC is enabled, and enabling does not clear it. */
	apic_write(APIC_LVT_TIMER, 0x41);
	apic_write(APIC_LVT_ERROR, 0x42);
	apic_write(APIC_SVR, APIC_SPURIOUS);
	EXPECT_EQ(apic_read(APIC_LVT_TIMER), APIC_LVT_MASKED | 0x41);
	EXPECT_EQ(apic_read(APIC_LVT_ERROR), APIC_LVT_MASKED | 0x42);
	apic_write(APIC_LVT_ERROR, 0x43);
	EXPECT_EQ(apic_read(APIC_LVT_ERROR), APIC_LVT_MASKED | 0x43);
	apic_write(APIC_SVR, APIC_SVR_ENABLED | APIC_SPURIOUS);
	EXPECT_EQ(apic_read(APIC_LVT_ERROR), APIC_LVT_MASKED | 0x43);
	apic_write(APIC_LVT_ERROR, 0x43);
	EXPECT_EQ(apic_read(APIC_LVT_ERROR), 0x43);
}

APIC_TEST(local_vectors_read_back, 0)
{
	/* Expect: vector, mode and mask are kept; the delivery status is not writable. */
	static const u32 entries[] = { APIC_LVT_TIMER, APIC_LVT_LINT0, APIC_LVT_LINT1,
				       APIC_LVT_ERROR };

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		apic_write(entries[i], APIC_LVT_MASKED | 0x31);
		EXPECT_EQ(apic_read(entries[i]), APIC_LVT_MASKED | 0x31);
	}
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | APIC_TIMER_PERIOD | 0x32);
	EXPECT_EQ(apic_read(APIC_LVT_TIMER), APIC_LVT_MASKED | APIC_TIMER_PERIOD | 0x32);
	apic_write(APIC_LVT_LINT1, APIC_LVT_MASKED | APIC_ICR_NMI);
	EXPECT_EQ(apic_read(APIC_LVT_LINT1), APIC_LVT_MASKED | APIC_ICR_NMI);
}

APIC_TEST(timer_registers_read_back, 0)
{
	/* Expect: each divide value reads back; so does the initial count. */
	static const u32 divides[] = { 0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xa, 0xb };

	for (size_t i = 0; i < ARRAY_SIZE(divides); i++) {
		apic_write(APIC_TIMER_DIVIDE, divides[i]);
		EXPECT_EQ(apic_read(APIC_TIMER_DIVIDE), divides[i]);
	}
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | 0x31);
	apic_write(APIC_TIMER_INITIAL, 0x80000001);
	EXPECT_EQ(apic_read(APIC_TIMER_INITIAL), 0x80000001);
}

APIC_TEST(cr8_is_the_task_priority_class, 0)
{
	/* Expect: TPR 5Ah is CR8 5; CR8 9 is TPR 90h; both read back. */
	apic_write(APIC_TPR, 0x5a);
	EXPECT_EQ(apic_read(APIC_TPR), 0x5a);
	EXPECT_EQ(read_cr8(), 5);
	write_cr8(9);
	EXPECT_EQ(apic_read(APIC_TPR), 0x90);
	EXPECT_EQ(read_cr8(), 9);
	write_cr8(0);
}

APIC_TEST(cr8_reserved_bits_fault, 0)
{
	/* Expect: #GP(0) for bits above 3, and the priority stays. */
	struct trap trap;

	write_cr8(3);
	trap = TRAP_OF(write_cr8(0x10));
	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
	trap = TRAP_OF(write_cr8(BIT(63)));
	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(read_cr8(), 3);
	write_cr8(0);
}

APIC_TEST(processor_priority_follows_task_priority, 0)
{
	/* Expect: with nothing in service PPR is TPR, all eight bits. */
	static const u32 priorities[] = { 0x00, 0x0f, 0x20, 0x5a, 0xff };

	for (size_t i = 0; i < ARRAY_SIZE(priorities); i++) {
		apic_write(APIC_TPR, priorities[i]);
		EXPECT_EQ(apic_read(APIC_PPR), priorities[i]);
	}
}

APIC_TEST(quiet_apic_has_nothing_pending, 0)
{
	/* Expect: no bit in IRR and ISR, no error. */
	EXPECT(apic_is_clear(APIC_IRR));
	EXPECT(apic_is_clear(APIC_ISR));
	EXPECT_EQ(apic_errors(), 0);
}

APIC_TEST(eoi_with_nothing_in_service_is_harmless, 0)
{
	/* Expect: no error, nothing changes. */
	apic_eoi();
	EXPECT_EQ(apic_errors(), 0);
	EXPECT(apic_is_clear(APIC_ISR));
	EXPECT_EQ(apic_read(APIC_PPR), 0);
}

APIC_TEST(illegal_vector_is_an_error, 0)
{
	/* Expect: a self-IPI with vector 15 is not accepted; ESR says so, as sender, receiver or
	 * both; the next write clears it. (Bochs 2.7 sets the receiver's bit only.) */
	u32 errors;

	apic_self_ipi(0x0f);
	errors = apic_errors();
	EXPECT(errors & (APIC_ESR_SEND_VECTOR | APIC_ESR_RECEIVE_VECTOR));
	EXPECT_EQ(errors & ~(APIC_ESR_SEND_VECTOR | APIC_ESR_RECEIVE_VECTOR), 0);
	EXPECT(apic_is_clear(APIC_IRR));
	EXPECT_EQ(apic_errors(), 0);
}

APIC_TEST(error_shows_after_a_write_only, 0)
{
	/* Expect: ESR reads what it did until it is written. */
	apic_self_ipi(0x0f);
	EXPECT_EQ(apic_read(APIC_ESR), 0);
	EXPECT(apic_errors() != 0);
	EXPECT(apic_read(APIC_ESR) != 0);
}

APIC_TEST(error_interrupt_arrives, NEED_NOT_BOCHS)
{
	/* Expect: with LVT error open, an illegal vector raises its interrupt. Bochs 2.7 only notes
	 * the error. */
	apic_write(APIC_LVT_ERROR, 0x61);
	apic_self_ipi(0x0f);
	EXPECT(irq_wait(0x61, 1));
	EXPECT(apic_errors() != 0);
}
