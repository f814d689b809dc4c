/* SPDX-License-Identifier: MIT */
/* vmx/lapic_icr.c: what the ICR sends, and destinations against a table made bit by bit. */
#include "lapic_fixture.h"

static struct lapic_box box;

static struct lapic_effect send(struct lapic *lapic, u32 icr, u8 destination)
{
	lapic_write(lapic, LAPIC_ICR2, (u32)destination << 24, 0);
	return lapic_write(lapic, LAPIC_ICR, icr, 0);
}

UNIT(message_carries_all_fields)
{
	struct lapic *lapic = box_enabled(&box, 2);
	struct lapic_effect effect = send(lapic, 0x84c41, 0x7f); /* all, logical, NMI */

	assert_int_equal(effect.kind, LAPIC_SEND);
	assert_int_equal(effect.message.destination, 0x7f);
	assert_int_equal(effect.message.source, 2);
	assert_int_equal(effect.message.vector, 0x41);
	assert_int_equal(effect.message.mode, APIC_NMI);
	assert_int_equal(effect.message.shorthand, APIC_TO_ALL);
	assert_true(effect.message.logical && !effect.message.wide);
	assert_int_equal(lapic_read(lapic, LAPIC_ICR, 0), 0x84c41);
	assert_int_equal(lapic_read(lapic, LAPIC_ICR2, 0), 0x7f000000);
}

UNIT(only_valid_combinations_are_sent)
{
	/* Rows: shorthand; columns: fixed, lowest, SMI, reserved, NMI, INIT, start-up, ExtINT. */
	static const char *sent[] = { "11001110", "00000000", "10001000", "11001110" };
	struct lapic *lapic = box_enabled(&box, 2);

	for (u32 shorthand = 0; shorthand < 4; shorthand++)
		for (u32 mode = 0; mode < 8; mode++)
			assert_int_equal(
				send(lapic, shorthand << 18 | mode << 8 | 0x4041, 1).kind ==
					LAPIC_SEND,
				sent[shorthand][mode] == '1');
	lapic_write(lapic, LAPIC_ESR, 0, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_ESR, 0), 0);
}

UNIT(init_deassert_does_nothing)
{
	struct lapic *lapic = box_enabled(&box, 2);

	assert_int_equal(send(lapic, 0x8500, 1).kind, LAPIC_NOTHING);
	assert_int_equal(send(lapic, 0xc500, 1).kind, LAPIC_SEND);
	assert_int_equal(send(lapic, 0x0500, 1).kind, LAPIC_SEND);
}

UNIT(ipis_are_edge_triggered_whatever_the_bit_says)
{
	struct lapic *lapic = box_enabled(&box, 2);

	assert_int_equal(send(lapic, 0xc041, 1).message.trigger, APIC_EDGE);
}

UNIT(illegal_vector_is_an_error_and_not_sent)
{
	struct lapic *lapic = box_enabled(&box, 2);

	for (u32 vector = 0; vector < 18; vector++)
		for (u32 mode = APIC_FIXED; mode <= APIC_LOWEST; mode++) {
			assert_int_equal(send(lapic, mode << 8 | vector, 1).kind,
					 vector < 16 ? LAPIC_NOTHING : LAPIC_SEND);
			lapic_write(lapic, LAPIC_ESR, 0, 0);
			assert_int_equal(lapic_read(lapic, LAPIC_ESR, 0), vector < 16 ? 0x20 : 0);
		}
	/* NMI, INIT and start-up have no vector to be illegal. */
	assert_int_equal(send(lapic, 0x4400, 1).kind, LAPIC_SEND);
	assert_int_equal(send(lapic, 0x4600, 1).kind, LAPIC_SEND);
}

UNIT(self_shorthand_arrives_at_once)
{
	struct lapic *lapic = box_enabled(&box, 2);

	assert_int_equal(send(lapic, 0x44041, 0).kind, LAPIC_NOTHING);
	assert_int_equal(lapic_pending_vector(lapic), 0x41);
	assert_int_equal(send(lapic, 0x44400, 0).kind, LAPIC_NOTHING);
	assert_true(lapic_take_nmi(lapic));
}

UNIT(software_disabled_apic_still_sends)
{
	struct lapic *lapic = box_create(&box, 2);

	assert_int_equal(send(lapic, 0x4041, 1).kind, LAPIC_SEND);
	assert_int_equal(send(lapic, 0x44041, 1).kind, LAPIC_NOTHING);
	assert_int_equal(lapic_highest_irr(lapic), LAPIC_NO_VECTOR);
}

UNIT(shorthands_pick_by_sender)
{
	struct lapic *lapic = box_enabled(&box, 2);

	for (u32 shorthand = APIC_TO_SELF; shorthand <= APIC_TO_OTHERS; shorthand++)
		for (u32 source = 0; source < 4; source++) {
			const struct apic_message message = { .shorthand = (u8)shorthand,
							      .source = source };
			bool self = source == 2;
			bool expected = shorthand == APIC_TO_ALL ||
					(shorthand == APIC_TO_SELF ? self : !self);

			assert_int_equal(lapic_matches(lapic, &message), expected);
		}
}

/* What the manual says, without masks: look at each bit of a destination on its own. */
static bool expected_xapic(u32 id, u32 ldr, bool cluster, const struct apic_message *m)
{
	if (m->destination == (m->wide ? 0xffffffff : 0xff))
		return true;
	if (m->destination > 0xff)
		return false;
	if (!m->logical)
		return m->destination == id % 256;
	if (cluster && m->destination / 16 != ldr / 16)
		return false;
	for (u32 bit = 0; bit < (cluster ? 4 : 8); bit++)
		if ((ldr >> bit) % 2 && (m->destination >> bit) % 2)
			return true;
	return false;
}

UNIT(xapic_destinations_match_the_table)
{
	static const u32 ids[] = { 0, 1, 7, 15, 254 };
	struct lapic *lapic;
	u64 seed = 3;

	for (u32 i = 0; i < 5 * 2 * 64; i++) {
		u32 id = ids[i % 5], ldr = (u32)unit_random(&seed) & 0xff;
		bool cluster = i / 5 % 2;

		lapic = box_enabled(&box, id);
		lapic_write(lapic, LAPIC_LDR, ldr << 24, 0);
		lapic_write(lapic, LAPIC_DFR, cluster ? 0 : 0xf0000000, 0);
		for (u32 destination = 0; destination < 2 * 260; destination++) {
			const struct apic_message message = {
				.destination = destination / 2 > 257 ? ~0u : destination / 2,
				.logical = destination & 1,
				.wide = i & 1,
				.source = APIC_NO_SOURCE,
			};

			assert_int_equal(lapic_matches(lapic, &message),
					 expected_xapic(id, ldr, cluster, &message));
		}
	}
}

UNIT(unknown_logical_models_match_broadcasts_only)
{
	struct lapic *lapic = box_enabled(&box, 1);
	struct apic_message message = { .destination = 1, .logical = true };

	lapic_write(lapic, LAPIC_LDR, 0x01000000, 0);
	for (u32 model = 0; model < 16; model++) {
		lapic_write(lapic, LAPIC_DFR, model << 28, 0);
		message.destination = 1;
		assert_int_equal(lapic_matches(lapic, &message), model == 0 || model == 15);
		message.destination = 0xff;
		assert_true(lapic_matches(lapic, &message));
	}
}

static bool expected_x2apic(u32 id, const struct apic_message *m)
{
	if (m->destination == (m->wide ? 0xffffffff : 0xff))
		return true;
	if (!m->logical)
		return m->destination == id;
	for (u32 member = 0; member < 16; member++)
		if (id == m->destination / 65536 * 16 + member && (m->destination >> member) % 2)
			return true;
	return false;
}

UNIT(x2apic_destinations_match_the_table)
{
	static const u32 ids[] = { 0, 1, 15, 16, 31, 255, 0x123 };

	for (u32 i = 0; i < ARRAY_SIZE(ids); i++) {
		struct lapic *lapic = box_x2apic(&box, ids[i]);

		for (u32 cluster = 0; cluster < 20; cluster++)
			for (u32 low = 0; low < 0x10000; low += low < 600 ? 1 : 251)
				for (u32 kind = 0; kind < 4; kind++) {
					const struct apic_message message = {
						.destination = cluster << 16 | low,
						.logical = kind & 1,
						.wide = kind & 2,
						.source = APIC_NO_SOURCE,
					};

					assert_int_equal(lapic_matches(lapic, &message),
							 expected_x2apic(ids[i], &message));
				}
	}
}

UNIT(x2apic_broadcast_reaches_all_and_ffh_is_an_id)
{
	struct lapic *lapic = box_x2apic(&box, 5);
	struct apic_message message = { .destination = 0xffffffff, .wide = true };

	assert_true(lapic_matches(lapic, &message));
	message.logical = true;
	assert_true(lapic_matches(lapic, &message));
	message = (struct apic_message){ .destination = 0xff, .wide = true };
	assert_false(lapic_matches(lapic, &message));
	message.wide = false; /* an I/O APIC's */
	assert_true(lapic_matches(lapic, &message));
}

UNIT(disabled_apic_gets_nothing)
{
	struct lapic *lapic = box_enabled(&box, 1);
	const struct apic_message all = { .shorthand = APIC_TO_ALL };
	const struct apic_message broadcast = { .destination = 0xff };

	lapic_write_base(lapic, 0xfee00000);
	assert_false(lapic_matches(lapic, &all));
	assert_false(lapic_matches(lapic, &broadcast));
}

UNIT(candidates_are_enabled_by_software)
{
	struct lapic *lapic = box_create(&box, 1);
	const struct apic_message message = { .destination = 1, .mode = APIC_LOWEST };

	assert_true(lapic_matches(lapic, &message));
	assert_false(lapic_is_candidate(lapic, &message));
	lapic_write(lapic, LAPIC_SVR, ENABLED_SVR, 0);
	assert_true(lapic_is_candidate(lapic, &message));
	lapic_write(lapic, LAPIC_TPR, 0x37, 0);
	assert_int_equal(lapic_arbitration_priority(lapic), 0x37);
	arrive(lapic, 0x51);
	lapic_acknowledge(lapic, 0x51);
	assert_int_equal(lapic_arbitration_priority(lapic), 0x50);
	lapic_write(lapic, LAPIC_EOI, 0, 0);
	assert_int_equal(lapic_arbitration_priority(lapic), 0x37);
}

UNIT(arbitration_picks_the_lowest_priority)
{
	static const u8 priorities[64] = { 0x50, 0x20, 0x10, 0x30 };

	assert_int_equal(apic_arbitrate(priorities, 0xf, 0), 2);
	assert_int_equal(apic_arbitrate(priorities, 0xb, 2), 1);
	assert_int_equal(apic_arbitrate(priorities, 0x1, 0), 0);
	assert_int_equal(apic_arbitrate(priorities, 0, 0), APIC_NOBODY);
}

UNIT(equals_take_turns)
{
	static const u8 priorities[64];
	u32 last = APIC_NOBODY, wins[64] = { 0 };
	const u64 candidates = BIT(0) | BIT(3) | BIT(15) | BIT(63);

	for (u32 i = 0; i < 400; i++) {
		last = apic_arbitrate(priorities, candidates, last);
		wins[last]++;
	}
	for (u32 i = 0; i < 64; i++)
		assert_int_equal(wins[i], candidates & BIT(i) ? 100 : 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_carries_all_fields),
		cmocka_unit_test(only_valid_combinations_are_sent),
		cmocka_unit_test(init_deassert_does_nothing),
		cmocka_unit_test(ipis_are_edge_triggered_whatever_the_bit_says),
		cmocka_unit_test(illegal_vector_is_an_error_and_not_sent),
		cmocka_unit_test(self_shorthand_arrives_at_once),
		cmocka_unit_test(software_disabled_apic_still_sends),
		cmocka_unit_test(shorthands_pick_by_sender),
		cmocka_unit_test(xapic_destinations_match_the_table),
		cmocka_unit_test(unknown_logical_models_match_broadcasts_only),
		cmocka_unit_test(x2apic_destinations_match_the_table),
		cmocka_unit_test(x2apic_broadcast_reaches_all_and_ffh_is_an_id),
		cmocka_unit_test(disabled_apic_gets_nothing),
		cmocka_unit_test(candidates_are_enabled_by_software),
		cmocka_unit_test(arbitration_picks_the_lowest_priority),
		cmocka_unit_test(equals_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
