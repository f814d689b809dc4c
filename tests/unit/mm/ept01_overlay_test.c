/* SPDX-License-Identifier: MIT */
/* mm/ept01_overlay.c: when the page is there, and that it goes by the protocol of changes. */
#include "unit.h"
#include "ept01_fixture.h"
#include "host_memory.h"
#include "hv/errno.h"
#include "mm/change.h"
#include "mm/ept01.h"
#include "mm/mtrr.h"
#include "mm/vm_memory.h"

#define PLACE 0xfee00ULL
#define FRAME 0x1234ULL

static struct vm_memory *memory;
static u32 kicks;

static bool is_there(void)
{
	struct ept_leaf leaf;

	return ept_lookup(&memory->ept01, PLACE, &leaf) == 0;
}

static void kick_and_wait(u64 cpu_mask)
{
	(void)cpu_mask;
	kicks++;
	assert_false(is_there());
}

static int set_up(void **state)
{
	(void)state;
	host_memory_default();
	ept01_fixture(kick_and_wait);
	memory = vm_memory_create(l1_gfn(BIT(24)));
	kicks = 0;
	if (ept01_overlay_create(memory, l1_gfn(PLACE), pfn(FRAME)))
		return -1;
	change_cpu_joins(memory);
	return 0;
}

UNIT(it_is_one_page_without_execution)
{
	struct ept_leaf leaf;

	assert_int_equal(ept_lookup(&memory->ept01, PLACE, &leaf), 0);
	assert_int_equal(leaf.level, EPT_LEVEL_4K);
	assert_int_equal(leaf.pfn.raw, FRAME);
	assert_int_equal(leaf.bits & EPT_ACCESS_MASK, EPT_READ | EPT_WRITE);
	assert_int_equal(leaf.bits >> EPT_TYPE_SHIFT & 7, MEMORY_WB);
}

UNIT(it_is_there_while_nobody_hides_it)
{
	ept01_overlay_hide(memory);
	assert_false(is_there());
	ept01_overlay_hide(memory);
	ept01_overlay_show(memory);
	assert_false(is_there());
	ept01_overlay_show(memory);
	assert_true(is_there());
	ept01_overlay_hide(memory);
	assert_false(is_there());
}

UNIT(the_first_hide_kicks_after_the_page_is_gone)
{
	ept01_overlay_hide(memory);
	assert_int_equal(kicks, 1);
	ept01_overlay_hide(memory);
	assert_int_equal(kicks, 1);
}

UNIT(no_region_may_cover_it)
{
	assert_int_equal(memslot_add_ram(memory, l1_gfn(PLACE - 1), 2, 0), MEMSLOT_OVERLAPS);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(PLACE), 1, 0), MEMSLOT_OVERLAPS);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(PLACE - 2), 2, 0), MEMSLOT_OK);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(PLACE + 1), 1, 0), MEMSLOT_OK);
	assert_int_equal(memslot_move(memory, l1_gfn(PLACE - 2), l1_gfn(PLACE - 1)),
			 MEMSLOT_OVERLAPS);
	ept01_overlay_hide(memory);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(PLACE), 1, 0), MEMSLOT_OVERLAPS);
}

UNIT(faults_there_find_no_region)
{
	ept01_overlay_hide(memory);
	assert_int_equal(ept01_fault(memory, l1_gfn_to_l1_gpa(l1_gfn(PLACE)), true), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_is_one_page_without_execution, set_up),
		cmocka_unit_test_setup(it_is_there_while_nobody_hides_it, set_up),
		cmocka_unit_test_setup(the_first_hide_kicks_after_the_page_is_gone, set_up),
		cmocka_unit_test_setup(no_region_may_cover_it, set_up),
		cmocka_unit_test_setup(faults_there_find_no_region, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
