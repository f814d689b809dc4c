/* SPDX-License-Identifier: MIT */
/* vmx/lapic_base.c: every transition between the four values of EN and EXTD, and what it leaves. */
#include "lapic_fixture.h"

#define ADDRESS 0xfee00000ULL

static struct lapic_box box;

enum { OFF, INVALID, XAPIC, X2APIC }; /* EN and EXTD as bits 11:10 */

static struct lapic *in_state(u32 state)
{
	struct lapic *lapic = state == X2APIC ? box_x2apic(&box, 3) : box_enabled(&box, 3);

	if (state == OFF)
		lapic_write_base(lapic, ADDRESS);
	return lapic;
}

UNIT(transitions_are_those_of_the_manual)
{
	/* Rows: from; columns: to off, invalid, xAPIC, x2APIC. No way leads into the invalid state.
	 */
	static const char *const may[] = {
		[OFF] = "y.y.", [INVALID] = "....", [XAPIC] = "y.yy", [X2APIC] = "y..y"
	};

	for (u64 from = 0; from < 4; from++)
		for (u64 to = 0; to < 4 && from != INVALID; to++) {
			struct lapic *lapic = in_state((u32)from);
			u64 base = lapic->base;
			bool allowed = may[from][to] == 'y';
			enum lapic_effect_kind expected = !allowed     ? LAPIC_FAULT
							  : from == to ? LAPIC_NOTHING
								       : LAPIC_MODE;

			assert_int_equal(base >> 10 & 3, from);
			assert_int_equal(lapic_write_base(lapic, ADDRESS | to << 10).kind,
					 expected);
			assert_int_equal(lapic->base, allowed ? ADDRESS | to << 10 : base);
		}
}

UNIT(reserved_bits_fault)
{
	for (u32 bit = 0; bit < 64; bit++) {
		struct lapic *lapic = in_state(XAPIC);
		bool reserved = bit < 8 || bit == 9 || bit >= 40;
		u64 value = lapic->base | BIT(bit);

		assert_int_equal(lapic_write_base(lapic, value).kind == LAPIC_FAULT, reserved);
	}
}

UNIT(page_moves_and_nothing_else_changes)
{
	struct lapic *lapic = in_state(XAPIC);

	arrive(lapic, 0x60);
	lapic_write(lapic, LAPIC_LDR, 0x55000000, 0);
	assert_int_equal(lapic_write_base(lapic, 0x12345000 | APIC_BASE_ENABLED).kind, LAPIC_MODE);
	assert_int_equal(lapic_mmio_page(lapic), 0x12345000);
	assert_int_equal(lapic_pending_vector(lapic), 0x60);
	assert_int_equal(lapic_read(lapic, LAPIC_LDR, 0), 0x55000000);
}

UNIT(boot_flag_is_softwares_to_change)
{
	struct lapic *lapic = in_state(XAPIC);

	assert_int_equal(lapic_write_base(lapic, lapic->base | APIC_BASE_BSP).kind, LAPIC_NOTHING);
	lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
	lapic_collect(lapic);
	assert_true(lapic_take_init(lapic));
	assert_false(lapic->waits_for_sipi);
}

UNIT(disabling_forgets_everything)
{
	for (u32 from = XAPIC; from <= X2APIC; from++) {
		struct lapic *lapic = in_state(from);

		arrive(lapic, 0x60);
		lapic_set_cr8(lapic, 5);
		assert_true(lapic_is_in_cpuid(lapic));
		lapic_write_base(lapic, ADDRESS);
		assert_false(lapic_is_in_cpuid(lapic));
		assert_true(lapic_mmio_page(lapic) == LAPIC_NEVER);
		assert_int_equal(lapic_pending_vector(lapic), LAPIC_NO_VECTOR);
		assert_true(lapic_timer_deadline(lapic, 0) == LAPIC_NEVER);
		arrive(lapic, 0x70);
		lapic_write_base(lapic, ADDRESS | APIC_BASE_ENABLED);
		assert_int_equal(lapic_read(lapic, LAPIC_ID, 0), 3u << 24);
		assert_int_equal(lapic_read(lapic, LAPIC_SVR, 0), 0xff);
		assert_int_equal(lapic_read(lapic, LAPIC_TPR, 0), 0);
		assert_int_equal(lapic_read(lapic, LAPIC_LDR, 0), 0);
		assert_int_equal(lapic_read(lapic, LAPIC_DFR, 0), 0xffffffff);
		assert_int_equal(lapic_highest_irr(lapic), LAPIC_NO_VECTOR);
	}
}

UNIT(a_running_timer_stops_with_the_apic)
{
	struct lapic *lapic = in_state(XAPIC);

	lapic_write(lapic, LAPIC_LVT_TIMER, 0x40, 0);
	lapic_write(lapic, LAPIC_TMICT, 100, 0);
	lapic_write_base(lapic, ADDRESS);
	assert_true(lapic_timer_deadline(lapic, 0) == LAPIC_NEVER);
	lapic_write_base(lapic, ADDRESS | APIC_BASE_ENABLED);
	assert_true(lapic_timer_deadline(lapic, 0) == LAPIC_NEVER);
}

UNIT(x2apic_keeps_what_xapic_had)
{
	struct lapic *lapic = in_state(XAPIC);

	arrive(lapic, 0x60);
	lapic_write(lapic, LAPIC_TPR, 0x20, 0);
	lapic_write(lapic, LAPIC_LVT_TIMER, 0x40, 0);
	lapic_write(lapic, LAPIC_TMICT, 100, 0);
	lapic_write(lapic, LAPIC_LDR, 0x55000000, 0);
	lapic_write(lapic, LAPIC_ICR2, 0x07000000, 0);
	lapic_write_base(lapic, lapic->base | APIC_BASE_X2APIC);
	assert_int_equal(lapic_pending_vector(lapic), 0x60);
	assert_int_equal(msr_read(lapic, LAPIC_TPR), 0x20);
	assert_int_equal(msr_read(lapic, LAPIC_SVR), ENABLED_SVR);
	assert_int_equal(lapic_timer_deadline(lapic, 0), 200 * RATIO);
	assert_int_equal(msr_read(lapic, LAPIC_ID), 3);
	assert_int_equal(msr_read(lapic, LAPIC_LDR), 8);
	assert_int_equal(msr_read(lapic, LAPIC_ICR), 0x0700000000000000);
}

UNIT(senders_see_the_new_mode)
{
	struct lapic *lapic = in_state(XAPIC);
	const struct apic_message flat = { .destination = 0x40, .logical = true };
	const struct apic_message cluster = { .destination = 0x8, .logical = true };

	lapic_write(lapic, LAPIC_LDR, 0x40000000, 0);
	assert_true(lapic_matches(lapic, &flat) && !lapic_matches(lapic, &cluster));
	lapic_write_base(lapic, lapic->base | APIC_BASE_X2APIC);
	assert_true(!lapic_matches(lapic, &flat) && lapic_matches(lapic, &cluster));
	lapic_write_base(lapic, ADDRESS);
	assert_true(!lapic_matches(lapic, &flat) && !lapic_matches(lapic, &cluster));
	lapic_write_base(lapic, ADDRESS | APIC_BASE_ENABLED);
	assert_true(!lapic_matches(lapic, &flat) && !lapic_matches(lapic, &cluster));
}

UNIT(every_page_word_between_registers_stays_zero)
{
	struct lapic *lapic = in_state(X2APIC);

	for (u32 offset = 0; offset < PAGE_SIZE; offset += 4)
		if (offset % 16 || offset >= 0x400)
			assert_int_equal(page_word(lapic, offset), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transitions_are_those_of_the_manual),
		cmocka_unit_test(reserved_bits_fault),
		cmocka_unit_test(page_moves_and_nothing_else_changes),
		cmocka_unit_test(boot_flag_is_softwares_to_change),
		cmocka_unit_test(disabling_forgets_everything),
		cmocka_unit_test(a_running_timer_stops_with_the_apic),
		cmocka_unit_test(x2apic_keeps_what_xapic_had),
		cmocka_unit_test(senders_see_the_new_mode),
		cmocka_unit_test(every_page_word_between_registers_stays_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
