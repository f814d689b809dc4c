/* SPDX-License-Identifier: MIT */
/* vmx/lapic_irq.c: priorities, acknowledge, EOI; random sequences against a model of plain flags.
 */
#include "lapic_fixture.h"

static struct lapic_box box;

UNIT(an_interrupt_goes_from_irr_to_isr_and_ends)
{
	struct lapic *lapic = box_enabled(&box, 0);

	arrive(lapic, 0x61);
	assert_int_equal(lapic_pending_vector(lapic), 0x61);
	assert_int_equal(lapic_acknowledge(lapic, 0x61), 0x61);
	assert_false(in_bitmap(lapic, LAPIC_IRR, 0x61));
	assert_true(in_bitmap(lapic, LAPIC_ISR, 0x61));
	assert_int_equal(lapic_read(lapic, LAPIC_PPR, 0), 0x60);
	assert_int_equal(lapic_write(lapic, LAPIC_EOI, 0, 0).kind, LAPIC_NOTHING);
	assert_int_equal(lapic_highest_isr(lapic), LAPIC_NO_VECTOR);
	assert_int_equal(lapic_read(lapic, LAPIC_PPR, 0), 0);
}

UNIT(only_a_higher_class_interrupts_the_one_in_service)
{
	struct lapic *lapic = box_enabled(&box, 0);

	arrive(lapic, 0x61);
	lapic_acknowledge(lapic, 0x61);
	arrive(lapic, 0x6f);
	assert_int_equal(lapic_pending_vector(lapic), LAPIC_NO_VECTOR);
	arrive(lapic, 0x70);
	assert_int_equal(lapic_pending_vector(lapic), 0x70);
}

UNIT(task_priority_blocks_its_class_and_below)
{
	struct lapic *lapic = box_enabled(&box, 0);

	arrive(lapic, 0x6f);
	lapic_write(lapic, LAPIC_TPR, 0x60, 0);
	assert_int_equal(lapic_pending_vector(lapic), LAPIC_NO_VECTOR);
	lapic_write(lapic, LAPIC_TPR, 0x5f, 0);
	assert_int_equal(lapic_pending_vector(lapic), 0x6f);
}

UNIT(ppr_is_tpr_where_classes_are_equal)
{
	struct lapic *lapic = box_enabled(&box, 0);

	arrive(lapic, 0x66);
	lapic_acknowledge(lapic, 0x66);
	lapic_write(lapic, LAPIC_TPR, 0x63, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_PPR, 0), 0x63);
	lapic_write(lapic, LAPIC_TPR, 0x5f, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_PPR, 0), 0x60);
	lapic_write(lapic, LAPIC_TPR, 0x7a, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_PPR, 0), 0x7a);
}

UNIT(changes_of_tmr_are_told_and_others_not)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic->tmr_changed = false;
	arrive(lapic, 0x61);
	assert_false(lapic->tmr_changed);
	lapic_post(lapic, 0x61, APIC_LEVEL);
	lapic_collect(lapic);
	assert_true(lapic->tmr_changed);
	lapic->tmr_changed = false;
	lapic_post(lapic, 0x61, APIC_LEVEL);
	lapic_collect(lapic);
	assert_false(lapic->tmr_changed);
	lapic_write(lapic, LAPIC_ICR, APIC_TO_SELF << 18 | 0x62, 0);
	assert_false(lapic->tmr_changed);
	lapic_write(lapic, LAPIC_ICR, APIC_TO_SELF << 18 | 0x61, 0);
	assert_true(lapic->tmr_changed);
}

UNIT(what_became_undeliverable_is_the_spurious_vector)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_write(lapic, LAPIC_SVR, 0x1ef, 0);
	arrive(lapic, 0x61);
	lapic_write(lapic, LAPIC_TPR, 0x70, 0);
	assert_int_equal(lapic_acknowledge(lapic, 0x61), 0xef);
	assert_true(in_bitmap(lapic, LAPIC_IRR, 0x61));
	assert_int_equal(lapic_highest_isr(lapic), LAPIC_NO_VECTOR);
}

UNIT(eoi_without_service_does_nothing)
{
	struct lapic *lapic = box_enabled(&box, 0);

	arrive(lapic, 0x61);
	assert_int_equal(lapic_write(lapic, LAPIC_EOI, 0, 0).kind, LAPIC_NOTHING);
	assert_int_equal(lapic_highest_irr(lapic), 0x61);
}

UNIT(eoi_of_a_level_vector_is_told_to_the_io_apics)
{
	struct lapic *lapic = box_enabled(&box, 0);
	struct lapic_effect effect;

	lapic_post(lapic, 0x51, APIC_LEVEL);
	lapic_collect(lapic);
	lapic_acknowledge(lapic, 0x51);
	arrive(lapic, 0x91);
	lapic_acknowledge(lapic, 0x91);
	assert_int_equal(lapic_write(lapic, LAPIC_EOI, 0, 0).kind, LAPIC_NOTHING);
	effect = lapic_write(lapic, LAPIC_EOI, 0, 0);
	assert_int_equal(effect.kind, LAPIC_EOI_LEVEL);
	assert_int_equal(effect.vector, 0x51);
}

UNIT(trigger_mode_is_the_last_arrivals)
{
	struct lapic *lapic = box_enabled(&box, 0);
	u64 bitmap[4];

	lapic_post(lapic, 0x51, APIC_LEVEL);
	lapic_collect(lapic);
	lapic_level_vectors(lapic, bitmap);
	assert_true(bitmap[0] == 0 && bitmap[1] == BIT(0x51 - 64) && !bitmap[2] && !bitmap[3]);
	arrive(lapic, 0x51);
	assert_false(in_bitmap(lapic, LAPIC_TMR, 0x51));
	lapic_post(lapic, 0xff, APIC_LEVEL);
	lapic_collect(lapic);
	lapic_level_vectors(lapic, bitmap);
	assert_true(bitmap[1] == 0 && bitmap[3] == BIT(63));
	lapic_write(lapic, LAPIC_ICR, 0x440ff, 0); /* to itself: edge */
	assert_false(in_bitmap(lapic, LAPIC_TMR, 0xff));
}

UNIT(eoi_that_the_cpu_did_is_told_as_well)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_post(lapic, 0x51, APIC_LEVEL);
	lapic_collect(lapic);
	assert_int_equal(lapic_eoi_done(lapic, 0x51).kind, LAPIC_EOI_LEVEL);
	assert_int_equal(lapic_eoi_done(lapic, 0x52).kind, LAPIC_NOTHING);
}

UNIT(same_vector_can_pend_while_in_service)
{
	struct lapic *lapic = box_enabled(&box, 0);

	arrive(lapic, 0x61);
	lapic_acknowledge(lapic, 0x61);
	arrive(lapic, 0x61);
	assert_int_equal(lapic_pending_vector(lapic), LAPIC_NO_VECTOR);
	lapic_write(lapic, LAPIC_EOI, 0, 0);
	assert_int_equal(lapic_pending_vector(lapic), 0x61);
}

UNIT(cr8_is_the_tpr_class_both_ways)
{
	struct lapic *lapic = box_enabled(&box, 0);

	for (u32 value = 0; value < 16; value++) {
		lapic_set_cr8(lapic, value);
		assert_int_equal(lapic_read(lapic, LAPIC_TPR, 0), value << 4);
		lapic_write(lapic, LAPIC_TPR, value << 4 | 0xb, 0);
		assert_int_equal(lapic_cr8(lapic), value);
		assert_int_equal(lapic_read(lapic, LAPIC_PPR, 0), value << 4 | 0xb);
	}
}

UNIT(tpr_threshold_is_asked_only_where_tpr_alone_blocks)
{
	struct lapic *lapic = box_enabled(&box, 0);

	assert_int_equal(lapic_tpr_threshold(lapic), 0);
	arrive(lapic, 0x61);
	assert_int_equal(lapic_tpr_threshold(lapic), 0);
	lapic_write(lapic, LAPIC_TPR, 0x60, 0);
	assert_int_equal(lapic_tpr_threshold(lapic), 6);
	lapic_write(lapic, LAPIC_TPR, 0xf0, 0);
	assert_int_equal(lapic_tpr_threshold(lapic), 6);
	lapic_write(lapic, LAPIC_TPR, 0, 0);
	lapic_acknowledge(lapic, 0x61);
	arrive(lapic, 0x62);
	lapic_write(lapic, LAPIC_TPR, 0xf0, 0);
	assert_int_equal(lapic_tpr_threshold(lapic), 0);
}

UNIT(illegal_vectors_are_an_error_and_do_not_arrive)
{
	struct lapic *lapic = box_enabled(&box, 0);

	for (u32 vector = 0; vector < 18; vector++) {
		bool level = vector & 1;

		lapic_post(lapic, (u8)vector, level ? APIC_LEVEL : APIC_EDGE);
		lapic_collect(lapic);
		assert_int_equal(in_bitmap(lapic, LAPIC_IRR, vector), vector >= 16);
		lapic_write(lapic, LAPIC_ESR, 0, 0);
		assert_int_equal(lapic_read(lapic, LAPIC_ESR, 0), vector < 16 ? 0x40 : 0);
	}
}

/* The naive model: flags per vector, everything searched for from the top. */
struct model {
	bool irr[256], isr[256], tmr[256];
	u32 tpr;
};

static int model_highest(const bool *flags)
{
	for (int i = 255; i >= 0; i--)
		if (flags[i])
			return i;
	return -1;
}

static u32 model_ppr(const struct model *m)
{
	int isr = model_highest(m->isr);
	u32 isr_class = isr < 0 ? 0 : (u32)isr / 16;

	return m->tpr / 16 >= isr_class ? m->tpr : isr_class * 16;
}

static int model_pending(const struct model *m)
{
	int irr = model_highest(m->irr);

	return irr >= 0 && (u32)irr / 16 > model_ppr(m) / 16 ? irr : -1;
}

static void model_step(struct model *m, struct lapic *lapic, u64 random)
{
	u8 vector = (u8)(random >> 8);
	int pending = model_pending(m), isr = model_highest(m->isr);
	struct lapic_effect effect;

	switch (random % 4) {
	case 0:
		lapic_post(lapic, vector, random & 0x10000 ? APIC_LEVEL : APIC_EDGE);
		lapic_collect(lapic);
		if (vector >= 16) {
			m->irr[vector] = true;
			m->tmr[vector] = random & 0x10000;
		}
		break;
	case 1:
		if (pending < 0)
			break;
		assert_int_equal(lapic_acknowledge(lapic, (u8)pending), pending);
		m->irr[pending] = false;
		m->isr[pending] = true;
		break;
	case 2:
		effect = lapic_write(lapic, LAPIC_EOI, 0, 0);
		if (isr >= 0)
			m->isr[isr] = false;
		assert_int_equal(effect.kind == LAPIC_EOI_LEVEL, isr >= 0 && m->tmr[isr]);
		if (effect.kind == LAPIC_EOI_LEVEL)
			assert_int_equal(effect.vector, isr);
		break;
	default:
		m->tpr = vector & (random & 0x20000 ? 0xff : 0x3f);
		lapic_write(lapic, LAPIC_TPR, m->tpr, 0);
		break;
	}
}

UNIT(random_sequences_agree_with_the_naive_model)
{
	struct lapic *lapic;
	u64 seed = 7;

	for (u32 round = 0; round < 50; round++) {
		struct model m = { .tpr = 0 };

		lapic = box_enabled(&box, 0);
		for (u32 i = 0; i < 2000; i++) {
			model_step(&m, lapic, unit_random(&seed));
			assert_int_equal(lapic_pending_vector(lapic), model_pending(&m));
			assert_int_equal(lapic_read(lapic, LAPIC_PPR, 0), model_ppr(&m));
			assert_int_equal(lapic_highest_irr(lapic), model_highest(m.irr));
			assert_int_equal(lapic_highest_isr(lapic), model_highest(m.isr));
		}
		for (u32 v = 0; v < 256; v++) {
			assert_int_equal(in_bitmap(lapic, LAPIC_IRR, v), m.irr[v]);
			assert_int_equal(in_bitmap(lapic, LAPIC_ISR, v), m.isr[v]);
			assert_int_equal(in_bitmap(lapic, LAPIC_TMR, v), m.tmr[v]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interrupt_goes_from_irr_to_isr_and_ends),
		cmocka_unit_test(only_a_higher_class_interrupts_the_one_in_service),
		cmocka_unit_test(task_priority_blocks_its_class_and_below),
		cmocka_unit_test(ppr_is_tpr_where_classes_are_equal),
		cmocka_unit_test(changes_of_tmr_are_told_and_others_not),
		cmocka_unit_test(what_became_undeliverable_is_the_spurious_vector),
		cmocka_unit_test(eoi_without_service_does_nothing),
		cmocka_unit_test(eoi_of_a_level_vector_is_told_to_the_io_apics),
		cmocka_unit_test(trigger_mode_is_the_last_arrivals),
		cmocka_unit_test(eoi_that_the_cpu_did_is_told_as_well),
		cmocka_unit_test(same_vector_can_pend_while_in_service),
		cmocka_unit_test(cr8_is_the_tpr_class_both_ways),
		cmocka_unit_test(tpr_threshold_is_asked_only_where_tpr_alone_blocks),
		cmocka_unit_test(illegal_vectors_are_an_error_and_do_not_arrive),
		cmocka_unit_test(random_sequences_agree_with_the_naive_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
