/* SPDX-License-Identifier: MIT */
/* vmx/lapic_inbox.c: what other CPUs send arrives once, in the right order, and is never lost. */
#include <pthread.h>
#include <sched.h>
#include "lapic_fixture.h"

static struct lapic_box box;

UNIT(first_post_after_a_collect_kicks)
{
	struct lapic *lapic = box_enabled(&box, 0);

	assert_true(lapic_post(lapic, 0x40, APIC_EDGE));
	assert_false(lapic_post(lapic, 0x40, APIC_EDGE));
	assert_false(lapic_post(lapic, 0xf0, APIC_LEVEL));
	assert_false(lapic_post_event(lapic, LAPIC_EVENT_NMI, 0));
	assert_int_equal(lapic_collect(lapic), LAPIC_EVENT_NMI);
	assert_true(in_bitmap(lapic, LAPIC_IRR, 0x40) && in_bitmap(lapic, LAPIC_IRR, 0xf0));
	assert_true(in_bitmap(lapic, LAPIC_TMR, 0xf0) && !in_bitmap(lapic, LAPIC_TMR, 0x40));
	assert_true(lapic_post(lapic, 0x40, APIC_EDGE));
}

UNIT(every_legal_vector_arrives_in_its_own_bit)
{
	for (u32 vector = 16; vector < 256; vector++) {
		struct lapic *lapic = box_enabled(&box, 0);

		arrive(lapic, (u8)vector);
		for (u32 v = 0; v < 256; v++)
			assert_int_equal(in_bitmap(lapic, LAPIC_IRR, v), v == vector);
	}
}

UNIT(a_vector_that_came_both_ways_is_level)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_post(lapic, 0x40, APIC_LEVEL);
	lapic_post(lapic, 0x40, APIC_EDGE);
	lapic_collect(lapic);
	assert_true(in_bitmap(lapic, LAPIC_TMR, 0x40));
}

/* One is taken while the next waits, whether a collect came between them or not. */
UNIT(nmis_are_at_most_two_until_taken)
{
	for (u32 collected = 0; collected <= 3; collected++) {
		struct lapic *lapic = box_enabled(&box, 0);

		for (u32 i = 0; i < 3; i++) {
			if (i == collected)
				lapic_collect(lapic);
			lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
		}
		assert_true(lapic_collect(lapic) & LAPIC_EVENT_NMI);
		assert_true(lapic_take_nmi(lapic));
		assert_true(lapic_collect(lapic) & LAPIC_EVENT_NMI);
		assert_true(lapic_take_nmi(lapic));
		assert_false(lapic_collect(lapic) & LAPIC_EVENT_NMI);
		assert_false(lapic_take_nmi(lapic));
	}
}

UNIT(nmis_are_one_while_they_are_blocked)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
	lapic_merge_nmis(lapic);
	assert_int_equal(lapic_collect(lapic), LAPIC_EVENT_NMI);
	lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
	lapic_collect(lapic);
	lapic_merge_nmis(lapic);
	assert_true(lapic_take_nmi(lapic));
	assert_false(lapic_take_nmi(lapic));
}

UNIT(sipi_ends_the_wait_with_its_vector_and_only_the_first_counts)
{
	struct lapic *lapic = box_create(&box, 1);

	lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x12);
	lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x34);
	lapic_collect(lapic);
	lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x56);
	lapic_collect(lapic);
	assert_int_equal(lapic_take_sipi(lapic), 0x12);
	assert_int_equal(lapic_take_sipi(lapic), LAPIC_NO_VECTOR);
	lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x34);
	lapic_collect(lapic);
	assert_int_equal(lapic_take_sipi(lapic), LAPIC_NO_VECTOR);
}

UNIT(sipi_with_vector_zero_is_a_sipi)
{
	struct lapic *lapic = box_create(&box, 1);

	lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0);
	lapic_collect(lapic);
	assert_int_equal(lapic_take_sipi(lapic), 0);
}

UNIT(init_then_sipi_restarts_in_that_order)
{
	struct lapic *lapic = box_enabled(&box, 1);

	lapic->waits_for_sipi = false;
	lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
	lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x9a);
	lapic_collect(lapic);
	assert_true(lapic_take_init(lapic));
	assert_int_equal(lapic_take_sipi(lapic), 0x9a);
	assert_false(lapic->waits_for_sipi);
}

UNIT(init_wipes_out_what_came_before_it)
{
	for (u32 collected = 0; collected < 2; collected++) {
		struct lapic *lapic = box_create(&box, 1);

		lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x12);
		lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
		if (collected)
			lapic_collect(lapic);
		lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
		assert_int_equal(lapic_collect(lapic), LAPIC_EVENT_INIT);
		assert_true(lapic_take_init(lapic));
		assert_int_equal(lapic_take_sipi(lapic), LAPIC_NO_VECTOR);
		assert_true(lapic->waits_for_sipi);
	}
}

UNIT(messages_arrive_by_their_delivery_mode)
{
	static const struct {
		u32 mode, events;
		bool interrupt;
	} expected[] = {
		{ APIC_FIXED, 0, true },
		{ APIC_LOWEST, 0, true },
		{ APIC_SMI, 0, false },
		{ APIC_RESERVED, 0, false },
		{ APIC_NMI, LAPIC_EVENT_NMI, false },
		{ APIC_INIT, LAPIC_EVENT_INIT, false },
		{ APIC_STARTUP, LAPIC_EVENT_SIPI | 0x4100, false },
		{ APIC_EXTINT, LAPIC_EVENT_EXTINT, false },
	};

	for (u32 i = 0; i < ARRAY_SIZE(expected); i++) {
		struct lapic *lapic = box_enabled(&box, 0);
		const struct apic_message message = { .mode = (u8)expected[i].mode,
						      .vector = 0x41 };
		bool arrives = expected[i].events || expected[i].interrupt;

		assert_int_equal(lapic_deliver(lapic, &message), arrives);
		assert_int_equal(lapic_collect(lapic), expected[i].events);
		assert_int_equal(in_bitmap(lapic, LAPIC_IRR, 0x41), expected[i].interrupt);
		assert_int_equal(lapic_take_extint(lapic), i == APIC_EXTINT);
	}
}

UNIT(access_sees_what_was_posted_before_it)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_post(lapic, 0x40, APIC_EDGE);
	assert_int_equal(lapic_read(lapic, LAPIC_IRR + 0x20, 0), 1);
}

/* --- posts from several threads ------------------------------------------------------------------
 */

#define POSTERS  3u
#define ROUNDS   100000u
#define PATIENCE 300000000u

/* Each poster has vectors of its own, all of one word of the bitmap, and waits for each one to be
 * seen. So a lost one, or a kick that was due and did not come, stops it for ever: the owner's
 * patience ends, and the test. */
static u32 seen[POSTERS];
static u32 kicks;
static u32 abandon;

static u8 vector_of(u32 poster, u32 round)
{
	return (u8)(0x80 + poster + POSTERS * (round % 16));
}

/* Two CPUs are enough for the races; more threads than CPUs must give way now and then. */
static void relax(u32 turn)
{
	if (turn % 512 == 511)
		sched_yield();
}

static void *poster_main(void *argument)
{
	u32 self = *(const u32 *)argument, turn = 0;

	for (u32 round = 0; round < ROUNDS; round++) {
		enum apic_trigger trigger = round & 16 ? APIC_LEVEL : APIC_EDGE;

		if (lapic_post(&box.lapic, vector_of(self, round), trigger))
			__atomic_fetch_add(&kicks, 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&seen[self], __ATOMIC_ACQUIRE) != round + 1) {
			if (__atomic_load_n(&abandon, __ATOMIC_RELAXED))
				return NULL;
			relax(turn++);
		}
	}
	return NULL;
}

/* Takes what is in IRR and tells each poster; no register access, for that would collect too. */
static u32 drain(struct lapic *lapic)
{
	u32 taken = 0;

	for (int v = lapic_highest_irr(lapic); v >= 0; v = lapic_highest_irr(lapic), taken++) {
		u32 poster = ((u32)v - 0x80) % POSTERS, round = seen[poster];

		assert_int_equal(v, vector_of(poster, round));
		assert_int_equal(in_bitmap(lapic, LAPIC_TMR, (u32)v), round >> 4 & 1);
		lapic->page[(LAPIC_IRR + (u32)v / 32 * 16) / 4] &= ~(1u << (u32)v % 32);
		__atomic_fetch_add(&seen[poster], 1, __ATOMIC_RELEASE);
	}
	return taken;
}

UNIT(nothing_is_lost_and_every_needed_kick_comes)
{
	struct lapic *lapic = box_enabled(&box, 0);
	u32 numbers[POSTERS], handled = 0, taken = 0, patience = 0;
	pthread_t threads[POSTERS];

	for (u32 i = 0; i < POSTERS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, poster_main, &numbers[i]), 0);
	}
	while (taken < POSTERS * ROUNDS && patience < PATIENCE) {
		if (__atomic_load_n(&kicks, __ATOMIC_ACQUIRE) == handled) {
			relax(patience++);
			continue;
		}
		patience = 0;
		handled++;
		lapic_collect(lapic);
		taken += drain(lapic);
	}
	__atomic_store_n(&abandon, 1, __ATOMIC_RELAXED);
	for (u32 i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(taken, POSTERS * ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_post_after_a_collect_kicks),
		cmocka_unit_test(every_legal_vector_arrives_in_its_own_bit),
		cmocka_unit_test(a_vector_that_came_both_ways_is_level),
		cmocka_unit_test(nmis_are_at_most_two_until_taken),
		cmocka_unit_test(nmis_are_one_while_they_are_blocked),
		cmocka_unit_test(sipi_ends_the_wait_with_its_vector_and_only_the_first_counts),
		cmocka_unit_test(sipi_with_vector_zero_is_a_sipi),
		cmocka_unit_test(init_then_sipi_restarts_in_that_order),
		cmocka_unit_test(init_wipes_out_what_came_before_it),
		cmocka_unit_test(messages_arrive_by_their_delivery_mode),
		cmocka_unit_test(access_sees_what_was_posted_before_it),
		cmocka_unit_test(nothing_is_lost_and_every_needed_kick_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
