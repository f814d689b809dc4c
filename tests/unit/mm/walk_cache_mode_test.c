/* SPDX-License-Identifier: MIT */
/* mm/walk_cache.c in the modes of hv/pfn_cache_mode.h: the same answers, and really the work that
 * each mode is there to show. */
#include "walk_fixture.h"

#define PAGES  8u
#define ROUNDS 10u

static int set_up_in(enum pfn_cache_mode mode)
{
	set_up_walk();
	walk_cache_set_mode(&walk, mode);
	return 0;
}

static int cached(void **state)
{
	(void)state;
	return set_up_in(PFN_CACHE_CACHED);
}

static int lookup(void **state)
{
	(void)state;
	return set_up_in(PFN_CACHE_LOOKUP);
}

static int mapped(void **state)
{
	(void)state;
	return set_up_in(PFN_CACHE_MAPPED);
}

static int tear_down(void **state)
{
	(void)state;
	walk_cache_deactivate(&walk);
	assert_int_equal(memory->caches.count, 0);
	for (u32 i = 0; i < ARRAY_SIZE(walk.places); i++)
		assert_ptr_equal(walk.places[i], &walk.none);
	return 0;
}

static void read_pages(void)
{
	u64 value;

	for (u64 gfn = 40; gfn < 40 + PAGES; gfn++) {
		assert_int_equal(walk_cache_read_u64(&walk, page_at(gfn), &value), 0);
		assert_int_equal(value, gfn);
		assert_int_equal(walk_cache_read(&walk, page_at(gfn), &value, 4), 0);
		assert_int_equal((u32)value, gfn);
	}
}

struct work {
	u64 lookups, writes, flushes;
};

static struct work work_now(void)
{
	return (struct work){ host_counter(CTR_REGION_LOOKUPS), host_counter(CTR_WINDOW_PTE_WRITES),
			      host_counter(CTR_INVLPG) };
}

/* Once the pages have come, each access costs this. */
static void expect_work(struct work each)
{
	struct work before, after;

	for (u64 gfn = 40; gfn < 40 + PAGES; gfn++)
		stamp(gfn, gfn);
	read_pages();
	before = work_now();
	for (u32 i = 0; i < ROUNDS; i++)
		read_pages();
	after = work_now();
	assert_int_equal(after.lookups - before.lookups, each.lookups * 2 * PAGES * ROUNDS);
	assert_int_equal(after.writes - before.writes, each.writes * 2 * PAGES * ROUNDS);
	assert_int_equal(after.flushes - before.flushes, each.flushes * 2 * PAGES * ROUNDS);
}

UNIT(cached_pages_cost_nothing_again)
{
	expect_work((struct work){ 0 });
}

UNIT(looked_up_pages_cost_a_lookup_each_time)
{
	expect_work((struct work){ .lookups = 1 });
	assert_int_equal(memory->caches.count, PAGES);
}

UNIT(mapped_pages_are_looked_up_mapped_and_unmapped_each_time)
{
	expect_work((struct work){ .lookups = 1, .writes = 2, .flushes = 1 });
	assert_int_equal(memory->caches.count, 0);
}

/* What was read is never taken for the same without the work of a read. */
UNIT(words_are_read_again)
{
	struct walk_word word;

	stamp(7, 77);
	assert_int_equal(walk_cache_read_word(&walk, page_at(7), &word), 0);
	assert_int_equal(word.value, 77);
	assert_false(walk_cache_is_same(&walk, &word));
}

UNIT(answers_are_those_of_the_memory)
{
	u64 value = 6, expected = 6;

	add(0x2000, 1);
	expect_word(0x2000, 0);
	assert_int_equal(walk_cache_write(&walk, page_at(0x2000), &value, 8), 0);
	assert_int_equal(walk_cache_or_byte(&walk, page_at(0x2000), 0x10), 0);
	expected = 0x16;
	assert_int_equal(walk_cache_cmpxchg(&walk, page_at(0x2000), &expected, 9), 0);
	expect_word(0x2000, 9);
	move(0x2000, 0x3000);
	assert_int_equal(walk_cache_read_u64(&walk, page_at(0x2000), &value), -EFAULT);
	expect_word(0x3000, 9);
	remove_at(0x3000);
	assert_int_equal(walk_cache_read_u64(&walk, page_at(0x3000), &value), -EFAULT);
	add(0x3000, 1);
	stamp(0x3000, 4);
	expect_word(0x3000, 4);
	assert_int_equal(walk_cache_write(&walk, page_at(0x1000), &value, 8), -EFAULT);
	expect_word(0x1000, 0);
}

static void read_during_the_change(void)
{
	u64 value;

	expect_word(5, 55);
	assert_int_equal(walk_cache_read_u64(&walk, page_at(6000), &value), -EFAULT);
}

UNIT(access_during_a_change_is_served)
{
	stamp(5, 55);
	add(6000, 1);
	expect_word(6000, 0);
	remove_while(6000, read_during_the_change);
}

#define IN_MODE(test, mode)                                  \
	{                                                    \
#test "/" #mode, test, mode, tear_down, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_MODE(cached_pages_cost_nothing_again, cached),
		IN_MODE(looked_up_pages_cost_a_lookup_each_time, lookup),
		IN_MODE(mapped_pages_are_looked_up_mapped_and_unmapped_each_time, mapped),
		IN_MODE(words_are_read_again, lookup),
		IN_MODE(words_are_read_again, mapped),
		IN_MODE(answers_are_those_of_the_memory, cached),
		IN_MODE(answers_are_those_of_the_memory, lookup),
		IN_MODE(answers_are_those_of_the_memory, mapped),
		IN_MODE(access_during_a_change_is_served, cached),
		IN_MODE(access_during_a_change_is_served, lookup),
		IN_MODE(access_during_a_change_is_served, mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
