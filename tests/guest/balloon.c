/* SPDX-License-Identifier: MIT */
/* Pages of the guest's memory that go and come back (hv/abi.h). Needs test_calls = on. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/looker.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/smp.h"

#define HOLE   0xd4000000ULL
#define BEYOND BIT(52)
#define LARGE  (2 * MIB)
#define ONES   (~0ULL)
#define ROUNDS 200u
#define MANY   50u

static void fill(u64 gpa, u64 bytes, u64 value)
{
	for (u64 at = 0; at < bytes; at += sizeof(u64))
		poke(gpa + at, value);
}

static u64 words_other_than(u64 gpa, u64 bytes, u64 value)
{
	u64 others = 0;

	for (u64 at = 0; at < bytes; at += sizeof(u64))
		others += peek(gpa + at) != value;
	return others;
}

TEST(balloon, pages_read_ones_until_they_come_back_zeroed)
{
	/* Expect: ones and no effect of writes in what is out, zeros in what came back, the rest
	 * as it was; both pages and their neighbours count. */
	u64 taken = nestor_count(NESTOR_COUNTER_PAGES_BALLOONED);
	u64 given = nestor_count(NESTOR_COUNTER_PAGES_DEFLATED);

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	fill(REGION_HERE, REGION_BYTES, 7);
	EXPECT_EQ(balloon_out(REGION_HERE + 3 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
	EXPECT_EQ(peek(REGION_HERE + 3 * PAGE_SIZE), ONES);
	EXPECT_EQ(peek(REGION_HERE + 5 * PAGE_SIZE - 8), ONES);
	poke(REGION_HERE + 3 * PAGE_SIZE, 8);
	EXPECT_EQ(peek(REGION_HERE + 3 * PAGE_SIZE), ONES);
	EXPECT_EQ(words_other_than(REGION_HERE, 3 * PAGE_SIZE, 7), 0);
	EXPECT_EQ(words_other_than(REGION_HERE + 5 * PAGE_SIZE, 11 * PAGE_SIZE, 7), 0);
	EXPECT_EQ(balloon_in(REGION_HERE + 3 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
	EXPECT_EQ(words_other_than(REGION_HERE + 3 * PAGE_SIZE, 2 * PAGE_SIZE, 0), 0);
	fill(REGION_HERE + 3 * PAGE_SIZE, 2 * PAGE_SIZE, 7);
	EXPECT_EQ(words_other_than(REGION_HERE, REGION_BYTES, 7), 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
	EXPECT_EQ(nestor_count(NESTOR_COUNTER_PAGES_BALLOONED) - taken, 2);
	EXPECT_EQ(nestor_count(NESTOR_COUNTER_PAGES_DEFLATED) - given, 2);
}

TEST(balloon, pages_of_a_large_leaf)
{
	/* Expect: one page out of the middle, then all of it; zeros when they are back. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_ADD, REGION_HERE, LARGE, NULL), 0);
	fill(REGION_HERE, LARGE, 5);
	EXPECT_EQ(balloon_out(REGION_HERE + MIB, PAGE_SIZE), 0);
	EXPECT_EQ(peek(REGION_HERE + MIB), ONES);
	EXPECT_EQ(words_other_than(REGION_HERE, MIB, 5), 0);
	EXPECT_EQ(words_other_than(REGION_HERE + MIB + PAGE_SIZE, MIB - PAGE_SIZE, 5), 0);
	EXPECT_EQ(balloon_in(REGION_HERE + MIB, PAGE_SIZE), 0);
	EXPECT_EQ(balloon_out(REGION_HERE, LARGE), 0);
	for (u64 at = 0; at < LARGE; at += PAGE_SIZE)
		EXPECT_EQ(peek(REGION_HERE + at), ONES);
	EXPECT_EQ(balloon_in(REGION_HERE, LARGE), 0);
	EXPECT_EQ(words_other_than(REGION_HERE, LARGE, 0), 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

TEST(balloon, memory_of_the_machine_s_own)
{
	/* Expect: a spare page goes and comes back, though its region is fixed. */
	u64 page = memory_page_alloc();

	TEST_CALLS_REQUIRED();
	fill(page, PAGE_SIZE, 9);
	EXPECT_EQ(balloon_out(page, PAGE_SIZE), 0);
	EXPECT_EQ(peek(page), ONES);
	EXPECT_EQ(balloon_in(page, PAGE_SIZE), 0);
	EXPECT_EQ(words_other_than(page, PAGE_SIZE, 0), 0);
	memory_page_free(page);
}

TEST(balloon, hypervisor_s_copies_find_the_hole)
{
	/* Expect: EFAULT for a buffer of a hypercall that is out, also in part; then it works. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	EXPECT_EQ(balloon_out(REGION_HERE, PAGE_SIZE), 0);
	EXPECT_EQ(nestor_call(NESTOR_CALL_COUNTERS, REGION_HERE, 1, NULL), -NESTOR_EFAULT);
	EXPECT_EQ(nestor_call(NESTOR_CALL_CONSOLE, REGION_HERE + PAGE_SIZE - 1, 2, NULL),
		  -NESTOR_EFAULT);
	EXPECT_EQ(balloon_in(REGION_HERE, PAGE_SIZE), 0);
	EXPECT_EQ(nestor_call(NESTOR_CALL_COUNTERS, REGION_HERE, 1, NULL), 0);
	EXPECT(peek(REGION_HERE) > 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

TEST(balloon, bad_calls_are_refused)
{
	/* Expect: each kind has its error; what comes before it has been done; a hole in a region
	 * takes no other region. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	EXPECT_EQ(balloon_out(0, 0), -NESTOR_EINVAL);
	EXPECT_EQ(balloon_out(8, PAGE_SIZE), -NESTOR_EINVAL);
	EXPECT_EQ(balloon_in(0, PAGE_SIZE + 1), -NESTOR_EINVAL);
	EXPECT_EQ(balloon_out(HOLE, PAGE_SIZE), -NESTOR_ENOENT);
	EXPECT_EQ(balloon_in(HOLE, PAGE_SIZE), -NESTOR_ENOENT);
	EXPECT_EQ(balloon_out(BEYOND, PAGE_SIZE), -NESTOR_ERANGE);
	EXPECT_EQ(balloon_in(PAGE_SIZE, ONES & ~(PAGE_SIZE - 1)), -NESTOR_ERANGE);
	EXPECT_EQ(balloon_in(REGION_HERE, PAGE_SIZE), -NESTOR_EEXIST);
	EXPECT_EQ(balloon_out(REGION_HERE + REGION_BYTES - PAGE_SIZE, 2 * PAGE_SIZE),
		  -NESTOR_ENOENT);
	EXPECT_EQ(peek(REGION_HERE + REGION_BYTES - PAGE_SIZE), ONES);
	EXPECT_EQ(balloon_out(REGION_HERE, REGION_BYTES), -NESTOR_ENOENT);
	EXPECT_EQ(peek(REGION_HERE), ONES);
	EXPECT_EQ(region_migrate(REGION_HERE, PAGE_SIZE), -NESTOR_ENOENT);
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_ADD, REGION_HERE, PAGE_SIZE, NULL),
		  -NESTOR_EEXIST);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

TEST(balloon, is_refused_where_it_is_off)
{
	/* Expect: EPERM. */
	if (!nestor_is_present())
		SKIP("needs Nestor");
	if (nestor_has(NESTOR_CAP_TEST_CALLS))
		SKIP("test_calls = on");
	EXPECT_EQ(balloon_out(0, PAGE_SIZE), -NESTOR_EPERM);
	EXPECT_EQ(balloon_in(0, PAGE_SIZE), -NESTOR_EPERM);
}

TEST(balloon, no_memory_is_lost)
{
	/* Expect: so many rounds, though the machine has not the memory for all of them. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_ADD, REGION_HERE, LARGE, NULL), 0);
	for (u32 i = 0; i < MANY; i++) {
		EXPECT_EQ(balloon_out(REGION_HERE, LARGE), 0);
		EXPECT_EQ(balloon_in(REGION_HERE, LARGE), 0);
	}
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

/* --- beside another CPU --- */
static bool stop;

static void look(void *unused)
{
	(void)unused;
	while (!READ_ONCE(stop))
		looker_look();
}

MACHINE_TEST(balloon, no_cpu_finds_what_is_out, NEED_CPUS_2)
{
	/* Expect: another CPU that reads a page all the time, and so has its translation, finds
	 * ones from the one call's return on, and zeros from the other's. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	looker_begin(REGION_HERE);
	stop = false;
	smp_start(1, look, NULL);
	for (u32 i = 0; i < ROUNDS; i++) {
		looker_finds_anything();
		EXPECT_EQ(balloon_out(REGION_HERE, PAGE_SIZE), 0);
		EXPECT(looker_finds(ONES, 3));
		looker_finds_anything();
		EXPECT_EQ(balloon_in(REGION_HERE, PAGE_SIZE), 0);
		EXPECT(looker_finds(0, 3));
	}
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	looker_expect_right();
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}
