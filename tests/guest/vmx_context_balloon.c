/* SPDX-License-Identifier: MIT */
/* Pages of L1 that go and come back (hv/abi.h) under L2s: what L2 finds is what L1 finds. Needs
 * test_calls = on. */
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/looker.h"
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
static void look(void)
{
	while (!beside_ends())
		looker_look();
	vmcall_for_ever();
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
	looker_begin(EPT_ALIAS);
	EXPECT(l2_start_beside(l2));
	for (u32 i = 0; i < BESIDE; i++) {
		looker_finds_anything();
		EXPECT_EQ(balloon_out(REGION_HERE, PAGE_SIZE), 0);
		EXPECT(looker_finds(ONES, 2));
		looker_finds_anything();
		EXPECT_EQ(balloon_in(REGION_HERE, PAGE_SIZE), 0);
		EXPECT(looker_finds(0, 2));
	}
	EXPECT_EQ(l2_finish_beside(), EXIT_VMCALL);
	looker_expect_right();
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}
