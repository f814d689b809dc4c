/* SPDX-License-Identifier: MIT */
/* Pages that get another frame while the guest uses them (hv/abi.h): it sees no difference. Needs
 * test_calls = on. */
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/smp.h"

#define HOLE   0xd4000000ULL
#define BEYOND BIT(52)
#define LARGE  (2 * MIB)
#define ROUNDS 200u
#define BATCH  50u

extern char guest_image_start[], guest_image_end[];

static void fill(u64 gpa, u64 bytes, u64 seed)
{
	for (u64 at = 0; at < bytes; at += sizeof(u64))
		poke(gpa + at, seed + at);
}

static u64 wrong_words(u64 gpa, u64 bytes, u64 seed)
{
	u64 wrong = 0;

	for (u64 at = 0; at < bytes; at += sizeof(u64))
		wrong += peek(gpa + at) != seed + at;
	return wrong;
}

static u64 migrated(void)
{
	return nestor_count(NESTOR_COUNTER_PAGES_MIGRATED);
}

TEST(migrate, every_byte_comes_along)
{
	/* Expect: the same contents after a migration of all pages, of one and of a part; each page
	 * counts once. */
	u64 before;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	fill(REGION_HERE, REGION_BYTES, 1);
	before = migrated();
	EXPECT_EQ(region_migrate(REGION_HERE, REGION_BYTES), 0);
	EXPECT_EQ(wrong_words(REGION_HERE, REGION_BYTES, 1), 0);
	EXPECT_EQ(region_migrate(REGION_HERE + 3 * PAGE_SIZE, PAGE_SIZE), 0);
	EXPECT_EQ(region_migrate(REGION_HERE + 2 * PAGE_SIZE, 5 * PAGE_SIZE), 0);
	EXPECT_EQ(wrong_words(REGION_HERE, REGION_BYTES, 1), 0);
	EXPECT_EQ(migrated() - before, REGION_BYTES / PAGE_SIZE + 6);
	fill(REGION_HERE, REGION_BYTES, 2);
	EXPECT_EQ(region_migrate(REGION_HERE, REGION_BYTES), 0);
	EXPECT_EQ(wrong_words(REGION_HERE, REGION_BYTES, 2), 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
	EXPECT_EQ(peek(REGION_HERE), ~0ULL);
}

TEST(migrate, pages_of_a_large_leaf)
{
	/* Expect: one page out of the middle, then all: each byte stays; so after a move. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_ADD, REGION_HERE, LARGE, NULL), 0);
	fill(REGION_HERE, LARGE, 3);
	EXPECT_EQ(region_migrate(REGION_HERE + MIB, PAGE_SIZE), 0);
	EXPECT_EQ(wrong_words(REGION_HERE, LARGE, 3), 0);
	EXPECT_EQ(region_migrate(REGION_HERE, LARGE), 0);
	EXPECT_EQ(wrong_words(REGION_HERE, LARGE, 3), 0);
	EXPECT_EQ(region_move(REGION_HERE, REGION_THERE), 0);
	EXPECT_EQ(region_migrate(REGION_THERE + PAGE_SIZE, MIB), 0);
	EXPECT_EQ(wrong_words(REGION_THERE, LARGE, 3), 0);
	EXPECT_EQ(region_delete(REGION_THERE), 0);
}

TEST(migrate, several_regions_at_once)
{
	/* Expect: both; where a hole follows, ENOENT, and what comes before it is well. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	EXPECT_EQ(nestor_call3(NESTOR_CALL_REGION_ADD, REGION_HERE + REGION_BYTES, REGION_BYTES,
			       NESTOR_REGION_READONLY),
		  0);
	fill(REGION_HERE, REGION_BYTES, 4);
	EXPECT_EQ(region_migrate(REGION_HERE + PAGE_SIZE, 2 * REGION_BYTES - PAGE_SIZE), 0);
	EXPECT_EQ(region_migrate(REGION_HERE, 2 * REGION_BYTES + PAGE_SIZE), -NESTOR_ENOENT);
	EXPECT_EQ(wrong_words(REGION_HERE, REGION_BYTES, 4), 0);
	EXPECT_EQ(region_delete(REGION_HERE + REGION_BYTES), 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

TEST(migrate, what_the_guest_stands_on)
{
	/* Expect: its own code, data, stack, descriptor and page tables, ten times. */
	u64 start = ALIGN_DOWN((u64)guest_image_start, PAGE_SIZE);

	TEST_CALLS_REQUIRED();
	for (u32 i = 0; i < 10; i++)
		EXPECT_EQ(region_migrate(start, (u64)guest_image_end - start), 0);
	EXPECT_EQ(region_migrate(0, PAGE_SIZE), 0);
}

TEST(migrate, bad_calls_are_refused)
{
	/* Expect: each kind has its error. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_migrate(0, 0), -NESTOR_EINVAL);
	EXPECT_EQ(region_migrate(8, PAGE_SIZE), -NESTOR_EINVAL);
	EXPECT_EQ(region_migrate(0, PAGE_SIZE + 1), -NESTOR_EINVAL);
	EXPECT_EQ(region_migrate(HOLE, PAGE_SIZE), -NESTOR_ENOENT);
	EXPECT_EQ(region_migrate(BEYOND, PAGE_SIZE), -NESTOR_ERANGE);
	EXPECT_EQ(region_migrate(PAGE_SIZE, ~0ULL & ~(PAGE_SIZE - 1)), -NESTOR_ERANGE);
}

TEST(migrate, is_refused_where_it_is_off)
{
	/* Expect: EPERM. */
	if (!nestor_is_present())
		SKIP("needs Nestor");
	if (nestor_has(NESTOR_CAP_TEST_CALLS))
		SKIP("test_calls = on");
	EXPECT_EQ(region_migrate(0, PAGE_SIZE), -NESTOR_EPERM);
}

/* --- beside another CPU --- */
static u64 *words; /* one in each page, counted up by the other CPU */
static u64 counted;
static bool stop;

static void count_up(void *unused)
{
	(void)unused;
	while (!READ_ONCE(stop)) {
		for (u64 page = 0; page < REGION_BYTES / PAGE_SIZE; page++)
			WRITE_ONCE(words[page * 512], READ_ONCE(words[page * 512]) + 1);
		WRITE_ONCE(counted, counted + 1);
	}
}

static u64 wrong_counts(void)
{
	u64 wrong = 0;

	for (u64 page = 0; page < REGION_BYTES / PAGE_SIZE; page++)
		wrong += words[page * 512] != counted;
	return wrong;
}

MACHINE_TEST(migrate, no_write_beside_it_is_lost, NEED_CPUS_2)
{
	/* Expect: another CPU that counts up in each page all the time finds each count where it
	 * left it. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	fill(REGION_HERE, REGION_BYTES, 0);
	words = (u64 *)REGION_HERE;
	for (u64 page = 0; page < REGION_BYTES / PAGE_SIZE; page++)
		words[page * 512] = 0;
	counted = 0;
	stop = false;
	smp_start(1, count_up, NULL);
	for (u32 i = 0; i < ROUNDS; i++)
		EXPECT_EQ(region_migrate(REGION_HERE, REGION_BYTES), 0);
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	EXPECT(counted > 0);
	EXPECT_EQ(wrong_counts(), 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

static s64 first_error;

static void migrate_too(void *unused)
{
	(void)unused;
	while (!READ_ONCE(stop) && !first_error)
		first_error = region_migrate(REGION_HERE, REGION_BYTES);
}

MACHINE_TEST(migrate, two_cpus_at_once, NEED_CPUS_2)
{
	/* Expect: both get through; a region that moves or goes meanwhile is whole. */
	TEST_CALLS_REQUIRED();
	EXPECT_EQ(region_add(REGION_HERE), 0);
	fill(REGION_HERE, REGION_BYTES, 5);
	first_error = 0;
	stop = false;
	smp_start(1, migrate_too, NULL);
	for (u32 i = 0; i < BATCH; i++)
		EXPECT_EQ(region_migrate(REGION_HERE, REGION_BYTES), 0);
	EXPECT_EQ(wrong_words(REGION_HERE, REGION_BYTES, 5), 0);
	EXPECT_EQ(region_move(REGION_HERE, REGION_THERE), 0);
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	EXPECT(first_error == 0 || first_error == -NESTOR_ENOENT);
	EXPECT_EQ(wrong_words(REGION_THERE, REGION_BYTES, 5), 0);
	EXPECT_EQ(region_delete(REGION_THERE), 0);
}
