/* SPDX-License-Identifier: MIT */
/* Pages of the guest's memory whose frames are bad (hv/abi.h). Needs test_calls = on. */
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"

#define HOLE   0xd4000000ULL
#define BEYOND BIT(52)
#define ONES   (~0ULL)
#define PAGES  (REGION_BYTES / PAGE_SIZE)

static u64 page_at(u64 number)
{
	return REGION_HERE + number * PAGE_SIZE;
}

static void number_pages(void)
{
	for (u64 i = 0; i < PAGES; i++)
		poke(page_at(i), i);
}

/* Pages but this one that don't have their number. */
static u64 wrong_pages_but(u64 one)
{
	u64 wrong = 0;

	for (u64 i = 0; i < PAGES; i++)
		wrong += i != one && peek(page_at(i)) != i;
	return wrong;
}

TEST(poison, soft_keeps_what_the_page_says)
{
	/* Expect: no difference, in no page; each frame counts. */
	u64 before = nestor_count(NESTOR_COUNTER_FRAMES_POISONED), became;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	number_pages();
	for (u64 i = 0; i < PAGES; i++) {
		became = ~0ULL;
		EXPECT_EQ(page_poison(page_at(i), NESTOR_POISON_SOFT, &became), 0);
		EXPECT_EQ(became, NESTOR_POISONED_MOVED);
	}
	EXPECT_EQ(wrong_pages_but(PAGES), 0);
	number_pages();
	EXPECT_EQ(wrong_pages_but(PAGES), 0);
	EXPECT_EQ(nestor_count(NESTOR_COUNTER_FRAMES_POISONED) - before, PAGES);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

TEST(poison, hard_takes_the_page)
{
	/* Expect: told that it is gone; ones there, and only there; zeros from a fresh frame. */
	u64 before = nestor_count(NESTOR_COUNTER_FRAMES_POISONED), became = 0;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	number_pages();
	EXPECT_EQ(page_poison(page_at(5), NESTOR_POISON_HARD, &became), 0);
	EXPECT_EQ(became, NESTOR_POISONED_GONE);
	EXPECT_EQ(peek(page_at(5)), ONES);
	poke(page_at(5), 1);
	EXPECT_EQ(peek(page_at(5)), ONES);
	EXPECT_EQ(wrong_pages_but(5), 0);
	EXPECT_EQ(page_poison(page_at(5), NESTOR_POISON_HARD, NULL), -NESTOR_ENOENT);
	EXPECT_EQ(page_poison(page_at(5), NESTOR_POISON_SOFT, NULL), -NESTOR_ENOENT);
	EXPECT_EQ(balloon_in(page_at(5), PAGE_SIZE), 0);
	EXPECT_EQ(peek(page_at(5)), 0);
	EXPECT_EQ(nestor_count(NESTOR_COUNTER_FRAMES_POISONED) - before, 1);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

TEST(poison, bad_calls_are_refused)
{
	/* Expect: each kind has its error. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(page_poison(8, NESTOR_POISON_SOFT, NULL), -NESTOR_EINVAL);
	EXPECT_EQ(page_poison(0, 2, NULL), -NESTOR_EINVAL);
	EXPECT_EQ(page_poison(HOLE, NESTOR_POISON_HARD, NULL), -NESTOR_ENOENT);
	EXPECT_EQ(page_poison(BEYOND, NESTOR_POISON_SOFT, NULL), -NESTOR_ERANGE);
}

TEST(poison, is_refused_where_it_is_off)
{
	/* Expect: EPERM. */
	if (!nestor_is_present())
		SKIP("needs Nestor");
	if (nestor_has(NESTOR_CAP_TEST_CALLS))
		SKIP("test_calls = on");
	EXPECT_EQ(page_poison(0, NESTOR_POISON_HARD, NULL), -NESTOR_EPERM);
}
