/* SPDX-License-Identifier: MIT */
/* vmx/lapic_msr.c: which MSRs exist, which sides of them, reserved bits, the 64-bit ICR, SELF IPI.
 */
#include "lapic_fixture.h"

static struct lapic_box box;

/* Expected faults of the whole range, row by row (SDM "x2APIC Register Address Space"). */
static bool is_readable(u32 offset)
{
	return offset == LAPIC_ID || offset == LAPIC_VERSION || offset == LAPIC_TPR ||
	       offset == LAPIC_PPR || offset == LAPIC_LDR || offset == LAPIC_SVR ||
	       (offset >= LAPIC_ISR && offset <= LAPIC_ESR) || offset == LAPIC_ICR ||
	       (offset >= LAPIC_LVT_TIMER && offset <= LAPIC_TMCCT) || offset == LAPIC_TDCR;
}

static bool is_writable(u32 offset)
{
	return offset == LAPIC_TPR || offset == LAPIC_EOI || offset == LAPIC_SVR ||
	       offset == LAPIC_ESR || offset == LAPIC_ICR ||
	       (offset >= LAPIC_LVT_TIMER && offset <= LAPIC_TMICT) || offset == LAPIC_TDCR ||
	       offset == LAPIC_SELF_IPI;
}

UNIT(each_msr_reads_and_writes_as_the_manual_lists_it)
{
	struct lapic *lapic = box_x2apic(&box, 1);
	u64 value;

	for (u32 msr = 0x7f0; msr <= 0x910; msr++) {
		u32 offset = (msr - 0x800) * 16;
		bool inside = msr >= 0x800 && msr <= 0x8ff;

		assert_int_equal(lapic_msr_read(lapic, msr, 0, &value),
				 inside && is_readable(offset));
		assert_int_equal(lapic_msr_write(lapic, msr, 0, 0).kind != LAPIC_FAULT,
				 inside && is_writable(offset));
	}
}

UNIT(nothing_is_there_outside_x2apic_mode)
{
	struct lapic *lapic = box_enabled(&box, 1);
	u64 value;

	for (u32 msr = 0x800; msr <= 0x8ff; msr++) {
		assert_false(lapic_msr_read(lapic, msr, 0, &value));
		assert_int_equal(lapic_msr_write(lapic, msr, 0, 0).kind, LAPIC_FAULT);
	}
}

UNIT(reserved_bits_fault_one_by_one)
{
	static const struct {
		u32 offset;
		u64 allowed;
	} expected[] = {
		{ LAPIC_TPR, 0xff },
		{ LAPIC_EOI, 0 },
		{ LAPIC_SVR, 0x3ff },
		{ LAPIC_ESR, 0 },
		{ LAPIC_ICR, 0xffffffff000cdfff },
		{ LAPIC_LVT_TIMER, 0x710ff },
		{ LAPIC_LVT_THERMAL, 0x117ff },
		{ LAPIC_LVT_COUNTERS, 0x117ff },
		{ LAPIC_LVT_LINT0, 0x1f7ff },
		{ LAPIC_LVT_LINT1, 0x1f7ff },
		{ LAPIC_LVT_ERROR, 0x110ff },
		{ LAPIC_TMICT, 0xffffffff },
		{ LAPIC_TDCR, 0xb },
		{ LAPIC_SELF_IPI, 0xff },
	};
	struct lapic *lapic = box_x2apic(&box, 1);

	for (u32 i = 0; i < ARRAY_SIZE(expected); i++)
		for (u32 bit = 0; bit < 64; bit++)
			assert_int_equal(msr_write(lapic, expected[i].offset, BIT(bit)) ==
						 LAPIC_FAULT,
					 !(expected[i].allowed & BIT(bit)));
}

UNIT(a_fault_changes_nothing)
{
	struct lapic *lapic = box_x2apic(&box, 1);

	arrive(lapic, 0x61);
	lapic_acknowledge(lapic, 0x61);
	assert_int_equal(msr_write(lapic, LAPIC_EOI, 1), LAPIC_FAULT);
	assert_int_equal(lapic_highest_isr(lapic), 0x61);
	assert_int_equal(msr_write(lapic, LAPIC_TPR, 0x120), LAPIC_FAULT);
	assert_int_equal(msr_read(lapic, LAPIC_TPR), 0);
	assert_int_equal(msr_write(lapic, LAPIC_EOI, 0), LAPIC_NOTHING);
	assert_int_equal(lapic_highest_isr(lapic), LAPIC_NO_VECTOR);
}

UNIT(ids_have_32_bits_and_the_logical_one_follows)
{
	static const struct {
		u32 id, ldr;
	} expected[] = { { 0, 0x1 }, { 15, 0x8000 }, { 16, 0x10001 }, { 0x123, 0x120008 } };

	for (u32 i = 0; i < ARRAY_SIZE(expected); i++) {
		struct lapic *lapic = box_x2apic(&box, expected[i].id);

		assert_int_equal(msr_read(lapic, LAPIC_ID), expected[i].id);
		assert_int_equal(msr_read(lapic, LAPIC_LDR), expected[i].ldr);
	}
}

UNIT(icr_is_one_register_of_64_bits)
{
	struct lapic *lapic = box_x2apic(&box, 1);
	struct lapic_effect effect = lapic_msr_write(lapic, MSR_X2APIC_ICR, 0x1234567800005840, 0);

	/* Bit 12, once delivery status, is ignored. */
	assert_true(msr_read(lapic, LAPIC_ICR) == 0x1234567800004840);
	assert_int_equal(page_word(lapic, LAPIC_ICR + 4), 0x12345678);
	assert_int_equal(effect.kind, LAPIC_SEND);
	assert_int_equal(effect.message.destination, 0x12345678);
	assert_true(effect.message.wide && effect.message.logical);
	assert_int_equal(effect.message.vector, 0x40);
}

UNIT(self_ipi_arrives_at_once)
{
	struct lapic *lapic = box_x2apic(&box, 1);

	assert_int_equal(msr_write(lapic, LAPIC_SELF_IPI, 0x45), LAPIC_NOTHING);
	assert_int_equal(lapic_pending_vector(lapic), 0x45);
	assert_int_equal(msr_write(lapic, LAPIC_SELF_IPI, 0x0f), LAPIC_NOTHING);
	msr_write(lapic, LAPIC_ESR, 0);
	assert_int_equal(msr_read(lapic, LAPIC_ESR), 0x20);
}

UNIT(a_self_ipi_that_the_cpu_stored_is_judged_like_one_written)
{
	struct lapic *lapic = box_x2apic(&box, 1);

	lapic->page[LAPIC_SELF_IPI / 4] = 0x0e;
	assert_int_equal(lapic_written(lapic, LAPIC_SELF_IPI, 0).kind, LAPIC_NOTHING);
	assert_int_equal(lapic_highest_irr(lapic), LAPIC_NO_VECTOR);
	msr_write(lapic, LAPIC_ESR, 0);
	assert_int_equal(msr_read(lapic, LAPIC_ESR), 0x20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_msr_reads_and_writes_as_the_manual_lists_it),
		cmocka_unit_test(nothing_is_there_outside_x2apic_mode),
		cmocka_unit_test(reserved_bits_fault_one_by_one),
		cmocka_unit_test(a_fault_changes_nothing),
		cmocka_unit_test(ids_have_32_bits_and_the_logical_one_follows),
		cmocka_unit_test(icr_is_one_register_of_64_bits),
		cmocka_unit_test(self_ipi_arrives_at_once),
		cmocka_unit_test(a_self_ipi_that_the_cpu_stored_is_judged_like_one_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
