/* SPDX-License-Identifier: MIT */
/* Which pages of a region were written to (hv/abi.h). Needs test_calls = on. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/smp.h"

#define LARGE  (2 * MIB)
#define PAGES  (LARGE / PAGE_SIZE)
#define HOLE   0xd4000000ULL
#define LOGGED NESTOR_REGION_LOG_DIRTY
#define ROUNDS 300u
#define RAM    MIB /* where most of L1's memory begins, this test's too */

static u64 bits[PAGES / 64];

static u64 page_at(u64 page)
{
	return REGION_HERE + page * PAGE_SIZE;
}

static void store(u64 page, u64 value)
{
	poke(page_at(page), value);
}

static u64 load(u64 page)
{
	return peek(page_at(page));
}

static s64 add_logged(void)
{
	return nestor_call3(NESTOR_CALL_REGION_ADD, REGION_HERE, LARGE, LOGGED);
}

/* How many pages were written to; ~0 where that cannot be had. They are set in bits. */
static u64 take(void)
{
	u64 dirty;

	return dirty_log(REGION_HERE, bits, sizeof(bits), &dirty) ? ~0ULL : dirty;
}

static bool is_told(u64 page)
{
	return bits[page / 64] >> page % 64 & 1;
}

TEST(dirty_log, stores_are_told)
{
	/* Expect: the pages that were stored to since the last call, each once, whatever was read;
	 * from the first store on and after each call. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add_logged(), 0);
	EXPECT_EQ(take(), 0);
	for (u64 page = 0; page < PAGES; page++)
		(void)load(page);
	EXPECT_EQ(take(), 0);
	for (u32 i = 0; i < 20; i++) {
		for (u64 page = i; page < PAGES; page += 7)
			store(page, i);
		store(i, i);
		EXPECT_EQ(take(), (PAGES - i + 6) / 7);
		for (u64 page = 0; page < PAGES; page++)
			EXPECT_EQ(is_told(page), page >= i && (page - i) % 7 == 0);
	}
	EXPECT_EQ(take(), 0);
	EXPECT_EQ(load(19), 19);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

TEST(dirty_log, hypervisor_s_writes_are_told)
{
	/* Expect: the page that a hypercall writes its result to, and the two of a result that
	 * lies across a border. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add_logged(), 0);
	for (u32 i = 0; i < 5; i++) {
		EXPECT_EQ(nestor_call(NESTOR_CALL_COUNTERS, page_at(3), 1, NULL), 0);
		EXPECT_EQ(nestor_call(NESTOR_CALL_COUNTERS, page_at(9) - 8, 2, NULL), 0);
		EXPECT_EQ(take(), 3);
		EXPECT_EQ(bits[0], BIT(3) | BIT(8) | BIT(9));
		EXPECT_EQ(take(), 0);
	}
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

TEST(dirty_log, may_be_written_to_memory_that_logs)
{
	/* Expect: the page of the bits is told the next time. */
	u64 dirty = 0;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add_logged(), 0);
	store(5, 1);
	EXPECT_EQ(dirty_log(REGION_HERE, (void *)page_at(7), sizeof(bits), &dirty), 0);
	EXPECT_EQ(dirty, 1);
	EXPECT_EQ(load(7), BIT(5));
	EXPECT_EQ(take(), 1);
	EXPECT_EQ(bits[0], BIT(7));
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

TEST(dirty_log, comes_and_goes_with_the_flag)
{
	/* Expect: EINVAL without the flag; with it, stores from then on; also beside moves,
	 * migrations, and a balloon, whose fresh page is news. */
	u64 dirty;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_ADD, REGION_HERE, LARGE, NULL), 0);
	store(1, 1);
	EXPECT_EQ(dirty_log(REGION_HERE, bits, sizeof(bits), NULL), -NESTOR_EINVAL);
	EXPECT_EQ(region_flags(REGION_HERE, LOGGED), 0);
	EXPECT_EQ(take(), 0);
	store(2, 2);
	EXPECT_EQ(load(1), 1);
	EXPECT_EQ(region_migrate(REGION_HERE, LARGE), 0);
	EXPECT_EQ(balloon_out(page_at(4), PAGE_SIZE), 0);
	EXPECT_EQ(balloon_in(page_at(4), PAGE_SIZE), 0);
	EXPECT_EQ(region_move(REGION_HERE, REGION_THERE), 0);
	EXPECT_EQ(dirty_log(REGION_THERE, bits, sizeof(bits), &dirty), 0);
	EXPECT_EQ(dirty, 2);
	EXPECT_EQ(bits[0], BIT(2) | BIT(4));
	EXPECT_EQ(region_flags(REGION_THERE, 0), 0);
	EXPECT_EQ(dirty_log(REGION_THERE, bits, sizeof(bits), NULL), -NESTOR_EINVAL);
	EXPECT_EQ(region_delete(REGION_THERE), 0);
}

TEST(dirty_log, the_machine_s_own_memory_logs)
{
	/* Expect: of three pages of this test's, the one that was stored to, while all else that L1
	 * stands on is logged, too. */
	static u64 all[GIB / PAGE_SIZE / 64];
	static volatile u64 words[3][512] __attribute__((aligned(PAGE_SIZE)));
	u64 first = ((u64)words - RAM) / PAGE_SIZE, dirty = 0;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_flags(RAM, LOGGED), 0);
	for (u64 i = 1; i <= 3; i++) {
		EXPECT_EQ(dirty_log(RAM, all, sizeof(all), NULL), 0);
		words[1][0] = i;
		EXPECT_EQ(dirty_log(RAM, all, sizeof(all), &dirty), 0);
		EXPECT(dirty > 1 && dirty < 100);
		for (u64 page = first; page < first + 3; page++)
			EXPECT_EQ(all[page / 64] >> page % 64 & 1, page == first + 1);
		EXPECT_EQ(words[1][0], i);
	}
	EXPECT_EQ(region_flags(RAM, 0), 0);
	EXPECT_EQ(dirty_log(RAM, all, sizeof(all), NULL), -NESTOR_EINVAL);
}

TEST(dirty_log, bad_calls_are_refused)
{
	/* Expect: each kind has its error, and nothing is lost by it. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add_logged(), 0);
	store(5, 1);
	EXPECT_EQ(dirty_log(page_at(1), bits, sizeof(bits), NULL), -NESTOR_ENOENT);
	EXPECT_EQ(dirty_log(HOLE, bits, sizeof(bits), NULL), -NESTOR_ENOENT);
	EXPECT_EQ(dirty_log(REGION_HERE + 8, bits, sizeof(bits), NULL), -NESTOR_EINVAL);
	EXPECT_EQ(dirty_log(REGION_HERE, bits, sizeof(bits) - 1, NULL), -NESTOR_E2BIG);
	EXPECT_EQ(dirty_log(REGION_HERE, (void *)HOLE, sizeof(bits), NULL), -NESTOR_EFAULT);
	EXPECT_EQ(region_flags(REGION_HERE, 4), -NESTOR_EINVAL);
	EXPECT_EQ(region_flags(HOLE, LOGGED), -NESTOR_ENOENT);
	EXPECT_EQ(region_flags(0, NESTOR_REGION_READONLY), -NESTOR_EPERM);
	EXPECT_EQ(take(), 1);
	EXPECT_EQ(bits[0], BIT(5));
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

TEST(dirty_log, is_refused_where_it_is_off)
{
	/* Expect: EPERM. */
	if (!nestor_is_present())
		SKIP("needs Nestor");
	if (nestor_has(NESTOR_CAP_TEST_CALLS))
		SKIP("test_calls = on");
	EXPECT_EQ(dirty_log(REGION_HERE, bits, sizeof(bits), NULL), -NESTOR_EPERM);
	EXPECT_EQ(region_flags(REGION_HERE, 0), -NESTOR_EPERM);
}

/* --- more than a CPU logs by itself --- */
#define MANY         (4 * MIB / PAGE_SIZE)
#define ITS_OWN      512u /* entries of the CPU's log */
#define EXIT_LOG_END 62u

static u64 many[MANY / 64];

static u64 take_many(void)
{
	u64 dirty;

	return dirty_log(REGION_HERE, many, sizeof(many), &dirty) ? ~0ULL : dirty;
}

TEST(dirty_log, more_pages_are_told_than_a_cpu_can_log)
{
	/* Expect: all pages that were stored to, in each of some rounds; where CPUs log pages, they
	 * have to exit when their log is full. */
	u64 full, logged;

	TEST_CALLS_REQUIRED();
	full = nestor_exit_count(EXIT_LOG_END);
	logged = nestor_count(NESTOR_COUNTER_PML_PAGES);
	EXPECT_EQ(nestor_call3(NESTOR_CALL_REGION_ADD, REGION_HERE, 4 * MIB, LOGGED), 0);
	for (u64 page = 0; page < MANY; page++)
		(void)load(page);
	for (u32 i = 0; i < 4; i++) {
		for (u64 page = 0; page < MANY; page += i + 1)
			store(page, i);
		EXPECT_EQ(take_many(), (MANY + i) / (i + 1));
		for (u64 page = 0; page < MANY; page++)
			EXPECT_EQ(many[page / 64] >> page % 64 & 1, page % (i + 1) == 0);
	}
	EXPECT_EQ(take_many(), 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
	logged = nestor_count(NESTOR_COUNTER_PML_PAGES) - logged;
	EXPECT(logged == 0 || logged >= 2 * MANY);
	EXPECT(nestor_exit_count(EXIT_LOG_END) - full >= logged / ITS_OWN);
}

/* --- beside another CPU --- */
#define COUNTED 16u /* pages */

static u64 copy[COUNTED]; /* what a page said when it was told last */
static bool stop;

static void count_up(void *unused)
{
	(void)unused;
	for (u64 n = 0; !READ_ONCE(stop); n = n * 5 + 3)
		store(n % COUNTED, load(n % COUNTED) + 1);
}

/* What was told is copied, as who migrates a machine does. */
static void copy_what_is_told(void)
{
	EXPECT(take() != ~0ULL);
	for (u64 page = 0; page < COUNTED; page++)
		if (is_told(page))
			copy[page] = load(page);
}

MACHINE_TEST(dirty_log, no_store_beside_it_is_left_out, NEED_CPUS_2)
{
	/* Expect: another CPU counts up in pages all the time. A copy of each page that was told,
	 * made after the call, is in the end what the pages say. */
	u64 told = 0;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add_logged(), 0);
	for (u64 page = 0; page < COUNTED; page++)
		store(page, copy[page] = 0);
	stop = false;
	smp_start(1, count_up, NULL);
	for (u32 i = 0; i < ROUNDS; i++) {
		copy_what_is_told();
		for (u64 page = 0; page < COUNTED; page++)
			told += is_told(page);
	}
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	copy_what_is_told();
	EXPECT(told > ROUNDS);
	for (u64 page = 0; page < COUNTED; page++)
		EXPECT_EQ(load(page), copy[page]);
	EXPECT(load(3) > 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}
