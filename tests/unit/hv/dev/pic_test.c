/* SPDX-License-Identifier: MIT */
/* The 8259 pair: initialization, priorities, every command. */
#include "unit.h"
#include "pic_ports.h"

static u32 intr_changes;
static bool intr_level;

static void intr(void *context, u32 line, bool level)
{
	(void)context;
	(void)line;
	assert_int_not_equal(level, intr_level);
	intr_level = level;
	intr_changes++;
}

static struct pic started(u8 icw4)
{
	struct pic pic;

	intr_level = false;
	intr_changes = 0;
	pic_start(&pic, (struct irq_line){ intr, NULL, 0 }, icw4);
	return pic;
}

static void pulse(struct pic *pic, u32 irq)
{
	pic_set_line(pic, irq, false);
	pic_set_line(pic, irq, true);
}

UNIT(firmware_left_everything_masked)
{
	struct pic pic;

	pic_init(&pic, (struct irq_line){ 0 });
	assert_int_equal(in(&pic, 0x21), 0xff);
	assert_int_equal(in(&pic, 0xa1), 0xff);
	pulse(&pic, 0);
	assert_false(pic_intr(&pic));
	out(&pic, 0x21, 0xfe);
	assert_true(pic_intr(&pic));
	assert_int_equal(pic_acknowledge(&pic), 0x08);
}

UNIT(initialization_clears_the_mask_and_the_edges)
{
	struct pic pic = started(1);

	assert_int_equal(in(&pic, 0x21), 0);
	pulse(&pic, 3);
	out(&pic, 0x20, 0x11);
	assert_int_equal(irr(&pic, 0x20), 0);
	assert_false(pic_intr(&pic));
}

UNIT(without_icw4_and_with_single_the_sequence_is_shorter)
{
	static const struct {
		u8 icw1;
		u32 words; /* after ICW1, before the mask */
	} rows[] = { { 0x11, 3 }, { 0x10, 2 }, { 0x13, 2 }, { 0x12, 1 } };

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pic pic = started(1);

		out(&pic, 0x20, rows[i].icw1);
		for (u32 word = 0; word < rows[i].words; word++) {
			out(&pic, 0x21, 0x41);
			assert_int_equal(in(&pic, 0x21), 0);
		}
		out(&pic, 0x21, 0xa5);
		assert_int_equal(in(&pic, 0x21), 0xa5);
		out(&pic, 0x21, 0);
		pulse(&pic, 1);
		assert_int_equal(pic_acknowledge(&pic), 0x41);
	}
}

UNIT(every_line_has_its_vector)
{
	for (u32 irq = 0; irq < PIC_LINES; irq++) {
		struct pic pic = started(1);

		if (irq == PIC_CASCADE)
			continue;
		pulse(&pic, irq);
		assert_true(intr_level);
		assert_int_equal(pic_acknowledge(&pic), 0x30 + irq);
		assert_false(intr_level);
		assert_int_equal(isr(&pic, 0x20), irq < 8 ? 1 << irq : 4);
		assert_int_equal(isr(&pic, 0xa0), irq < 8 ? 0 : 1 << (irq - 8));
	}
}

UNIT(the_cascade_input_is_the_slaves)
{
	struct pic pic = started(1);

	pic_set_line(&pic, 2, true);
	assert_false(pic_intr(&pic));
	assert_int_equal(irr(&pic, 0x20), 0);
}

UNIT(lower_priorities_wait_for_eoi)
{
	struct pic pic = started(1);

	pulse(&pic, 5);
	pulse(&pic, 3);
	assert_int_equal(pic_acknowledge(&pic), 0x33);
	assert_false(pic_intr(&pic));
	pulse(&pic, 1);
	assert_int_equal(pic_acknowledge(&pic), 0x31);
	out(&pic, 0x20, 0x20);
	assert_int_equal(isr(&pic, 0x20), 1 << 3);
	assert_false(pic_intr(&pic));
	out(&pic, 0x20, 0x20);
	assert_int_equal(pic_acknowledge(&pic), 0x35);
}

UNIT(the_slave_stands_between_irq1_and_irq3)
{
	struct pic pic = started(1);

	pulse(&pic, 3);
	pulse(&pic, 15);
	pulse(&pic, 8);
	assert_int_equal(pic_acknowledge(&pic), 0x38);
	out(&pic, 0xa0, 0x20);
	out(&pic, 0x20, 0x20);
	assert_int_equal(pic_acknowledge(&pic), 0x3f);
	assert_false(pic_intr(&pic));
	out(&pic, 0x20, 0x20);
	assert_int_equal(pic_acknowledge(&pic), 0x33);
}

UNIT(an_edge_is_one_request)
{
	struct pic pic = started(1);

	pic_set_line(&pic, 4, true);
	assert_int_equal(pic_acknowledge(&pic), 0x34);
	out(&pic, 0x20, 0x20);
	pic_set_line(&pic, 4, true);
	assert_false(pic_intr(&pic));
	pulse(&pic, 4);
	assert_true(pic_intr(&pic));
}

UNIT(a_level_asks_again_after_eoi)
{
	struct pic pic = started(1);

	out(&pic, 0x4d1, 0x08);
	pic_set_line(&pic, 11, true);
	assert_int_equal(pic_acknowledge(&pic), 0x3b);
	assert_int_equal(irr(&pic, 0xa0), 0x08);
	out(&pic, 0xa0, 0x20);
	out(&pic, 0x20, 0x20);
	assert_true(pic_intr(&pic));
	pic_set_line(&pic, 11, false);
	assert_false(pic_intr(&pic));
}

UNIT(the_elcr_keeps_the_pcs_edges)
{
	struct pic pic = started(1);

	out(&pic, 0x4d0, 0xff);
	out(&pic, 0x4d1, 0xff);
	assert_int_equal(in(&pic, 0x4d0), 0xf8);
	assert_int_equal(in(&pic, 0x4d1), 0xde);
	out(&pic, 0x20, 0x19); /* LTIM counts for nothing */
	assert_int_equal(in(&pic, 0x4d0), 0xf8);
}

UNIT(a_line_that_falls_takes_its_request_back)
{
	struct pic pic = started(1);

	pulse(&pic, 6);
	pic_set_line(&pic, 6, false);
	assert_false(pic_intr(&pic));
	assert_int_equal(irr(&pic, 0x20), 0);
}

UNIT(an_acknowledge_without_a_request_is_a_spurious_irq7)
{
	struct pic pic = started(1);

	assert_int_equal(pic_acknowledge(&pic), 0x37);
	assert_int_equal(isr(&pic, 0x20), 0);
}

/* The slave's request falls between the master's answer and its own. */
UNIT(a_slave_without_a_request_is_a_spurious_irq15)
{
	struct pic pic = started(1);

	pulse(&pic, 9);
	pic.chips[1].lines = 0;
	assert_int_equal(pic_acknowledge(&pic), 0x3f);
	assert_int_equal(isr(&pic, 0xa0), 0);
	assert_int_equal(isr(&pic, 0x20), 4);
}

UNIT(masks_hold_back_and_keep_the_request)
{
	struct pic pic = started(1);

	out(&pic, 0x21, 0x10);
	pulse(&pic, 4);
	assert_false(pic_intr(&pic));
	assert_int_equal(irr(&pic, 0x20), 0x10);
	out(&pic, 0x21, 0);
	assert_true(pic_intr(&pic));
	out(&pic, 0x21, 0x04);
	pulse(&pic, 12);
	assert_int_equal(pic_acknowledge(&pic), 0x34);
}

UNIT(specific_eoi_ends_one_of_several)
{
	struct pic pic = started(1);

	pulse(&pic, 5);
	pic_acknowledge(&pic);
	pulse(&pic, 1);
	pic_acknowledge(&pic);
	out(&pic, 0x20, 0x65);
	assert_int_equal(isr(&pic, 0x20), 1 << 1);
	out(&pic, 0x20, 0x40); /* no operation */
	assert_int_equal(isr(&pic, 0x20), 1 << 1);
}

UNIT(rotations_make_the_served_one_the_lowest)
{
	static const struct {
		u8 command;
		u32 first, then; /* of requests 4 and 5 afterwards */
	} rows[] = {
		{ 0x20, 4, 5 }, /* EOI: as it was */
		{ 0xa0, 5, 4 }, /* rotate on EOI of 4 */
		{ 0xe4, 5, 4 }, /* rotate on specific EOI of 4 */
		{ 0xe3, 4, 5 }, /* of another: 4 stays in service, see below */
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pic pic = started(1);

		pulse(&pic, 4);
		pic_acknowledge(&pic);
		out(&pic, 0x20, rows[i].command);
		out(&pic, 0x20, 0x64); /* 4 is over in any case */
		pulse(&pic, 4);
		pulse(&pic, 5);
		assert_int_equal(pic_acknowledge(&pic), 0x30 + rows[i].first);
		out(&pic, 0x20, 0x20);
		assert_int_equal(pic_acknowledge(&pic), 0x30 + rows[i].then);
	}
}

UNIT(set_priority_names_the_lowest)
{
	struct pic pic = started(1);

	out(&pic, 0x20, 0xc5);
	for (u32 irq = 0; irq < 8; irq++)
		pulse(&pic, irq);
	for (u32 i = 0; i < 7; i++) {
		u32 irq = (6 + i + (i >= 4)) % 8; /* 6 7 0 1, not 2, 3 4 5 */

		assert_int_equal(pic_acknowledge(&pic), 0x30 + irq);
		out(&pic, 0x20, 0x20);
	}
	assert_false(pic_intr(&pic));
}

UNIT(auto_eoi_leaves_nothing_in_service)
{
	struct pic pic = started(3);

	pulse(&pic, 4);
	pulse(&pic, 12);
	assert_int_equal(pic_acknowledge(&pic), 0x3c);
	assert_int_equal(isr(&pic, 0x20), 0);
	assert_int_equal(isr(&pic, 0xa0), 0);
	assert_int_equal(pic_acknowledge(&pic), 0x34);
}

UNIT(auto_eoi_rotates_when_told)
{
	struct pic pic = started(3);

	out(&pic, 0x20, 0x80);
	pulse(&pic, 4);
	assert_int_equal(pic_acknowledge(&pic), 0x34);
	pulse(&pic, 4);
	pulse(&pic, 5);
	assert_int_equal(pic_acknowledge(&pic), 0x35);
	out(&pic, 0x20, 0x00);
	pulse(&pic, 5);
	pulse(&pic, 4); /* lowest is 5 now and stays */
	assert_int_equal(pic_acknowledge(&pic), 0x34);
	pulse(&pic, 4);
	assert_int_equal(pic_acknowledge(&pic), 0x34);
}

UNIT(special_mask_mode_lets_lower_ones_through)
{
	struct pic pic = started(1);

	pulse(&pic, 3);
	pic_acknowledge(&pic);
	pulse(&pic, 6);
	out(&pic, 0x21, 0x08);
	assert_false(pic_intr(&pic));
	out(&pic, 0x20, 0x68);
	assert_true(pic_intr(&pic));
	assert_int_equal(pic_acknowledge(&pic), 0x36);
	out(&pic, 0x20, 0x20); /* a masked one stays in service */
	assert_int_equal(isr(&pic, 0x20), 0x08);
	out(&pic, 0x20, 0x20);
	assert_int_equal(isr(&pic, 0x20), 0x08);
	out(&pic, 0x20, 0x48);
	out(&pic, 0x20, 0x20);
	assert_int_equal(isr(&pic, 0x20), 0);
}

UNIT(a_poll_is_an_acknowledge)
{
	struct pic pic = started(1);

	pulse(&pic, 6);
	out(&pic, 0x20, 0x0c);
	assert_int_equal(in(&pic, 0x20), 0x86);
	assert_false(pic_intr(&pic));
	assert_int_equal(isr(&pic, 0x20), 0x40);
	out(&pic, 0x20, 0x0c);
	assert_int_equal(in(&pic, 0x21), 0);
	assert_int_equal(in(&pic, 0x21), 0); /* the mask again */
}

UNIT(a_poll_of_both_finds_the_slaves_line)
{
	struct pic pic = started(1);

	pulse(&pic, 10);
	out(&pic, 0x20, 0x0c);
	assert_int_equal(in(&pic, 0x20), 0x82);
	out(&pic, 0xa0, 0x0c);
	assert_int_equal(in(&pic, 0xa0), 0x82);
	assert_int_equal(isr(&pic, 0xa0), 0x04);
}

UNIT(special_fully_nested_mode_nests_the_slave)
{
	static const bool nested[] = { false, true };

	for (u32 i = 0; i < 2; i++) {
		struct pic pic = started(nested[i] ? 0x11 : 0x01);

		pulse(&pic, 12);
		assert_int_equal(pic_acknowledge(&pic), 0x3c);
		pulse(&pic, 9);
		assert_int_equal(pic_intr(&pic), nested[i]);
		pulse(&pic, 14);
		if (nested[i])
			assert_int_equal(pic_acknowledge(&pic), 0x39);
		assert_false(pic_intr(&pic));
	}
}

UNIT(intr_changes_are_told_once)
{
	struct pic pic = started(1);

	pulse(&pic, 4);
	pulse(&pic, 5);
	assert_int_equal(intr_changes, 1);
	pic_acknowledge(&pic);
	assert_int_equal(intr_changes, 2);
	out(&pic, 0x20, 0x20);
	assert_int_equal(intr_changes, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(firmware_left_everything_masked),
		cmocka_unit_test(initialization_clears_the_mask_and_the_edges),
		cmocka_unit_test(without_icw4_and_with_single_the_sequence_is_shorter),
		cmocka_unit_test(every_line_has_its_vector),
		cmocka_unit_test(the_cascade_input_is_the_slaves),
		cmocka_unit_test(lower_priorities_wait_for_eoi),
		cmocka_unit_test(the_slave_stands_between_irq1_and_irq3),
		cmocka_unit_test(an_edge_is_one_request),
		cmocka_unit_test(a_level_asks_again_after_eoi),
		cmocka_unit_test(the_elcr_keeps_the_pcs_edges),
		cmocka_unit_test(a_line_that_falls_takes_its_request_back),
		cmocka_unit_test(an_acknowledge_without_a_request_is_a_spurious_irq7),
		cmocka_unit_test(a_slave_without_a_request_is_a_spurious_irq15),
		cmocka_unit_test(masks_hold_back_and_keep_the_request),
		cmocka_unit_test(specific_eoi_ends_one_of_several),
		cmocka_unit_test(rotations_make_the_served_one_the_lowest),
		cmocka_unit_test(set_priority_names_the_lowest),
		cmocka_unit_test(auto_eoi_leaves_nothing_in_service),
		cmocka_unit_test(auto_eoi_rotates_when_told),
		cmocka_unit_test(special_mask_mode_lets_lower_ones_through),
		cmocka_unit_test(a_poll_is_an_acknowledge),
		cmocka_unit_test(a_poll_of_both_finds_the_slaves_line),
		cmocka_unit_test(special_fully_nested_mode_nests_the_slave),
		cmocka_unit_test(intr_changes_are_told_once),
	};

	return cmocka_run_group_tests_name("hv/dev/pic", tests, NULL, NULL);
}
