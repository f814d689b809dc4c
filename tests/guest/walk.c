/* SPDX-License-Identifier: MIT */
/*
 * Paging structures in read-only memory, which the CPU only reads while their accessed flags are
 * set. Where Nestor has CPUs log writes, it cannot have that beside; it gives the logs another way,
 * for good: hence a suite behind those that log. Needs test_calls = on.
 */
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/smp.h"

#define PAGES  (REGION_BYTES / PAGE_SIZE)
#define ALL    (BIT(PAGES) - 1)
#define ROUNDS 200u

static u64 ram_cr3;
static u64 copy[PAGES]; /* what a page said when it was told last */
static bool stop, go_read_only;

static void store(u64 page, u64 value)
{
	*(volatile u64 *)(REGION_HERE + page * PAGE_SIZE) = value;
}

static u64 load(u64 page)
{
	return *(const volatile u64 *)(REGION_HERE + page * PAGE_SIZE);
}

/* The pages that were stored to, a bit each; ~0 where that cannot be had. */
static u64 take(void)
{
	u64 bits = 0;

	return dirty_log(REGION_HERE, &bits, sizeof(bits), NULL) ? ~0ULL : bits;
}

static void copy_table(u64 to, u64 from)
{
	u64 *table = (u64 *)to;

	memcpy(table, (const void *)from, PAGE_SIZE);
	for (u64 i = 0; i < PAGE_SIZE / sizeof(*table); i++)
		if (table[i] & PTE_PRESENT)
			table[i] |= PTE_ACCESSED;
}

/* The two upper levels of the tables in use, at REGION_THERE in memory that is then read-only. */
static void make_tables(void)
{
	u64 *top = (u64 *)REGION_THERE;

	EXPECT_EQ(region_add(REGION_THERE), 0);
	ram_cr3 = read_cr3();
	copy_table(REGION_THERE, ram_cr3 & PTE_ADDRESS);
	copy_table(REGION_THERE + PAGE_SIZE, top[0] & PTE_ADDRESS);
	top[0] = (top[0] & ~PTE_ADDRESS) | (REGION_THERE + PAGE_SIZE);
	EXPECT_EQ(region_flags(REGION_THERE, NESTOR_REGION_READONLY), 0);
}

static void begin(void)
{
	EXPECT_EQ(nestor_call3(NESTOR_CALL_REGION_ADD, REGION_HERE, REGION_BYTES,
			       NESTOR_REGION_LOG_DIRTY),
		  0);
	for (u64 page = 0; page < PAGES; page++)
		store(page, copy[page] = 0);
	make_tables();
}

static void end(void)
{
	EXPECT_EQ(region_delete(REGION_THERE), 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

/* Also moves to the other tables when it is told to. */
static void count_up(void *unused)
{
	u64 mine = read_cr3();

	(void)unused;
	for (u64 n = 0; !READ_ONCE(stop); n = n * 5 + 3) {
		if (READ_ONCE(go_read_only))
			write_cr3(REGION_THERE);
		store(n % PAGES, load(n % PAGES) + 1);
	}
	write_cr3(mine);
}

static void copy_what_is_told(void)
{
	u64 told = take();

	EXPECT_EQ(told & ~ALL, 0);
	for (u64 page = 0; page < PAGES; page++)
		if (told >> page & 1)
			copy[page] = load(page);
}

MACHINE_TEST(walk, no_store_is_left_out_beside_read_only_tables, NEED_CPUS_2)
{
	/* Expect: another CPU counts up in pages that log; halfway this CPU gets its paging
	 * structures from read-only memory, and later the other. A copy of each page that was told,
	 * made after the call, is in the end what the pages say. */
	TEST_CALLS_REQUIRED();
	begin();
	stop = go_read_only = false;
	smp_start(1, count_up, NULL);
	for (u32 i = 0; i < ROUNDS; i++) {
		if (i == ROUNDS / 2)
			write_cr3(REGION_THERE);
		WRITE_ONCE(go_read_only, i > ROUNDS / 4 * 3);
		copy_what_is_told();
	}
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	copy_what_is_told();
	for (u64 page = 0; page < PAGES; page++)
		EXPECT_EQ(load(page), copy[page]);
	EXPECT(load(3) > 0);
	write_cr3(ram_cr3);
	end();
}

TEST(walk, read_only_tables_are_walked)
{
	/* Expect: everything goes on; after one log that may tell all pages, each tells those that
	 * were stored to. */
	TEST_CALLS_REQUIRED();
	begin();
	EXPECT_EQ(take(), ALL);
	store(1, 1);
	EXPECT_EQ(take(), BIT(1));
	store(2, 2);
	write_cr3(REGION_THERE);
	store(3, 3);
	EXPECT_EQ(take() & (BIT(2) | BIT(3)), BIT(2) | BIT(3));
	for (u64 page = 4; page < PAGES; page++) {
		EXPECT_EQ(take(), 0);
		store(page, page);
		EXPECT_EQ(take(), BIT(page));
	}
	write_cr3(ram_cr3);
	store(5, 1);
	EXPECT_EQ(take(), BIT(5));
	end();
}
