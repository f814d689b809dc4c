/* SPDX-License-Identifier: MIT */
/* vmx/lapic_lvt.c: local vectors by delivery mode, LINT pins, errors. */
#include "lapic_fixture.h"

static struct lapic_box box;

static u32 esr(struct lapic *lapic)
{
	lapic_write(lapic, LAPIC_ESR, 0, 0);
	return lapic_read(lapic, LAPIC_ESR, 0);
}

UNIT(local_vectors_deliver_by_their_mode)
{
	static const struct {
		u32 mode, events;
		bool interrupt;
	} expected[] = {
		{ APIC_FIXED, 0, true },
		{ APIC_LOWEST, 0, false },
		{ APIC_SMI, 0, false },
		{ APIC_RESERVED, 0, false },
		{ APIC_NMI, LAPIC_EVENT_NMI, false },
		{ APIC_INIT, LAPIC_EVENT_INIT, false },
		{ APIC_STARTUP, 0, false },
		{ APIC_EXTINT, 0, false },
	};

	for (u32 mode = 0; mode < 8; mode++)
		for (u32 masked = 0; masked < 2; masked++) {
			struct lapic *lapic = box_enabled(&box, 0);

			lapic_write(lapic, LAPIC_LVT_COUNTERS, mode << 8 | masked << 16 | 0x40, 0);
			lapic_local_interrupt(lapic, LAPIC_LVT_COUNTERS);
			assert_int_equal(lapic_collect(lapic), masked ? 0 : expected[mode].events);
			assert_int_equal(in_bitmap(lapic, LAPIC_IRR, 0x40),
					 !masked && expected[mode].interrupt);
		}
}

UNIT(pic_gets_through_by_extint_or_without_an_apic)
{
	struct lapic *lapic = box_enabled(&box, 0);

	assert_false(lapic_accepts_pic(lapic));
	lapic_write(lapic, LAPIC_LVT_LINT0, 0x700, 0);
	assert_true(lapic_accepts_pic(lapic));
	lapic_write(lapic, LAPIC_LVT_LINT0, 0x10700, 0);
	assert_false(lapic_accepts_pic(lapic));
	lapic_write(lapic, LAPIC_LVT_LINT0, 0x040, 0);
	assert_false(lapic_accepts_pic(lapic));
	lapic_write(lapic, LAPIC_LVT_LINT0, 0x700, 0);
	lapic_write(lapic, LAPIC_SVR, 0xff, 0);
	assert_false(lapic_accepts_pic(lapic));
	lapic_write_base(lapic, 0xfee00100);
	assert_true(lapic_accepts_pic(lapic));
}

UNIT(wired_lint_pins_are_as_firmware_leaves_them)
{
	struct lapic *lapic = box_create(&box, 0);

	assert_false(lapic_accepts_pic(lapic));
	lapic_wire_lint(lapic);
	assert_true(lapic_accepts_pic(lapic));
	lapic_set_lint(lapic, 1, true);
	assert_true(lapic_take_nmi(lapic));
	lapic_post(lapic, 0x40, APIC_EDGE);
	lapic_collect(lapic);
	assert_int_equal(lapic_pending_vector(lapic), 0x40);
}

UNIT(lint1_nmi_comes_with_the_rising_edge_only)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_write(lapic, LAPIC_LVT_LINT1, 0x400, 0);
	lapic_set_lint(lapic, 1, true);
	assert_true(lapic_take_nmi(lapic));
	lapic_set_lint(lapic, 1, true);
	assert_false(lapic_take_nmi(lapic));
	lapic_set_lint(lapic, 1, false);
	assert_false(lapic_take_nmi(lapic));
	lapic_set_lint(lapic, 1, true);
	assert_true(lapic_take_nmi(lapic));
}

UNIT(without_an_apic_lint1_is_the_nmi_pin)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_write_base(lapic, 0xfee00100);
	lapic_set_lint(lapic, 0, true);
	assert_false(lapic_take_nmi(lapic));
	lapic_set_lint(lapic, 1, true);
	assert_true(lapic_take_nmi(lapic));
}

UNIT(lint0_edge_interrupts_once_per_edge)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_write(lapic, LAPIC_LVT_LINT0, 0x45, 0);
	lapic_set_lint(lapic, 0, true);
	assert_int_equal(lapic_acknowledge(lapic, 0x45), 0x45);
	lapic_write(lapic, LAPIC_EOI, 0, 0);
	lapic_set_lint(lapic, 0, true);
	assert_int_equal(lapic_pending_vector(lapic), LAPIC_NO_VECTOR);
}

UNIT(lint0_level_comes_again_after_eoi_while_asserted)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_set_lint(lapic, 0, true);
	lapic_write(lapic, LAPIC_LVT_LINT0, 0x8045, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_LVT_LINT0, 0), 0xc045);
	assert_int_equal(lapic_acknowledge(lapic, 0x45), 0x45);
	lapic_set_lint(lapic, 0, true);
	assert_int_equal(lapic_highest_irr(lapic), LAPIC_NO_VECTOR);
	lapic_write(lapic, LAPIC_LVT_LINT0, 0x8045, 0); /* remote IRR is not software's */
	assert_int_equal(lapic_read(lapic, LAPIC_LVT_LINT0, 0), 0xc045);
	lapic_write(lapic, LAPIC_EOI, 0, 0);
	assert_int_equal(lapic_pending_vector(lapic), 0x45);
	lapic_acknowledge(lapic, 0x45);
	lapic_set_lint(lapic, 0, false);
	lapic_write(lapic, LAPIC_EOI, 0, 0);
	assert_int_equal(lapic_pending_vector(lapic), LAPIC_NO_VECTOR);
	assert_int_equal(lapic_read(lapic, LAPIC_LVT_LINT0, 0), 0x8045);
}

UNIT(lint1_knows_no_level)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_write(lapic, LAPIC_LVT_LINT1, 0x8045, 0);
	lapic_set_lint(lapic, 1, true);
	assert_int_equal(lapic_acknowledge(lapic, 0x45), 0x45);
	assert_false(in_bitmap(lapic, LAPIC_TMR, 0x45));
	assert_int_equal(lapic_write(lapic, LAPIC_EOI, 0, 0).kind, LAPIC_NOTHING);
	assert_int_equal(lapic_pending_vector(lapic), LAPIC_NO_VECTOR);
}

UNIT(an_error_interrupts_once_until_esr_is_written)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_write(lapic, LAPIC_LVT_ERROR, 0x99, 0);
	lapic_read(lapic, 0, 0);
	assert_int_equal(lapic_acknowledge(lapic, 0x99), 0x99);
	lapic_write(lapic, LAPIC_EOI, 0, 0);
	lapic_read(lapic, 0, 0);
	assert_int_equal(lapic_pending_vector(lapic), LAPIC_NO_VECTOR);
	assert_int_equal(esr(lapic), 0x80);
	lapic_read(lapic, 0, 0);
	assert_int_equal(lapic_pending_vector(lapic), 0x99);
}

UNIT(masked_error_vector_still_records)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_write(lapic, LAPIC_LVT_ERROR, 0x10099, 0);
	lapic_read(lapic, 0, 0);
	assert_int_equal(lapic_highest_irr(lapic), LAPIC_NO_VECTOR);
	assert_int_equal(esr(lapic), 0x80);
}

UNIT(illegal_error_vector_does_not_loop)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_write(lapic, LAPIC_LVT_ERROR, 0x05, 0);
	lapic_read(lapic, 0, 0);
	assert_int_equal(lapic_highest_irr(lapic), LAPIC_NO_VECTOR);
	assert_int_equal(esr(lapic), 0xc0);
}

UNIT(errors_gather_until_esr_is_written)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_read(lapic, 0, 0);
	lapic_write(lapic, LAPIC_ICR, 0x4003, 0);
	arrive(lapic, 3);
	assert_int_equal(lapic_read(lapic, LAPIC_ESR, 0), 0);
	assert_int_equal(esr(lapic), 0xe0);
	assert_int_equal(esr(lapic), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_vectors_deliver_by_their_mode),
		cmocka_unit_test(pic_gets_through_by_extint_or_without_an_apic),
		cmocka_unit_test(wired_lint_pins_are_as_firmware_leaves_them),
		cmocka_unit_test(lint1_nmi_comes_with_the_rising_edge_only),
		cmocka_unit_test(without_an_apic_lint1_is_the_nmi_pin),
		cmocka_unit_test(lint0_edge_interrupts_once_per_edge),
		cmocka_unit_test(lint0_level_comes_again_after_eoi_while_asserted),
		cmocka_unit_test(lint1_knows_no_level),
		cmocka_unit_test(an_error_interrupts_once_until_esr_is_written),
		cmocka_unit_test(masked_error_vector_still_records),
		cmocka_unit_test(illegal_error_vector_does_not_loop),
		cmocka_unit_test(errors_gather_until_esr_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
