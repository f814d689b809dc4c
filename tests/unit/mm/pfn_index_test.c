/* SPDX-License-Identifier: MIT */
/* mm/pfn_index.c: a range finds its caches and no others, whichever way it is walked; and a page's
 * costs the same however many there are. */
#include "unit.h"
#include "host_memory.h"
#include "hv/errno.h"
#include "mm/page.h"
#include "mm/pfn_cache.h"

#define CACHES 200u
#define GFNS   3000u

#define MANY   16384u

static struct pfn_index idx;
static struct pfn_cache many[MANY];
static struct pfn_cache caches[CACHES];
static u32 visits[CACHES];

static int set_up(void **state)
{
	(void)state;
	host_memory_default();
	idx = (struct pfn_index){ .buckets = page_alloc(0) };
	return 0;
}

static bool note(struct pfn_cache *cache, void *context)
{
	(void)context;
	visits[cache - caches]++;
	return true;
}

static void put(u32 i, u64 gfn)
{
	caches[i].gpa = l1_gpa(gfn * PAGE_SIZE);
	pfn_index_insert(&idx, &caches[i]);
}

static void expect_range(u64 first, u64 pages, const bool *is_in)
{
	memset(visits, 0, sizeof(visits));
	pfn_index_each(&idx, (struct gfn_range){ first, pages }, note, NULL);
	for (u32 i = 0; i < CACHES; i++) {
		u64 gfn = caches[i].gpa.raw >> PAGE_SHIFT;

		assert_int_equal(visits[i], is_in[i] && gfn >= first && gfn < first + pages);
	}
}

/* Caches come and go, and the index grows below them. */
UNIT(range_finds_each_of_its_caches_once)
{
	static bool is_in[CACHES];
	u64 seed = 5;

	memset(is_in, 0, sizeof(is_in));

	for (u32 step = 0; step < 5000; step++) {
		u32 i = (u32)(unit_random(&seed) % CACHES);
		u64 first = unit_random(&seed) % GFNS;

		if (step == 2000 || step == 4000)
			assert_int_equal(pfn_index_expect(&idx, step), 0);
		if (is_in[i])
			pfn_index_remove(&idx, &caches[i]);
		else
			put(i, unit_random(&seed) % GFNS);
		is_in[i] = !is_in[i];
		expect_range(first, unit_random(&seed) % 30, is_in);
		expect_range(first, unit_random(&seed) % GFNS, is_in);
	}
}

static u32 left;

static bool stop_after_some(struct pfn_cache *cache, void *context)
{
	(void)cache;
	(void)context;
	return --left > 0;
}

UNIT(visit_can_end_the_walk)
{
	for (u32 i = 0; i < 10; i++)
		put(i, 7 * i);
	left = 3;
	pfn_index_each(&idx, (struct gfn_range){ 0, 100 }, stop_after_some, NULL);
	assert_int_equal(left, 0);
	left = 4;
	pfn_index_each(&idx, (struct gfn_range){ 0, BIT(40) }, stop_after_some, NULL);
	assert_int_equal(left, 0);
}

UNIT(several_caches_may_have_one_page)
{
	static const bool is_in[CACHES] = { true, true, true };

	for (u32 i = 0; i < CACHES; i++)
		caches[i].gpa = l1_gpa(0);
	put(0, 9);
	put(1, 9);
	put(2, 9 + BIT(9));
	expect_range(9, 1, is_in);
	pfn_index_remove(&idx, &caches[1]);
	expect_range(9, 1, (const bool[CACHES]){ true });
	assert_int_equal(idx.count, 2);
}

/* So many caches, each so far from the last: an average page finds one of four others in its bucket
 * at most, and the worst few. */
static void expect_few_in_a_bucket(u32 count, u64 stride)
{
	u64 in_all = (PAGE_SIZE / sizeof(u64)) << idx.order; /* a bucket is a pointer */

	for (u32 i = 0; i < count; i++) {
		many[i].gpa = l1_gpa(i * stride * PAGE_SIZE);
		pfn_index_insert(&idx, &many[i]);
	}
	assert_true(idx.count == count && in_all >= 4ULL * count);
	for (u64 i = 0; i < in_all; i++) {
		u32 length = 0;

		for (const struct pfn_cache *cache = idx.buckets[i]; cache; cache = cache->next)
			length++;
		assert_in_range(length, 0, 4);
	}
	for (u32 i = 0; i < count; i++)
		pfn_index_remove(&idx, &many[i]);
}

UNIT(pages_meet_few_of_others_whatever_their_number)
{
	assert_int_equal(pfn_index_expect(&idx, MANY), 0);
	for (u64 stride = 1; stride <= BIT(10); stride *= 2) {
		expect_few_in_a_bucket(16, stride);
		expect_few_in_a_bucket(1024, stride);
		expect_few_in_a_bucket(MANY, stride);
	}
}

/* It stays as it is. */
UNIT(without_memory_for_more_all_are_found)
{
	static const bool is_in[CACHES] = { true };

	memset(caches, 0, sizeof(caches));
	for (u32 i = 1; i < CACHES; i++)
		caches[i].gpa = l1_gpa(BIT(50));
	while (page_alloc(0))
		;
	put(0, 9);
	assert_int_equal(pfn_index_expect(&idx, MANY), -ENOMEM);
	expect_range(9, 1, is_in);
	pfn_index_remove(&idx, &caches[0]);
	assert_int_equal(pfn_index_expect(&idx, 100), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(range_finds_each_of_its_caches_once, set_up),
		cmocka_unit_test_setup(visit_can_end_the_walk, set_up),
		cmocka_unit_test_setup(several_caches_may_have_one_page, set_up),
		cmocka_unit_test_setup(pages_meet_few_of_others_whatever_their_number, set_up),
		cmocka_unit_test_setup(without_memory_for_more_all_are_found, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
