/* SPDX-License-Identifier: MIT */
/* The I/O APIC: registers as drivers use them, edges, levels, EOI. */
#include "unit.h"
#include "hv/dev/ioapic.h"

#define MASKED     BIT(16)
#define LEVEL      BIT(15)
#define REMOTE_IRR BIT(14)
#define ACTIVE_LOW BIT(13)
#define LOGICAL    BIT(11)

static struct ioapic_message sent[64];
static u32 sent_count;

static void record(void *context, const struct ioapic_message *message)
{
	assert_ptr_equal(context, sent);
	assert_true(sent_count < ARRAY_SIZE(sent));
	sent[sent_count++] = *message;
}

static struct ioapic fresh(void)
{
	struct ioapic ioapic;

	ioapic_init(&ioapic, (struct ioapic_sink){ record, sent });
	sent_count = 0;
	return ioapic;
}

static u32 reg_read(struct ioapic *ioapic, u32 reg)
{
	ioapic_mmio_write(ioapic, 0, 4, reg);
	return (u32)ioapic_mmio_read(ioapic, 0x10, 4);
}

static void reg_write(struct ioapic *ioapic, u32 reg, u32 value)
{
	ioapic_mmio_write(ioapic, 0, 4, reg);
	ioapic_mmio_write(ioapic, 0x10, 4, value);
}

static void program(struct ioapic *ioapic, u32 pin, u64 entry)
{
	reg_write(ioapic, 0x11 + 2 * pin, (u32)(entry >> 32));
	reg_write(ioapic, 0x10 + 2 * pin, (u32)entry);
}

static u64 entry_of(struct ioapic *ioapic, u32 pin)
{
	return (u64)reg_read(ioapic, 0x11 + 2 * pin) << 32 | reg_read(ioapic, 0x10 + 2 * pin);
}

UNIT(the_version_names_24_pins)
{
	struct ioapic ioapic = fresh();

	assert_int_equal(reg_read(&ioapic, 1), 0x00170011);
	reg_write(&ioapic, 1, 0xffffffff);
	assert_int_equal(reg_read(&ioapic, 1), 0x00170011);
}

UNIT(the_id_has_four_bits_and_shows_in_the_arbitration_register)
{
	struct ioapic ioapic = fresh();

	reg_write(&ioapic, 0, 0xffffffff);
	assert_int_equal(reg_read(&ioapic, 0), 0x0f000000);
	assert_int_equal(reg_read(&ioapic, 2), 0x0f000000);
	reg_write(&ioapic, 2, 0);
	assert_int_equal(reg_read(&ioapic, 2), 0x0f000000);
}

UNIT(entries_start_masked_and_keep_their_writable_bits)
{
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++) {
		struct ioapic ioapic = fresh();

		assert_int_equal(entry_of(&ioapic, pin), MASKED);
		program(&ioapic, pin, ~0ULL);
		assert_true(entry_of(&ioapic, pin) == 0xff0000000001afffULL);
		program(&ioapic, pin, 0);
		assert_true(entry_of(&ioapic, pin) == 0);
	}
}

UNIT(unknown_indices_read_zero_and_write_nothing)
{
	static const u32 indices[] = { 3, 4, 0xf, 0x40, 0x41, 0x80, 0xff };
	struct ioapic ioapic = fresh();
	struct ioapic before;

	for (u32 i = 0; i < ARRAY_SIZE(indices); i++) {
		ioapic_mmio_write(&ioapic, 0, 4, indices[i]);
		before = ioapic;
		ioapic_mmio_write(&ioapic, 0x10, 4, 0xffffffff);
		assert_memory_equal(&before, &ioapic, sizeof(ioapic));
		assert_int_equal(reg_read(&ioapic, indices[i]), 0);
	}
}

UNIT(the_index_reads_back_as_a_byte)
{
	struct ioapic ioapic = fresh();

	ioapic_mmio_write(&ioapic, 0, 4, 0xabcd12);
	assert_int_equal(ioapic_mmio_read(&ioapic, 0, 4), 0x12);
}

UNIT(other_sizes_and_offsets_reach_no_register)
{
	static const struct {
		u64 offset;
		u32 bytes;
	} rows[] = { { 0, 1 },    { 0, 2 },    { 0, 8 },    { 1, 4 },    { 2, 2 },
		     { 4, 4 },    { 0xe, 4 },  { 0x10, 1 }, { 0x10, 2 }, { 0x10, 8 },
		     { 0x11, 4 }, { 0x12, 2 }, { 0x20, 4 }, { 0x40, 4 }, { 0xffc, 4 } };
	struct ioapic ioapic = fresh();
	struct ioapic before;

	ioapic_mmio_write(&ioapic, 0, 4, 0x10);
	before = ioapic;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		ioapic_mmio_write(&ioapic, rows[i].offset, rows[i].bytes, 0x01);
		assert_memory_equal(&before, &ioapic, sizeof(ioapic));
		assert_true(ioapic_mmio_read(&ioapic, rows[i].offset, rows[i].bytes) == ~0ULL);
	}
}

UNIT(an_edge_is_sent_once)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 4, 0x33);
	ioapic_set_pin(&ioapic, 4, true);
	ioapic_set_pin(&ioapic, 4, true);
	assert_int_equal(sent_count, 1);
	ioapic_set_pin(&ioapic, 4, false);
	assert_int_equal(sent_count, 1);
	ioapic_set_pin(&ioapic, 4, true);
	assert_int_equal(sent_count, 2);
	assert_int_equal(entry_of(&ioapic, 4), 0x33);
}

UNIT(messages_carry_the_entry)
{
	static const struct {
		u64 entry;
		struct ioapic_message want;
	} rows[] = {
		{ 0x31, { 0x31, IOAPIC_FIXED, 0, false, false } },
		{ 0x0700000000000031ULL, { 0x31, IOAPIC_FIXED, 7, false, false } },
		{ 0xff00000000000132ULL | LOGICAL,
		  { 0x32, IOAPIC_LOWEST_PRIORITY, 0xff, true, false } },
		{ 0x33 | LEVEL, { 0x33, IOAPIC_FIXED, 0, false, true } },
		{ 0x34 | LEVEL | ACTIVE_LOW, { 0x34, IOAPIC_FIXED, 0, false, true } },
		{ 0x135 | LEVEL, { 0x35, IOAPIC_LOWEST_PRIORITY, 0, false, true } },
		{ 0x200, { 0, IOAPIC_SMI, 0, false, false } },
		{ 0x400 | LEVEL, { 0, IOAPIC_NMI, 0, false, false } },
		{ 0x500 | LEVEL, { 0, IOAPIC_INIT, 0, false, false } },
		{ 0x736 | LEVEL, { 0x36, IOAPIC_EXTINT, 0, false, false } },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ioapic ioapic = fresh();
		const struct ioapic_message *want = &rows[i].want;

		program(&ioapic, 9, rows[i].entry);
		ioapic_set_pin(&ioapic, 9, true);
		assert_int_equal(sent_count, 1);
		assert_int_equal(sent[0].vector, want->vector);
		assert_int_equal(sent[0].delivery, want->delivery);
		assert_int_equal(sent[0].destination, want->destination);
		assert_int_equal(sent[0].logical, want->logical);
		assert_int_equal(sent[0].level, want->level);
		assert_int_equal(!!(entry_of(&ioapic, 9) & REMOTE_IRR), want->level);
	}
}

UNIT(reserved_delivery_modes_send_nothing)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 5, 0x331);
	program(&ioapic, 6, 0x632 | LEVEL);
	ioapic_set_pin(&ioapic, 5, true);
	ioapic_set_pin(&ioapic, 6, true);
	assert_int_equal(sent_count, 0);
}

UNIT(an_edge_on_a_masked_pin_is_lost)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 4, 0x33 | MASKED);
	ioapic_set_pin(&ioapic, 4, true);
	program(&ioapic, 4, 0x33);
	assert_int_equal(sent_count, 0);
	ioapic_set_pin(&ioapic, 4, false);
	ioapic_set_pin(&ioapic, 4, true);
	assert_int_equal(sent_count, 1);
}

UNIT(a_level_on_a_masked_pin_is_sent_when_unmasked)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 4, 0x33 | LEVEL | MASKED);
	ioapic_set_pin(&ioapic, 4, true);
	assert_int_equal(sent_count, 0);
	program(&ioapic, 4, 0x33 | LEVEL);
	assert_int_equal(sent_count, 1);
	assert_true(entry_of(&ioapic, 4) & REMOTE_IRR);
}

UNIT(remote_irr_holds_a_level_back_until_eoi)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 10, 0x41 | LEVEL);
	ioapic_set_pin(&ioapic, 10, true);
	ioapic_set_pin(&ioapic, 10, false);
	ioapic_set_pin(&ioapic, 10, true);
	assert_int_equal(sent_count, 1);
	ioapic_set_pin(&ioapic, 10, false);
	ioapic_eoi(&ioapic, 0x41);
	assert_int_equal(sent_count, 1);
	assert_false(entry_of(&ioapic, 10) & REMOTE_IRR);
	ioapic_set_pin(&ioapic, 10, true);
	assert_int_equal(sent_count, 2);
}

UNIT(eoi_sends_a_level_that_still_stands)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 10, 0x41 | LEVEL);
	ioapic_set_pin(&ioapic, 10, true);
	ioapic_eoi(&ioapic, 0x41);
	assert_int_equal(sent_count, 2);
	assert_true(entry_of(&ioapic, 10) & REMOTE_IRR);
}

UNIT(eoi_of_a_masked_pin_clears_and_does_not_send)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 10, 0x41 | LEVEL);
	ioapic_set_pin(&ioapic, 10, true);
	program(&ioapic, 10, 0x41 | LEVEL | MASKED);
	assert_true(entry_of(&ioapic, 10) & REMOTE_IRR);
	ioapic_eoi(&ioapic, 0x41);
	assert_int_equal(sent_count, 1);
	assert_false(entry_of(&ioapic, 10) & REMOTE_IRR);
	program(&ioapic, 10, 0x41 | LEVEL);
	assert_int_equal(sent_count, 2);
}

UNIT(eoi_reaches_every_pin_with_the_vector_and_no_other)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 10, 0x41 | LEVEL);
	program(&ioapic, 11, 0x41 | LEVEL);
	program(&ioapic, 12, 0x42 | LEVEL);
	for (u32 pin = 10; pin <= 12; pin++)
		ioapic_set_pin(&ioapic, pin, true);
	for (u32 pin = 10; pin <= 12; pin++)
		ioapic_set_pin(&ioapic, pin, false);
	ioapic_eoi(&ioapic, 0x41);
	assert_false(entry_of(&ioapic, 10) & REMOTE_IRR);
	assert_false(entry_of(&ioapic, 11) & REMOTE_IRR);
	assert_true(entry_of(&ioapic, 12) & REMOTE_IRR);
	assert_int_equal(sent_count, 3);
}

UNIT(eoi_of_an_edge_changes_nothing)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 3, 0x41);
	ioapic_set_pin(&ioapic, 3, true);
	ioapic_eoi(&ioapic, 0x41);
	assert_int_equal(sent_count, 1);
}

/* How Linux ends a level interrupt on version 11h without the EOI broadcast. */
UNIT(edge_and_back_ends_a_level_interrupt)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 10, 0x41 | LEVEL);
	ioapic_set_pin(&ioapic, 10, true);
	reg_write(&ioapic, 0x10 + 2 * 10, 0x41 | MASKED);
	assert_false(entry_of(&ioapic, 10) & REMOTE_IRR);
	assert_int_equal(sent_count, 1);
	reg_write(&ioapic, 0x10 + 2 * 10, 0x41 | LEVEL);
	assert_int_equal(sent_count, 2);
}

UNIT(remote_irr_cannot_be_written)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 10, 0x41 | LEVEL | REMOTE_IRR | BIT(12));
	assert_int_equal(entry_of(&ioapic, 10), 0x41 | LEVEL);
	ioapic_set_pin(&ioapic, 10, true);
	ioapic_set_pin(&ioapic, 10, false);
	program(&ioapic, 10, 0x41 | LEVEL);
	assert_int_equal(entry_of(&ioapic, 10), 0x41 | LEVEL | REMOTE_IRR);
}

UNIT(the_upper_half_moves_the_destination_only)
{
	struct ioapic ioapic = fresh();

	program(&ioapic, 1, 0x41);
	reg_write(&ioapic, 0x13, 0x05ffffff);
	assert_true(entry_of(&ioapic, 1) == 0x0500000000000041ULL);
}

/* Beside a naive model of one level pin: in service or not, line up or not. */
UNIT(random_level_sequences_follow_the_model)
{
	struct ioapic ioapic = fresh();
	bool line = false, masked = true, in_service = false;
	u64 seed = 7;

	program(&ioapic, 7, 0x51 | LEVEL | MASKED);
	for (u32 i = 0; i < 20000; i++) {
		u64 random = unit_random(&seed) >> 32;
		bool want;

		sent_count = 0;
		switch (random % 3) {
		case 0:
			line = random & 8;
			ioapic_set_pin(&ioapic, 7, line);
			break;
		case 1:
			masked = random & 8;
			program(&ioapic, 7, 0x51 | LEVEL | (masked ? MASKED : 0));
			break;
		default:
			in_service = false;
			ioapic_eoi(&ioapic, 0x51);
			break;
		}
		want = line && !masked && !in_service;
		in_service = in_service || want;
		assert_int_equal(sent_count, want);
		assert_int_equal(!!(entry_of(&ioapic, 7) & REMOTE_IRR), in_service);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_version_names_24_pins),
		cmocka_unit_test(the_id_has_four_bits_and_shows_in_the_arbitration_register),
		cmocka_unit_test(entries_start_masked_and_keep_their_writable_bits),
		cmocka_unit_test(unknown_indices_read_zero_and_write_nothing),
		cmocka_unit_test(the_index_reads_back_as_a_byte),
		cmocka_unit_test(other_sizes_and_offsets_reach_no_register),
		cmocka_unit_test(an_edge_is_sent_once),
		cmocka_unit_test(messages_carry_the_entry),
		cmocka_unit_test(reserved_delivery_modes_send_nothing),
		cmocka_unit_test(an_edge_on_a_masked_pin_is_lost),
		cmocka_unit_test(a_level_on_a_masked_pin_is_sent_when_unmasked),
		cmocka_unit_test(remote_irr_holds_a_level_back_until_eoi),
		cmocka_unit_test(eoi_sends_a_level_that_still_stands),
		cmocka_unit_test(eoi_of_a_masked_pin_clears_and_does_not_send),
		cmocka_unit_test(eoi_reaches_every_pin_with_the_vector_and_no_other),
		cmocka_unit_test(eoi_of_an_edge_changes_nothing),
		cmocka_unit_test(edge_and_back_ends_a_level_interrupt),
		cmocka_unit_test(remote_irr_cannot_be_written),
		cmocka_unit_test(the_upper_half_moves_the_destination_only),
		cmocka_unit_test(random_level_sequences_follow_the_model),
	};

	return cmocka_run_group_tests_name("hv/dev/ioapic", tests, NULL, NULL);
}
