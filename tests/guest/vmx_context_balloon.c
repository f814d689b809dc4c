/* SPDX-License-Identifier: MIT */
/* Pages of L1 that go and come back (hv/abi.h) under L2s: what L2 finds is what L1 finds. Needs
 * test_calls = on. */
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_l2_access.h"
#include "tests/guest/lib/vmx_smp.h"

#define ONES   (~0ULL)
#define ROUNDS 10u
#define BESIDE 100u

/* L2 sees at this address what L1 has in the page. */
static void expect_the_same(struct l2 *l2, u64 address, u64 page)
{
	for (u64 i = 0; i < ROUNDS; i++) {
		EXPECT_EQ(l2_write(l2, address, i), EXIT_VMCALL);
		EXPECT_EQ(peek(page), i);
		EXPECT_EQ(balloon_out(page, PAGE_SIZE), 0);
		EXPECT_EQ(l2_run(l2, read_insn, address), EXIT_VMCALL);
		EXPECT_EQ(l2->regs[RAX], ONES);
		EXPECT_EQ(l2_write(l2, address, 1), EXIT_VMCALL);
		EXPECT_EQ(balloon_in(page, PAGE_SIZE), 0);
		EXPECT_EQ(l2_read(l2, address), 0);
	}
}

VMX_TEST(vmx_context, l2_without_ept_finds_the_hole, 0)
{
	/* Expect: ones while the page is out, whatever L2 writes there, and zero afterwards. */
	u64 page = vmx_page();

	TEST_CALLS_REQUIRED();
	expect_the_same(l2_new(read_insn), page, page);
}

VMX_TEST(vmx_context, l2_under_ept_finds_the_hole, 0)
{
	/* Expect: the same through a small leaf and one page of a large one. */
	u64 page = vmx_page();
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	l2 = l2_with_alias(read_insn, page, EPT_LEVEL_4K);
	expect_the_same(l2, EPT_ALIAS, page);
	expect_the_same(l2, page, page);
}

VMX_TEST(vmx_context, an_ept_table_that_is_out_maps_nothing, 0)
{
	/* Expect: L2 exits while its leaf table reads ones, which no entry is, and while it reads
	 * zeros; a leaf that L1 writes then counts. */
	u64 eptp, table = vmx_page(), page = vmx_page_with(5);
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(EPT_CAP_MASK(INVEPT_SINGLE));
	l2 = l2_with_alias_table(read_insn, table, &eptp);
	poke(table, page | EPT_MEMORY);
	EXPECT_EQ(l2_run(l2, read_insn, EPT_ALIAS), EXIT_VMCALL);
	EXPECT_EQ(balloon_out(table, PAGE_SIZE), 0);
	EXPECT_EQ(l2_run(l2, read_insn, EPT_ALIAS), EXIT_EPT_MISCONFIG);
	EXPECT_EQ(balloon_in(table, PAGE_SIZE), 0);
	EXPECT_EQ(l2_run(l2, read_insn, EPT_ALIAS), EXIT_EPT_VIOLATION);
	poke(table, page | EPT_MEMORY);
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT_EQ(l2_read(l2, EPT_ALIAS), 5);
}

/* --- beside a running L2 --- */
static volatile u64 *word; /* L2's address */
static u64 looks, wrong;   /* L2's */
static u64 wanted;         /* what L2 may find; anything, while it is 1 */

static void look(void)
{
	while (!beside_ends()) {
		u64 before = READ_ONCE(wanted), value = *word;

		if (READ_ONCE(wanted) != before)
			continue;
		wrong += before != 1 && value != before;
		WRITE_ONCE(looks, looks + 1);
	}
	vmcall_for_ever();
}

/* L2 looks twice while it may find this. */
static void show(u64 value)
{
	u64 before;

	WRITE_ONCE(wanted, value);
	before = READ_ONCE(looks);
	for (u64 start = rdtsc(); READ_ONCE(looks) < before + 2 && rdtsc() - start < 50000000;)
		cpu_pause();
	EXPECT(READ_ONCE(looks) >= before + 2);
	WRITE_ONCE(wanted, 1);
}

VMX_TEST(vmx_context, running_l2_finds_the_hole, NEED_CPUS_2)
{
	/* Expect: an L2 that reads a page all the time, and so has its translation, finds ones
	 * from the one call's return on, and zeros from the other's. */
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	EXPECT_EQ(region_add(REGION_HERE), 0);
	l2 = l2_with_alias((const void *)(u64)look, REGION_HERE, EPT_LEVEL_4K);
	word = (volatile u64 *)EPT_ALIAS;
	looks = wrong = 0;
	wanted = 1;
	EXPECT(l2_start_beside(l2));
	for (u32 i = 0; i < BESIDE; i++) {
		EXPECT_EQ(balloon_out(REGION_HERE, PAGE_SIZE), 0);
		show(ONES);
		EXPECT_EQ(balloon_in(REGION_HERE, PAGE_SIZE), 0);
		show(0);
	}
	EXPECT_EQ(l2_finish_beside(), EXIT_VMCALL);
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}
