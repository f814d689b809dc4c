/* SPDX-License-Identifier: MIT */
/* Stores of L2s to pages of L1 that log writes (hv/abi.h): each way that an L2 has to such a page
 * is told. Needs test_calls = on. */
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_l2_access.h"
#include "tests/guest/lib/vmx_smp.h"

#define LARGE  (2 * MIB)
#define PAGES  (LARGE / PAGE_SIZE)
#define ROUNDS 10u
#define BESIDE 200u
#define PAUSE  20000u /* ticks, in which L2 gets on */

static u64 bits[PAGES / 64];

static bool add_logged(void)
{
	return !nestor_call3(NESTOR_CALL_REGION_ADD, REGION_HERE, LARGE, NESTOR_REGION_LOG_DIRTY);
}

static u64 take(void)
{
	u64 dirty;

	return dirty_log(REGION_HERE, bits, sizeof(bits), &dirty) ? ~0ULL : dirty;
}

/* The address is where L2 finds the region. */
static void expect_told(struct l2 *l2, u64 address)
{
	for (u64 i = 0; i < ROUNDS; i++) {
		u64 page = i * 50 + 7;

		EXPECT_EQ(l2_run(l2, read_insn, address + (page + 1) * PAGE_SIZE), EXIT_VMCALL);
		EXPECT_EQ(take(), 0);
		for (u32 twice = 0; twice < 2; twice++) {
			EXPECT_EQ(l2_write(l2, address + page * PAGE_SIZE, i), EXIT_VMCALL);
		}
		EXPECT_EQ(peek(REGION_HERE + page * PAGE_SIZE), i);
		EXPECT_EQ(take(), 1);
		EXPECT_EQ(bits[page / 64], BIT(page % 64));
		/* Its page is in EPT02 to be read, and was written before. */
		EXPECT_EQ(l2_read(l2, address + page * PAGE_SIZE), i);
		EXPECT_EQ(l2_run(l2, write_insn, address + page * PAGE_SIZE), EXIT_VMCALL);
		EXPECT_EQ(take(), 1);
	}
}

VMX_TEST(vmx_context, stores_of_l2_without_ept_are_logged, 0)
{
	/* Expect: each page that L2 stored to since the log was taken, none that it read. */
	TEST_CALLS_REQUIRED();
	EXPECT(add_logged());
	expect_told(l2_new(read_insn), REGION_HERE);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

VMX_TEST(vmx_context, stores_of_l2_under_ept_are_logged, 0)
{
	/* Expect: the same through small leaves and through a large one. */
	struct l2 *l2;
	u64 eptp;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	EXPECT(add_logged());
	l2 = l2_under_ept(read_insn, &eptp);
	ept_map_alias(eptp, REGION_HERE, LARGE);
	expect_told(l2, EPT_ALIAS);
	ept_map(eptp, EPT_ALIAS + LARGE, EPT_LEVEL_2M, REGION_HERE | EPT_MEMORY);
	expect_told(l2, EPT_ALIAS + LARGE);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

/* --- beside a running L2 --- */
static volatile u64 *words; /* one in each page, counted up by L2 */
static u64 copy[REGION_BYTES / PAGE_SIZE];

static void count_up(void)
{
	for (u64 n = 0; !beside_ends(); n = n * 5 + 3)
		words[n % ARRAY_SIZE(copy) * 512]++;
	vmcall_for_ever();
}

static u64 copy_what_is_told(void)
{
	u64 told = take();

	for (u64 page = 0; page < ARRAY_SIZE(copy); page++)
		if (bits[0] >> page & 1)
			copy[page] = peek(REGION_HERE + page * PAGE_SIZE);
	return told;
}

VMX_TEST(vmx_context, no_store_of_a_running_l2_is_left_out, NEED_CPUS_2)
{
	/* Expect: a copy of each page that was told, made after the call, is in the end what the
	 * pages say that an L2 counts up in all the time. */
	u64 told = 0;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	EXPECT(add_logged());
	memset((void *)REGION_HERE, 0, REGION_BYTES);
	l2 = l2_with_alias((const void *)(u64)count_up, REGION_HERE, EPT_LEVEL_2M);
	words = (volatile u64 *)EPT_ALIAS;
	EXPECT(l2_start_beside(l2));
	for (u32 i = 0; i < BESIDE; i++) {
		for (u64 start = rdtsc(); rdtsc() - start < PAUSE;)
			cpu_pause();
		told += copy_what_is_told();
	}
	EXPECT_EQ(l2_finish_beside(), EXIT_VMCALL);
	told += copy_what_is_told();
	EXPECT(told > BESIDE);
	for (u64 page = 0; page < ARRAY_SIZE(copy); page++)
		EXPECT_EQ(peek(REGION_HERE + page * PAGE_SIZE), copy[page]);
	EXPECT(copy[3] > 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}
