/* SPDX-License-Identifier: MIT */
/* mm/ept01_protect.c: what EPT01 does over a protected page, and when it is as before. */
#include "protect_fixture.h"

#define GIB_PAGES (GIB / PAGE_SIZE)
#define PAGE      (GIB_PAGES + 7 * 512 + 3)

static struct ept_leaf_counts counts;

static void populate(u64 gfn, u64 pages)
{
	add(gfn, pages);
	assert_int_equal(ept01_populate(memory), 0);
}

static void expect_leaves(u64 leaves_1g, u64 leaves_2m, u64 leaves_4k)
{
	ept01_count(memory, &counts);
	assert_int_equal(counts.leaves_1g, leaves_1g);
	assert_int_equal(counts.leaves_2m, leaves_2m);
	assert_int_equal(counts.leaves_4k, leaves_4k);
}

/* Every page is mapped to its frame; exactly this one is not writable. */
static void expect_only_closed(u64 first, u64 pages, u64 closed)
{
	u64 base = frame_of(first).raw; /* contiguous: the regions here are aligned blocks */

	for (u64 gfn = first; gfn < first + pages; gfn++) {
		struct ept_leaf leaf = leaf_at(gfn);

		assert_int_equal(mapped_frame(gfn), base + gfn - first);
		assert_int_equal(!(leaf.bits & EPT_WRITE), gfn == closed);
		assert_int_equal(leaf.bits & ~(EPT_WRITE | EPT_ACCESSED | EPT_DIRTY),
				 EPT_READ | EPT_EXECUTE | (u64)MEMORY_WB << EPT_TYPE_SHIFT);
	}
}

UNIT(only_what_is_over_the_page_is_split)
{
	u64 generation;

	populate(GIB_PAGES, GIB_PAGES);
	expect_leaves(1, 0, 0);
	generation = *ept01_generation(memory);
	assert_int_equal(protect(PAGE), 0);
	expect_leaves(0, 511, 512);
	expect_only_closed(GIB_PAGES, GIB_PAGES, PAGE);
	assert_true(*ept01_generation(memory) > generation);
	assert_true(leaf_at(PAGE).bits & EPT_DIRTY);
	/* The next in the same block splits nothing, one in another block only that. */
	assert_int_equal(protect(PAGE + 1), 0);
	expect_leaves(0, 511, 512);
	assert_int_equal(protect(PAGE + 512), 0);
	expect_leaves(0, 510, 1024);
}

UNIT(page_that_is_not_mapped_is_mapped_read_only_by_faults)
{
	u64 pages;

	add(GIB_PAGES, GIB_PAGES);
	pages = page_free_count();
	assert_int_equal(protect(PAGE), 0);
	assert_int_equal(page_free_count(), pages);
	assert_int_equal(fault(PAGE, false), 0);
	assert_int_equal(leaf_at(PAGE).level, EPT_LEVEL_4K);
	assert_false(may_write(PAGE));
	assert_int_equal(fault(PAGE + 1, true), 0);
	assert_true(may_write(PAGE + 1));
	assert_int_equal(fault(PAGE + 512, true), 0);
	expect_leaves(0, 1, 2);
}

UNIT(population_leaves_the_page_read_only)
{
	add(GIB_PAGES, GIB_PAGES);
	assert_int_equal(protect(PAGE), 0);
	assert_int_equal(ept01_populate(memory), 0);
	expect_leaves(0, 511, 512);
	expect_only_closed(GIB_PAGES, GIB_PAGES, PAGE);
}

UNIT(write_fault_is_told_apart_and_maps_nothing)
{
	u64 faults;

	populate(0, 512);
	assert_int_equal(protect(5), 0);
	faults = host_counter(CTR_EPT01_FAULTS);
	assert_int_equal(fault(5, true), -EACCES);
	assert_false(may_write(5));
	assert_int_equal(host_counter(CTR_EPT01_FAULTS), faults);
	assert_int_equal(fault(5, false), 0);
	assert_false(may_write(5));
	assert_int_equal(fault(6, true), 0);
	assert_true(may_write(6));
	assert_int_equal(told, 0);
	change_page_written(memory, l1_gfn(5));
	assert_int_equal(told, 1);
	assert_int_equal(told_gfn, 5);
	assert_int_equal(fault(5, true), 0);
	assert_true(may_write(5));
	change_page_written(memory, l1_gfn(5));
	assert_int_equal(told, 1);
	assert_int_equal(host_counter(CTR_PROTECTED_WRITES), 1);
}

UNIT(users_are_counted)
{
	populate(0, 512);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(protect(5), 0);
	assert_int_equal(host_counter(CTR_PAGE_PROTECTIONS), 1);
	for (u32 i = 0; i < 3; i++) {
		assert_true(is_protected(5));
		assert_int_equal(fault(5, true), -EACCES);
		unprotect(5);
	}
	assert_false(is_protected(5));
	assert_int_equal(fault(5, true), 0);
	assert_true(may_write(5));
}

UNIT(protected_again_it_costs_no_table)
{
	u64 pages, tables;

	populate(0, 512);
	assert_int_equal(protect(5), 0);
	pages = page_free_count();
	tables = memory->ept01.tables;
	for (u32 i = 0; i < 100; i++) {
		unprotect(5);
		assert_int_equal(fault(5, true), 0);
		assert_true(may_write(5));
		assert_int_equal(protect(5), 0);
		assert_false(may_write(5));
	}
	assert_int_equal(page_free_count(), pages);
	assert_int_equal(memory->ept01.tables, tables);
}

UNIT(page_without_a_region_is_refused)
{
	assert_int_equal(protect(5), -ENOENT);
	assert_false(is_protected(5));
}

UNIT(read_only_page_is_accepted_and_closed_when_it_becomes_writable)
{
	add_with(0, 512, MEMSLOT_READONLY);
	assert_int_equal(ept01_populate(memory), 0);
	assert_int_equal(protect(5), 0);
	expect_leaves(0, 1, 0);
	assert_int_equal(fault(5, true), -EFAULT);
	assert_int_equal(fault(5, false), 0);
	expect_leaves(0, 1, 0);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(0), 0), MEMSLOT_OK);
	assert_int_equal(fault(5, true), -EACCES);
	assert_int_equal(fault(6, true), 0);
	assert_int_equal(fault(5, false), 0);
	assert_false(may_write(5));
	assert_true(may_write(6));
}

UNIT(protection_stays_with_the_gfn_when_regions_move)
{
	populate(0, 512);
	add(4096, 512);
	assert_int_equal(ept01_populate(memory), 0);
	assert_int_equal(protect(5), 0);
	move(0, 1024);
	assert_int_equal(fault(5, true), -ENOENT);
	assert_int_equal(fault(1024 + 5, true), 0);
	assert_true(may_write(1024 + 5));
	assert_int_equal(leaf_at(1024 + 5).level, EPT_LEVEL_2M);
	move(4096, 0);
	assert_int_equal(fault(5, false), 0);
	assert_int_equal(mapped_frame(5), frame_of(5).raw);
	assert_false(may_write(5));
	assert_int_equal(fault(5, true), -EACCES);
	remove_at(0);
	add(0, 600);
	assert_int_equal(fault(5, true), -EACCES);
	assert_int_equal(fault(513, true), 0);
	remove_at(0);
	unprotect(5);
	assert_false(is_protected(5));
}

UNIT(overtaken_translation_is_no_write_to_a_protected_page)
{
	struct ept01_translation t;

	add(0, 512);
	assert_int_equal(protect(5), 0);
	ept01_translate(memory, 5, true, &t);
	assert_int_equal(ept01_publish(memory, &t), -EACCES);
	add(1024, 1);
	assert_int_equal(ept01_publish(memory, &t), -EBUSY);
}

/* A fault looked the page up before it was protected, and maps it afterwards. */
UNIT(translation_from_before_the_protection_does_not_open_the_page)
{
	struct ept01_translation t;

	add(0, 512);
	ept01_translate(memory, 5, false, &t);
	assert_int_equal(protect(5), 0);
	assert_int_equal(ept01_publish(memory, &t), 0);
	assert_false(may_write(5));
}

UNIT(full_set_refuses_and_the_page_stays_writable)
{
	populate(0, 512);
	for (u64 gfn = 0; gfn < ROOM; gfn++)
		assert_int_equal(protect(gfn), 0);
	assert_int_equal(protect(100), -ENOMEM);
	assert_false(is_protected(100));
	assert_true(may_write(100));
	assert_int_equal(fault(100, true), 0);
	assert_int_equal(protect(0), 0);
}

UNIT(page_that_was_idle_longest_makes_room_and_grows_back)
{
	populate(0, 512 * 64);
	for (u64 i = 0; i < ROOM; i++)
		assert_int_equal(protect(512 * i), 0);
	expect_leaves(0, 64 - ROOM, 512 * ROOM);
	unprotect(512 * 3);
	unprotect(512 * 2);
	assert_int_equal(protect(512 * 20), 0);
	assert_int_equal(leaf_at(512 * 3).level, EPT_LEVEL_2M);
	assert_true(may_write(512 * 3));
	assert_int_equal(leaf_at(512 * 2).level, EPT_LEVEL_4K);
	expect_leaves(0, 64 - ROOM, 512 * ROOM);
	assert_int_equal(protect(512 * 21), 0);
	assert_int_equal(protect(512 * 22), -ENOMEM);
	assert_int_equal(leaf_at(512 * 22).level, EPT_LEVEL_2M);
}

UNIT(whole_gigabyte_grows_back)
{
	populate(GIB_PAGES, GIB_PAGES);
	add(0, 512);
	assert_int_equal(protect(PAGE), 0);
	assert_int_equal(protect(PAGE + 512), 0);
	unprotect(PAGE);
	unprotect(PAGE + 512);
	for (u64 gfn = 0; gfn < ROOM - 1; gfn++)
		assert_int_equal(protect(gfn), 0);
	expect_leaves(0, 511, 512);
	assert_int_equal(protect(ROOM - 1), 0);
	expect_leaves(1, 0, 0);
	assert_true(may_write(PAGE));
}

static u64 pages_before;

static void no_table_is_free_yet(void)
{
	assert_int_equal(page_free_count(), pages_before);
}

UNIT(tables_that_are_left_over_are_freed_after_the_kick)
{
	populate(0, 512 * 64);
	for (u64 i = 0; i < ROOM; i++)
		assert_int_equal(protect(512 * i), 0);
	ept01_protect_wait(memory);
	assert_int_equal(kicks, 1);
	assert_int_equal(kicked, 1);
	unprotect(0);
	assert_int_equal(protect(512 * 20), 0);
	pages_before = page_free_count();
	in_kick = no_table_is_free_yet;
	ept01_protect_wait(memory);
	assert_int_equal(kicks, 2);
	assert_int_equal(page_free_count(), pages_before + 1);
}

/* What is taken away was never mapped, but tables are left over that a CPU may still walk. */
UNIT(change_that_takes_left_over_tables_along_kicks)
{
	populate(0, 512 * 64);
	for (u64 i = 0; i < ROOM; i++)
		assert_int_equal(protect(512 * i), 0);
	unprotect(0);
	assert_int_equal(protect(512 * 20), 0);
	add(GIB_PAGES, 1);
	pages_before = page_free_count();
	in_kick = no_table_is_free_yet;
	remove_at(GIB_PAGES);
	assert_int_equal(kicks, 1);
	assert_int_equal(page_free_count(), pages_before + 1);
}

UNIT(whatever_is_protected_in_turn_tables_are_bounded)
{
	u64 most = 0;

	populate(0, 512 * 200);
	for (u32 i = 0; i < 2000; i++) {
		u64 gfn = 512ULL * (i % 200);

		assert_int_equal(protect(gfn), 0);
		ept01_protect_wait(memory);
		most = MAX(most, memory->ept01.tables);
		unprotect(gfn);
		assert_int_equal(fault(gfn, true), 0);
	}
	assert_true(most <= 3 + ROOM);
}

UNIT(no_page_for_a_table_is_told_and_nothing_is_protected)
{
	populate(GIB_PAGES, GIB_PAGES);
	while (page_free_count() > 1)
		page_alloc(0);
	assert_int_equal(protect(PAGE), -ENOMEM);
	assert_false(is_protected(PAGE));
	assert_true(may_write(PAGE));
	assert_int_equal(fault(PAGE, true), 0);
	assert_int_equal(leaf_at(PAGE).level, EPT_LEVEL_1G);
	assert_int_equal(told, 0);
}

UNIT(without_a_set_nothing_can_be_protected)
{
	memory = vm_memory_create(l1_gfn(FIXTURE_MAX_GFN));
	add(0, 512);
	assert_int_equal(protect(5), -ENOMEM);
	assert_false(is_protected(5));
	assert_int_equal(fault(5, true), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up_protection)
	const struct CMUnitTest tests[] = {
		TEST(only_what_is_over_the_page_is_split),
		TEST(page_that_is_not_mapped_is_mapped_read_only_by_faults),
		TEST(population_leaves_the_page_read_only),
		TEST(write_fault_is_told_apart_and_maps_nothing),
		TEST(users_are_counted),
		TEST(protected_again_it_costs_no_table),
		TEST(page_without_a_region_is_refused),
		TEST(read_only_page_is_accepted_and_closed_when_it_becomes_writable),
		TEST(protection_stays_with_the_gfn_when_regions_move),
		TEST(overtaken_translation_is_no_write_to_a_protected_page),
		TEST(translation_from_before_the_protection_does_not_open_the_page),
		TEST(full_set_refuses_and_the_page_stays_writable),
		TEST(page_that_was_idle_longest_makes_room_and_grows_back),
		TEST(whole_gigabyte_grows_back),
		TEST(tables_that_are_left_over_are_freed_after_the_kick),
		TEST(change_that_takes_left_over_tables_along_kicks),
		TEST(whatever_is_protected_in_turn_tables_are_bounded),
		TEST(no_page_for_a_table_is_told_and_nothing_is_protected),
		TEST(without_a_set_nothing_can_be_protected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
