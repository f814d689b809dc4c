/* SPDX-License-Identifier: MIT */
/*
 * What a look-up and an update of regions cost, beside how many regions. A look-up is of another
 * region each time, so that the shortcut to the last one is of no use; an update is an addition and
 * a deletion of a page between two regions. The hypercalls themselves are taken off. docs/bench.md
 * defines the rows.
 */
#include "tests/guest/lib/bench.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"

#define ITERATIONS 1000u
#define BASE       (64 * GIB) /* nothing of the machine is here */
#define STEP       40503u     /* odd: goes round all places of a power of two */
#define NO_CALL    0u         /* a number without a hypercall */

static u64 count, turn; /* regions; which of them is next */
static const char *why; /* something went wrong */

/* One page for each, with room for another between them. */
static u64 region_at(u64 number)
{
	return BASE + number * 2 * PAGE_SIZE;
}

static u64 next_region(void)
{
	turn = (turn + STEP) % count;
	return region_at(turn);
}

static void must(s64 error, const char *what)
{
	if (error && !why)
		why = what;
}

static const char *finish(void)
{
	while (count)
		must(region_delete(region_at(--count)), "a region was lost");
	return why;
}

/* All of their pages at once, to see whether there is room for them. */
static bool has_room(u64 regions)
{
	return !nestor_call(NESTOR_CALL_REGION_ADD, BASE, regions * PAGE_SIZE, NULL) &&
	       !region_delete(BASE);
}

static const char *prepare(u64 regions)
{
	count = turn = 0;
	why = NULL;
	if (!nestor_has(NESTOR_CAP_TEST_CALLS))
		return "needs test_calls = on";
	if (!has_room(regions))
		return "needs memory that L1 has not: see memory in nestor.cfg";
	for (; !why && count < regions; count++)
		must(nestor_call(NESTOR_CALL_REGION_ADD, region_at(count), PAGE_SIZE, NULL),
		     "a region was refused");
	return why ? finish() : NULL;
}

static void look_up(u64 iterations)
{
	while (iterations--)
		must(nestor_call(NESTOR_CALL_REGION_FIND, next_region(), 0, NULL),
		     "a region was not found");
}

static void update(u64 iterations)
{
	while (iterations--) {
		u64 gap = next_region() + PAGE_SIZE;

		must(nestor_call(NESTOR_CALL_REGION_ADD, gap, PAGE_SIZE, NULL),
		     "an addition was refused");
		must(region_delete(gap), "a deletion was refused");
	}
}

static void call_nothing(u64 iterations)
{
	while (iterations--)
		must(nestor_call(NO_CALL, next_region(), 0, NULL) != -NESTOR_ENOTSUP,
		     "the hypercall that is none was taken for one");
}

static void call_nothing_twice(u64 iterations)
{
	while (iterations--) {
		u64 gap = next_region() + PAGE_SIZE;

		must(nestor_call(NO_CALL, gap, PAGE_SIZE, NULL) != -NESTOR_ENOTSUP,
		     "the hypercall that is none was taken for one");
		must(nestor_call(NO_CALL, gap, 0, NULL) != -NESTOR_ENOTSUP,
		     "the hypercall that is none was taken for one");
	}
}

#define REGION_BENCHES(regions)                                                           \
	static const char *prepare_##regions(void)                                        \
	{                                                                                 \
		return prepare(regions);                                                  \
	}                                                                                 \
	static const struct bench_frame frame_##regions = { prepare_##regions, finish };  \
	BENCH_DIFFERENCE(region_lookup_##regions, ITERATIONS, look_up, call_nothing,      \
			 &frame_##regions);                                               \
	BENCH_DIFFERENCE(region_update_##regions, ITERATIONS, update, call_nothing_twice, \
			 &frame_##regions)

REGION_BENCHES(64);
REGION_BENCHES(8192);
REGION_BENCHES(32768);
