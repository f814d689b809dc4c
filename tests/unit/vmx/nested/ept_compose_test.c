/* SPDX-License-Identifier: MIT */
/* EPT02's leaf: every pair of leaf sizes, every way to the permissions, every pair of types. */
#include "unit.h"
#include "host_memory.h"
#include "vmx/nested/ept_compose.h"

#define FROM 0x0000123456789abcULL
#define TO   0x0000000056789abcULL
#define PFN  0x0000000000fd6789ULL /* congruent to FROM and TO in every leaf */

static struct ept12_walk walk;
static struct ept01_page page;

static int set_up(void **state)
{
	(void)state;
	walk = (struct ept12_walk){ .from = l2_gpa(FROM),
				    .to = l1_gpa(TO),
				    .level = 1,
				    .rights = 7,
				    .type = MEMORY_WB,
				    .used_count = 1 };
	page = (struct ept01_page){
		.pfn = pfn(PFN), .level = 1, .writable = true, .type = MEMORY_WB
	};
	return 0;
}

static u64 bits(void)
{
	return ept_compose(&walk, &page).leaf.bits;
}

UNIT(leaf_is_the_largest_that_both_allow)
{
	static const u64 gfns[] = { 0, 0x123456789, 0x123456600, 0x123440000 };
	static const u64 pfns[] = { 0, 0xfd6789, 0xfd6600, 0xfc0000 };

	for (u32 l12 = 1; l12 <= 3; l12++) {
		for (u32 l01 = 1; l01 <= 3; l01++) {
			u32 level = l12 < l01 ? l12 : l01;
			struct ept02_leaf out;

			walk.level = l12;
			page.level = l01;
			out = ept_compose(&walk, &page);
			assert_int_equal(out.leaf.level, level);
			assert_int_equal(out.gfn.raw, gfns[level]);
			assert_int_equal(out.leaf.pfn.raw, pfns[level]);
			assert_int_equal(out.leaf.bits,
					 0x37); /* the caller's ept_map() adds bit 7 */
		}
	}
}

static void compose(void)
{
	(void)ept_compose(&walk, &page);
}

UNIT(callers_bugs_are_caught)
{
	walk.level = 2;
	page.level = 2;
	page.pfn.raw++;
	assert_true(host_panics(compose, "IS_ALIGNED"));
	page.pfn.raw--;
	walk.outcome = EPT12_VIOLATION;
	assert_true(host_panics(compose, "EPT12_OK"));
}

UNIT(permissions_are_those_of_both)
{
	for (u64 rights = 0; rights < 8; rights++) {
		walk.rights = rights;
		page.writable = true;
		assert_int_equal(bits(), 0x30 | rights);
		page.writable = false;
		assert_int_equal(bits(), 0x30 | (rights & 5));
	}
}

UNIT(clean_page_becomes_writable_by_a_write_only)
{
	static const struct {
		bool has_flags, write, dirty, writable;
	} cases[] = {
		{ false, false, false, true }, { false, true, false, true },
		{ false, false, true, true },  { true, false, false, false },
		{ true, true, false, true },   { true, false, true, true },
		{ true, true, true, true },
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		walk.has_flags = cases[i].has_flags;
		walk.write = cases[i].write;
		walk.used[0].value = cases[i].dirty ? 0x300 : 0x100;
		page.writable = true;
		assert_int_equal(bits(), cases[i].writable ? 0x37 : 0x35);
		page.writable = false;
		assert_int_equal(bits(), 0x35);
	}
}

/* No more cached than either; what neither side has is uncacheable. */
UNIT(types_of_both_meet)
{
	static const enum memory_type types[] = { MEMORY_UC, MEMORY_WC, MEMORY_WT, MEMORY_WP,
						  MEMORY_WB };
	static const enum memory_type meet[5][5] = {
		/* UC */ { MEMORY_UC, MEMORY_UC, MEMORY_UC, MEMORY_UC, MEMORY_UC },
		/* WC */ { MEMORY_UC, MEMORY_WC, MEMORY_UC, MEMORY_UC, MEMORY_WC },
		/* WT */ { MEMORY_UC, MEMORY_UC, MEMORY_WT, MEMORY_UC, MEMORY_WT },
		/* WP */ { MEMORY_UC, MEMORY_UC, MEMORY_UC, MEMORY_WP, MEMORY_WP },
		/* WB */ { MEMORY_UC, MEMORY_WC, MEMORY_WT, MEMORY_WP, MEMORY_WB },
	};

	for (u32 a = 0; a < 5; a++)
		for (u32 b = 0; b < 5; b++) {
			walk.type = types[a];
			page.type = types[b];
			assert_int_equal(bits(), 7 | (u64)meet[a][b] << 3);
			assert_int_equal(ept_compose_type(types[a], types[b]), meet[a][b]);
		}
}

UNIT(ignore_pat_is_l1s_to_say)
{
	walk.ignore_pat = true;
	assert_int_equal(bits(), 0x77);
	page.type = MEMORY_UC;
	assert_int_equal(bits(), 0x47);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(leaf_is_the_largest_that_both_allow, set_up),
		cmocka_unit_test_setup(callers_bugs_are_caught, set_up),
		cmocka_unit_test_setup(permissions_are_those_of_both, set_up),
		cmocka_unit_test_setup(clean_page_becomes_writable_by_a_write_only, set_up),
		cmocka_unit_test_setup(types_of_both_meet, set_up),
		cmocka_unit_test_setup(ignore_pat_is_l1s_to_say, set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/ept_compose", tests, NULL, NULL);
}
