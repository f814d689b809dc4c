/* SPDX-License-Identifier: MIT */
/* vmx/lapic.c: power-up state, xAPIC accesses, what stores do, and that the page's old contents
 * never matter. */
#include "lapic_fixture.h"

static struct lapic_box box, other;

UNIT(power_up_state_is_the_manuals)
{
	static const struct {
		u32 offset, value;
	} expected[] = {
		{ LAPIC_ID, 5u << 24 },
		{ LAPIC_VERSION, 0x50015 },
		{ LAPIC_TPR, 0 },
		{ LAPIC_PPR, 0 },
		{ LAPIC_LDR, 0 },
		{ LAPIC_DFR, 0xffffffff },
		{ LAPIC_SVR, 0xff },
		{ LAPIC_ESR, 0 },
		{ LAPIC_ICR, 0 },
		{ LAPIC_ICR2, 0 },
		{ LAPIC_LVT_TIMER, 0x10000 },
		{ LAPIC_LVT_THERMAL, 0x10000 },
		{ LAPIC_LVT_COUNTERS, 0x10000 },
		{ LAPIC_LVT_LINT0, 0x10000 },
		{ LAPIC_LVT_LINT1, 0x10000 },
		{ LAPIC_LVT_ERROR, 0x10000 },
		{ LAPIC_TMICT, 0 },
		{ LAPIC_TMCCT, 0 },
		{ LAPIC_TDCR, 0 },
	};
	struct lapic *lapic = box_create(&box, 5);

	for (u32 i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(lapic_read(lapic, expected[i].offset, 0), expected[i].value);
	for (u32 offset = LAPIC_ISR; offset < LAPIC_ESR; offset += 16)
		assert_int_equal(lapic_read(lapic, offset, 0), 0);
	assert_int_equal(lapic->base, 0xfee00800);
	assert_true(lapic->waits_for_sipi);
}

UNIT(boot_cpu_has_its_flag_and_does_not_wait)
{
	struct lapic *lapic = box_create(&box, 0);

	assert_int_equal(lapic->base, 0xfee00900);
	assert_false(lapic->waits_for_sipi);
	assert_int_equal(lapic_mmio_page(lapic), 0xfee00000);
}

UNIT(init_resets_all_but_id_and_base)
{
	struct lapic *lapic = box_enabled(&box, 3);

	lapic_write_base(lapic, 0x1fee00000 | APIC_BASE_ENABLED);
	lapic_write(lapic, LAPIC_TPR, 0x40, 0);
	lapic_write(lapic, LAPIC_LVT_TIMER, 0x20040, 0);
	lapic_write(lapic, LAPIC_TMICT, 100, 0);
	arrive(lapic, 0x80);
	lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
	lapic_collect(lapic);
	assert_true(lapic_take_init(lapic));
	assert_true(lapic->waits_for_sipi);
	assert_int_equal(lapic->base, 0x1fee00800);
	assert_int_equal(lapic_read(lapic, LAPIC_ID, 0), 3u << 24);
	assert_int_equal(lapic_read(lapic, LAPIC_SVR, 0), 0xff);
	assert_int_equal(lapic_read(lapic, LAPIC_TPR, 0), 0);
	assert_int_equal(lapic_highest_irr(lapic), LAPIC_NO_VECTOR);
	assert_true(lapic_timer_deadline(lapic, 0) == LAPIC_NEVER);
	assert_false(lapic_take_init(lapic));
}

UNIT(init_in_x2apic_mode_keeps_the_mode_and_both_ids)
{
	struct lapic *lapic = box_x2apic(&box, 0x12);

	lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
	lapic_collect(lapic);
	assert_true(lapic_take_init(lapic));
	assert_int_equal(msr_read(lapic, LAPIC_ID), 0x12);
	assert_int_equal(msr_read(lapic, LAPIC_LDR), 0x10004);
	assert_int_equal(msr_read(lapic, LAPIC_SVR), 0xff);
}

UNIT(init_of_the_boot_cpu_does_not_wait)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
	lapic_collect(lapic);
	assert_true(lapic_take_init(lapic));
	assert_false(lapic->waits_for_sipi);
}

UNIT(reserved_bits_are_not_stored)
{
	static const struct {
		u32 offset, value;
	} expected[] = {
		{ LAPIC_TPR, 0xff },
		{ LAPIC_LDR, 0xff000000 },
		{ LAPIC_DFR, 0xffffffff },
		{ LAPIC_SVR, 0x3ff },
		{ LAPIC_ICR2, 0xff000000 },
		{ LAPIC_LVT_TIMER, 0x700ff },
		{ LAPIC_LVT_THERMAL, 0x107ff },
		{ LAPIC_LVT_COUNTERS, 0x107ff },
		{ LAPIC_LVT_LINT0, 0x1a7ff },
		{ LAPIC_LVT_LINT1, 0x1a7ff },
		{ LAPIC_LVT_ERROR, 0x100ff },
		{ LAPIC_TDCR, 0xb },
	};
	struct lapic *lapic = box_enabled(&box, 1);

	for (u32 i = 0; i < ARRAY_SIZE(expected); i++) {
		lapic_write(lapic, expected[i].offset, ~0u, 0);
		assert_int_equal(lapic_read(lapic, expected[i].offset, 0), expected[i].value);
	}
	lapic_write(lapic, LAPIC_DFR, 0, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_DFR, 0), 0x0fffffff);
}

UNIT(read_only_registers_ignore_writes_without_an_error)
{
	static const u32 offsets[] = { LAPIC_ID,  LAPIC_VERSION, LAPIC_PPR, LAPIC_ISR, LAPIC_IRR,
				       LAPIC_TMR, LAPIC_TMCCT,   LAPIC_APR, LAPIC_RRD };
	struct lapic *lapic = box_enabled(&box, 1);

	for (u32 i = 0; i < ARRAY_SIZE(offsets); i++) {
		u32 before = lapic_read(lapic, offsets[i], 0);

		assert_int_equal(lapic_write(lapic, offsets[i], 0x77, 0).kind, LAPIC_NOTHING);
		assert_int_equal(lapic_read(lapic, offsets[i], 0), before);
	}
	lapic_write(lapic, LAPIC_ESR, 0, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_ESR, 0), 0);
}

UNIT(id_is_restored_when_the_cpu_has_already_stored_a_write)
{
	struct lapic *lapic = box_enabled(&box, 1);

	lapic->page[LAPIC_ID / 4] = 0x77000000;
	lapic_write(lapic, LAPIC_ID, 0x77000000, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_ID, 0), 1u << 24);
}

UNIT(reserved_registers_are_an_error_that_a_write_to_esr_shows)
{
	static const u32 offsets[] = { 0, 0x10, 0x40, 0x290, 0x2f0, 0x3a0, 0x3f0, 0x400, 0xff0 };
	struct lapic *lapic = box_enabled(&box, 1);

	for (u32 i = 0; i < ARRAY_SIZE(offsets); i++) {
		if (i % 2)
			lapic_write(lapic, offsets[i], 1, 0);
		else
			assert_int_equal(lapic_read(lapic, offsets[i], 0), 0);
		assert_int_equal(lapic_read(lapic, LAPIC_ESR, 0), 0);
		lapic_write(lapic, LAPIC_ESR, 0, 0);
		assert_int_equal(lapic_read(lapic, LAPIC_ESR, 0), 0x80);
		lapic_write(lapic, LAPIC_ESR, 0, 0);
		assert_int_equal(lapic_read(lapic, LAPIC_ESR, 0), 0);
	}
}

UNIT(software_disable_masks_local_vectors_and_keeps_them_masked)
{
	struct lapic *lapic = box_enabled(&box, 1);

	for (u32 lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 16)
		lapic_write(lapic, lvt, 0x40, 0);
	lapic_write(lapic, LAPIC_SVR, 0xff, 0);
	for (u32 lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 16) {
		assert_int_equal(lapic_read(lapic, lvt, 0), 0x10040);
		lapic_write(lapic, lvt, 0x41, 0);
		assert_int_equal(lapic_read(lapic, lvt, 0), 0x10041);
	}
	lapic_write(lapic, LAPIC_SVR, ENABLED_SVR, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_LVT_TIMER, 0), 0x10041);
	lapic_write(lapic, LAPIC_LVT_TIMER, 0x41, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_LVT_TIMER, 0), 0x41);
}

UNIT(software_disabled_apic_takes_no_interrupts_but_keeps_what_it_has)
{
	struct lapic *lapic = box_enabled(&box, 1);

	arrive(lapic, 0x60);
	lapic_write(lapic, LAPIC_SVR, 0xff, 0);
	arrive(lapic, 0x70);
	assert_int_equal(lapic_highest_irr(lapic), 0x60);
	lapic_write(lapic, LAPIC_SVR, ENABLED_SVR, 0);
	assert_int_equal(lapic_highest_irr(lapic), 0x60);
}

UNIT(mmio_is_not_there_outside_xapic_mode)
{
	struct lapic *lapic = box_x2apic(&box, 1);

	assert_int_equal(lapic_read(lapic, LAPIC_ID, 0), 0xffffffff);
	assert_true(lapic_mmio_page(lapic) == LAPIC_NEVER);
	lapic_write(lapic, LAPIC_TPR, 0x50, 0);
	assert_int_equal(msr_read(lapic, LAPIC_TPR), 0);
}

/* What a sequence leaves behind, the page and all that later accesses depend on. */
static void assert_same(const struct lapic *a, const struct lapic *b)
{
	assert_memory_equal(a->page, b->page, PAGE_SIZE);
	assert_memory_equal(&a->timer, &b->timer, sizeof(a->timer));
	assert_int_equal(a->routing, b->routing);
	assert_int_equal(a->errors, b->errors);
	assert_int_equal(a->remote_irr, b->remote_irr);
	assert_int_equal(a->events, b->events);
}

UNIT(a_write_that_the_cpu_stored_first_ends_in_the_same_state)
{
	static const u32 virtualized[] = { LAPIC_ID,        LAPIC_TPR,          LAPIC_EOI,
					   LAPIC_LDR,       LAPIC_DFR,          LAPIC_SVR,
					   LAPIC_ESR,       LAPIC_ICR,          LAPIC_ICR2,
					   LAPIC_LVT_TIMER, LAPIC_LVT_COUNTERS, LAPIC_LVT_LINT0,
					   LAPIC_LVT_LINT1, LAPIC_LVT_ERROR,    LAPIC_TMICT,
					   LAPIC_TDCR };
	struct lapic *plain = box_enabled(&box, 1), *stored = box_enabled(&other, 1);
	u64 seed = 42, now = 0;

	for (u32 i = 0; i < 20000; i++) {
		u32 offset = virtualized[unit_random(&seed) % ARRAY_SIZE(virtualized)];
		u32 value = (u32)unit_random(&seed);
		u8 vector = (u8)unit_random(&seed);
		bool level = unit_random(&seed) & 1;

		if (offset == LAPIC_SVR && i % 4) /* disabled only now and then */
			value |= 0x100;
		now += unit_random(&seed) % 100000;
		/* As the hardware would: what is due was there before the write. */
		lapic_collect(stored);
		lapic_timer_expire(stored, now);
		stored->page[offset / 4] = value;
		assert_int_equal(lapic_write(plain, offset, value, now).kind,
				 lapic_written(stored, offset + i % 4, now).kind);
		if (i % 3 == 0) {
			lapic_post(plain, vector, level);
			lapic_post(stored, vector, level);
		}
		lapic_set_lint(plain, i & 1, level);
		lapic_set_lint(stored, i & 1, level);
		assert_same(plain, stored);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_up_state_is_the_manuals),
		cmocka_unit_test(boot_cpu_has_its_flag_and_does_not_wait),
		cmocka_unit_test(init_resets_all_but_id_and_base),
		cmocka_unit_test(init_in_x2apic_mode_keeps_the_mode_and_both_ids),
		cmocka_unit_test(init_of_the_boot_cpu_does_not_wait),
		cmocka_unit_test(reserved_bits_are_not_stored),
		cmocka_unit_test(read_only_registers_ignore_writes_without_an_error),
		cmocka_unit_test(id_is_restored_when_the_cpu_has_already_stored_a_write),
		cmocka_unit_test(reserved_registers_are_an_error_that_a_write_to_esr_shows),
		cmocka_unit_test(software_disable_masks_local_vectors_and_keeps_them_masked),
		cmocka_unit_test(software_disabled_apic_takes_no_interrupts_but_keeps_what_it_has),
		cmocka_unit_test(mmio_is_not_there_outside_xapic_mode),
		cmocka_unit_test(a_write_that_the_cpu_stored_first_ends_in_the_same_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
