/* SPDX-License-Identifier: MIT */
/* L1's memory comes, goes and moves (hv/abi.h) while an L2 that uses it runs on another CPU. Needs
 * test_calls = on. */
#include "hv/string.h"
#include "tests/guest/lib/looker.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_l2_access.h"
#include "tests/guest/lib/vmx_smp.h"

#define ONES   (~0ULL)
#define ROUNDS 100u
#define LOOKS  3u

static void look(void)
{
	while (!beside_ends())
		looker_look();
	vmcall_for_ever();
}

static bool come_and_go(u64 round)
{
	return looker_sees_region(round, LOOKS);
}

/* Away from where L2 looks, and back. */
static bool move_about(u64 round)
{
	looker_finds_anything();
	poke(REGION_HERE, looker_word(round));
	if (!looker_finds(looker_word(round), LOOKS))
		return false;
	looker_finds_anything();
	if (region_move(REGION_HERE, REGION_THERE) || !looker_finds(ONES, LOOKS))
		return false;
	looker_finds_anything();
	return !region_move(REGION_THERE, REGION_HERE);
}

static void beside_running_l2(struct l2 *l2, u64 where, bool (*change)(u64 round))
{
	u32 done = 0;

	looker_begin(where);
	EXPECT(l2_start_beside(l2));
	while (done < ROUNDS && change(done))
		done++;
	EXPECT_EQ(l2_finish_beside(), EXIT_VMCALL);
	EXPECT_EQ(done, ROUNDS);
	looker_expect_right();
}

VMX_TEST(vmx_context, running_l2_sees_regions_come_and_go, NEED_CPUS_2)
{
	/* Expect: an L2 without EPT that reads all the time finds the new page from an addition's
	 * return on, and ones from a deletion's. */
	TEST_CALLS_REQUIRED();
	beside_running_l2(l2_new((const void *)(u64)look), REGION_HERE, come_and_go);
}

/* It finds the region at EPT_ALIAS. */
static struct l2 *l2_that_looks(void)
{
	return l2_with_alias((const void *)(u64)look, REGION_HERE, EPT_LEVEL_4K);
}

VMX_TEST(vmx_context, running_l2_under_ept_sees_regions_come_and_go, NEED_CPUS_2)
{
	/* Expect: the same through L1's EPT. */
	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	beside_running_l2(l2_that_looks(), EPT_ALIAS, come_and_go);
}

VMX_TEST(vmx_context, running_l2_sees_a_region_move, NEED_CPUS_2)
{
	/* Expect: contents while the region is where L2's EPT points, ones while it is
	 * elsewhere. */
	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	EXPECT_EQ(region_add(REGION_HERE), 0);
	beside_running_l2(l2_that_looks(), EPT_ALIAS, move_about);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

/* The region that comes and goes is L2's leaf table: L2 may exit, and goes on when it is back. */
static bool table_comes_and_goes(u64 page)
{
	for (u32 round = 0; round < ROUNDS; round++) {
		if (region_add(REGION_HERE))
			return false;
		memset((void *)REGION_HERE, 0, PAGE_SIZE);
		poke(REGION_HERE, page | EPT_MEMORY);
		if (region_delete(REGION_HERE))
			return false;
	}
	return true;
}

static u64 exits[3]; /* VMCALL; violation or misconfiguration; others */

static void read_all_the_time(void *argument)
{
	struct l2 *l2 = argument;

	l2_arrive(l2);
	while (!beside_ends()) {
		u64 value = l2_read(l2, EPT_ALIAS);

		if (value == 0x11)
			exits[0]++;
		else if (value == ~(u64)EXIT_EPT_VIOLATION || value == ~(u64)EXIT_EPT_MISCONFIG)
			exits[1]++;
		else
			exits[2]++;
	}
	l2_clear(l2);
}

VMX_TEST(vmx_context, an_ept_table_comes_and_goes_beside_its_l2, NEED_CPUS_2)
{
	/* Expect: each read of L2 finds the page or exits for its EPT; nothing else ever
	 * happens. */
	u64 eptp;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	l2 = l2_with_alias_table(read_insn, REGION_HERE, &eptp);
	memset(exits, 0, sizeof(exits));
	EXPECT(vmx_start_beside(read_all_the_time, l2));
	EXPECT(table_comes_and_goes(vmx_page_with(0x11)));
	EXPECT(vmx_finish_beside());
	EXPECT(exits[0] + exits[1] > 0);
	EXPECT_EQ(exits[2], 0);
}
