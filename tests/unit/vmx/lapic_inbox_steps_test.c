/* SPDX-License-Identifier: MIT */
/* vmx/lapic_inbox.c once more, with a stop before each of its atomic operations: another CPU's
 * whole post or collect is put in at every stop in turn, so that no interleaving is left to chance.
 */
#include "lapic_fixture.h"

static void stop_here(void);

#define __atomic_exchange_n(p, v, o) (stop_here(), __atomic_exchange_n(p, v, o))
#define __atomic_fetch_or(p, v, o)   (stop_here(), __atomic_fetch_or(p, v, o))
#define __atomic_load_n(p, o)        (stop_here(), __atomic_load_n(p, o))
#define __atomic_compare_exchange_n(p, e, v, w, s, f) \
	(stop_here(), __atomic_compare_exchange_n(p, e, v, w, s, f))
#include "vmx/lapic_inbox.c" /* NOLINT(bugprone-suspicious-include) */

#define VECTOR 0x41
#define OTHER  0x42

static struct lapic_box box;
static u32 stops, stop_at;
static bool other_kicks;
static void (*other)(void);

static void stop_here(void)
{
	void (*now)(void) = other;

	if (++stops != stop_at || !now)
		return;
	other = NULL; /* its own operations have no stops */
	now();
}

/* Lets `what` in at the n-th stop of what runs next. */
static struct lapic *prepare(void (*what)(void), u32 n)
{
	struct lapic *lapic;

	other = NULL;
	lapic = box_enabled(&box, 0);
	stops = 0;
	stop_at = n;
	other = what;
	other_kicks = false;
	return lapic;
}

static void collect(void)
{
	lapic_collect(&box.lapic);
}

static void post_other(void)
{
	other_kicks = lapic_post(&box.lapic, OTHER, APIC_EDGE);
}

static void post_nmi(void)
{
	other_kicks = lapic_post_event(&box.lapic, LAPIC_EVENT_NMI, 0);
}

UNIT(a_post_cut_by_a_collect_arrives_or_kicks)
{
	u32 n = 0;

	do {
		struct lapic *lapic = prepare(collect, ++n);
		bool kick = lapic_post(lapic, VECTOR, APIC_EDGE);

		assert_true(kick || in_bitmap(lapic, LAPIC_IRR, VECTOR));
		lapic_collect(lapic);
		assert_true(in_bitmap(lapic, LAPIC_IRR, VECTOR));
	} while (!other);
	assert_true(n > 2);
}

UNIT(an_event_cut_by_a_collect_arrives_or_kicks)
{
	u32 n = 0;

	do {
		struct lapic *lapic = prepare(collect, ++n);
		bool kick = lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x12);

		assert_true(kick || lapic->events == (LAPIC_EVENT_SIPI | 0x1200));
		assert_int_equal(lapic_collect(lapic), LAPIC_EVENT_SIPI | 0x1200);
	} while (!other);
	assert_true(n > 3);
}

/* What came before the collect arrives by it; what comes during it arrives, or kicks for another.
 */
UNIT(a_collect_cut_by_a_post_loses_neither)
{
	u32 n = 0;

	do {
		struct lapic *lapic = prepare(NULL, ++n);

		lapic_post(lapic, VECTOR, APIC_EDGE);
		stops = 0;
		other = post_other;
		lapic_collect(lapic);
		assert_true(in_bitmap(lapic, LAPIC_IRR, VECTOR));
		assert_true(other || other_kicks || in_bitmap(lapic, LAPIC_IRR, OTHER));
		if (other_kicks)
			lapic_collect(lapic);
		assert_int_equal(in_bitmap(lapic, LAPIC_IRR, OTHER), !other);
	} while (!other);
	assert_true(n > 10);
}

UNIT(a_collect_cut_by_an_event_loses_neither)
{
	u32 n = 0;

	do {
		struct lapic *lapic = prepare(NULL, ++n);

		lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x12);
		stops = 0;
		other = post_nmi;
		lapic_collect(lapic);
		if (other_kicks)
			lapic_collect(lapic);
		assert_int_equal(lapic->events,
				 LAPIC_EVENT_SIPI | 0x1200 | (other ? 0 : LAPIC_EVENT_NMI));
	} while (!other);
}

UNIT(posts_cut_by_posts_keep_both)
{
	u32 n = 0;

	do {
		struct lapic *lapic = prepare(post_nmi, ++n);

		assert_true(lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x12) != other_kicks);
		lapic_collect(lapic);
		assert_int_equal(lapic->events,
				 LAPIC_EVENT_SIPI | 0x1200 | (other ? 0 : LAPIC_EVENT_NMI));
	} while (!other);
	assert_true(n > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_post_cut_by_a_collect_arrives_or_kicks),
		cmocka_unit_test(an_event_cut_by_a_collect_arrives_or_kicks),
		cmocka_unit_test(a_collect_cut_by_a_post_loses_neither),
		cmocka_unit_test(a_collect_cut_by_an_event_loses_neither),
		cmocka_unit_test(posts_cut_by_posts_keep_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
