/* SPDX-License-Identifier: MIT */
/* mm/ept01.c: leaf sizes, memory types, faults, and what a deletion takes away. */
#include "unit.h"
#include "host_memory.h"
#include "hv/cpu.h"
#include "hv/errno.h"
#include "mm/ept01.h"
#include "mm/mtrr.h"
#include "mm/vm_memory.h"

#define ALL (EPT_ACCESS_MASK | EPT_ACCESSED | EPT_DIRTY)

static struct vm_memory *memory;
static struct mtrr_map types;
static struct ept_features features;
static struct ept_leaf_counts counts;

static int set_up(void **state)
{
	(void)state;
	host_memory_default();
	types = (struct mtrr_map){ .def_type = MTRR_DEF_ENABLED | MEMORY_WB, .maxphyaddr = 40 };
	features = (struct ept_features){ true, true, true, true };
	ept01_set_features(&features, &types);
	memory = vm_memory_create(l1_gfn(BIT(24)));
	return memory ? 0 : -1;
}

static void add(u64 gpa, u64 bytes, u32 flags)
{
	assert_int_equal(
		memslot_add_ram(memory, l1_gpa_to_l1_gfn(l1_gpa(gpa)), bytes / PAGE_SIZE, flags),
		MEMSLOT_OK);
}

static void populate(void)
{
	assert_int_equal(ept01_populate(memory), 0);
	ept01_count(memory, &counts);
}

static struct ept_leaf leaf_at(u64 gpa)
{
	struct ept_leaf leaf = { 0 };

	if (ept_lookup(&memory->ept01, gpa >> PAGE_SHIFT, &leaf))
		assert_int_equal(leaf.level, 0);
	return leaf;
}

/* Every page of every region must be mapped to the frame that the region names. */
static void check_all(void)
{
	struct memslot_info info;

	for (u32 i = 0; memslot_describe(memory, i, &info); i++)
		for (u64 n = 0; n < info.pages; n += 61) {
			struct memslot_frame frame;
			struct ept_leaf leaf = leaf_at((info.gfn.raw + n) << PAGE_SHIFT);
			u64 inside = (info.gfn.raw + n) % ept_level_pages(leaf.level);

			assert_int_equal(memslot_find(memory, l1_gfn_add(info.gfn, n), &frame), 0);
			assert_int_equal(leaf.pfn.raw + inside, frame.pfn.raw);
		}
}

UNIT(pointer_says_write_back_four_levels_and_accessed_dirty)
{
	u64 root = page_to_hpa(memory->ept01.root).raw;

	assert_int_equal(ept01_pointer(memory), root | 0x5e);
	features.accessed_dirty = false;
	ept01_set_features(&features, &types);
	assert_int_equal(ept01_pointer(memory), root | 0x1e);
}

UNIT(populate_takes_the_largest_leaves)
{
	add(0, 0x9f000, 0);
	add(MIB, 511 * MIB, 0);
	add(3 * GIB, GIB + 6 * MIB, 0);
	populate();
	assert_int_equal(counts.leaves_4k, 0x9f + 256);
	assert_int_equal(counts.leaves_2m, 255 + 3);
	assert_int_equal(counts.leaves_1g, 1);
	assert_int_equal(counts.tables, 1 + 1 + 2 + 1);
	check_all();
}

UNIT(leaf_never_reaches_beyond_its_region)
{
	add(8 * MIB, MIB,
	    0); /* takes the pool's odd 1 MiB, so that the next backing is contiguous */
	add(0, 3 * MIB, 0);
	populate();
	assert_int_equal(counts.leaves_2m, 1);
	assert_int_equal(counts.leaves_4k, 256 + 256);
	check_all();
}

UNIT(leaf_sizes_that_the_cpu_lacks_are_not_used)
{
	features.leaf_1g = false;
	ept01_set_features(&features, &types);
	add(GIB, GIB, 0);
	populate();
	assert_int_equal(counts.leaves_1g, 0);
	assert_int_equal(counts.leaves_2m, 512);
	features.leaf_2m = false;
	ept01_set_features(&features, &types);
	memory = vm_memory_create(l1_gfn(BIT(24)));
	add(0, 4 * MIB, 0);
	populate();
	assert_int_equal(counts.leaves_2m, 0);
	assert_int_equal(counts.leaves_4k, 1024);
	check_all();
}

UNIT(types_come_from_the_mtrrs_and_bound_the_leaves)
{
	types.variable_count = 1; /* 64K of WT at 4 GiB + 4 MiB */
	types.variable[0].base = (4 * GIB + 4 * MIB) | MEMORY_WT;
	types.variable[0].mask = (BITS(39, 12) & ~(64 * KIB - 1)) | MTRR_MASK_VALID;
	add(GIB, 2 * GIB, 0);
	populate();
	assert_int_equal(counts.leaves_1g, 1);
	assert_int_equal(counts.leaves_2m, 511);
	assert_int_equal(counts.leaves_4k, 512);
	assert_int_equal(leaf_at(GIB).bits, ALL | (u64)MEMORY_WB << EPT_TYPE_SHIFT);
	assert_int_equal(leaf_at(GIB + 4 * MIB).bits, ALL | (u64)MEMORY_WT << EPT_TYPE_SHIFT);
	assert_int_equal(leaf_at(GIB + 4 * MIB + 64 * KIB).bits,
			 ALL | (u64)MEMORY_WB << EPT_TYPE_SHIFT);
}

UNIT(read_only_region_gets_no_write_permission)
{
	add(2 * MIB, 2 * MIB, MEMSLOT_READONLY);
	populate();
	assert_int_equal(leaf_at(2 * MIB).bits & EPT_ACCESS_MASK, EPT_READ | EPT_EXECUTE);
	assert_int_equal(ept01_fault(memory, l1_gpa(2 * MIB), true), -EFAULT);
	assert_int_equal(ept01_fault(memory, l1_gpa(2 * MIB), false), 0);
}

UNIT(fault_maps_one_leaf_and_is_counted)
{
	u64 generation = *ept01_generation(memory);

	add(0, 6 * MIB, 0);
	assert_int_equal(ept01_fault(memory, l1_gpa(3 * MIB + 5), true), 0);
	ept01_count(memory, &counts);
	assert_int_equal(counts.leaves_2m, 1);
	assert_int_equal(counts.leaves_4k, 0);
	assert_int_equal(ept01_fault(memory, l1_gpa(3 * MIB + 5), true), 0);
	assert_int_equal(ept01_fault(memory, l1_gpa(6 * MIB), false), -ENOENT);
	assert_int_equal(host_counter(CTR_EPT01_FAULTS), 2);
	assert_int_equal(*ept01_generation(memory), generation);
}

UNIT(fault_without_a_page_for_a_table_is_told)
{
	add(0, 2 * MIB, 0);
	while (page_alloc(0))
		;
	assert_int_equal(ept01_fault(memory, l1_gpa(0), false), -ENOMEM);
	assert_int_equal(ept01_populate(memory), -ENOMEM);
}

UNIT(deleted_region_leaves_ept01_and_owes_a_flush)
{
	u64 pages = page_free_count(), generation;

	add(4 * MIB, 4 * MIB, 0);
	add(8 * MIB, 2 * MIB + PAGE_SIZE, 0);
	populate();
	generation = *ept01_generation(memory);
	assert_int_equal(memslot_delete(memory, l1_gfn(8 * MIB / PAGE_SIZE)), MEMSLOT_OK);
	assert_true(*ept01_generation(memory) > generation);
	ept01_count(memory, &counts);
	assert_int_equal(counts.leaves_2m, 2);
	assert_int_equal(counts.leaves_4k, 0);
	assert_int_equal(memslot_delete(memory, l1_gfn(4 * MIB / PAGE_SIZE)), MEMSLOT_OK);
	ept01_count(memory, &counts);
	assert_int_equal(counts.leaves_2m, 0);
	/* What is left is pages of objects and the tables on the way, which are few. */
	assert_true(pages - page_free_count() <= 3 + 3);
}

UNIT(tables_of_a_deleted_region_return_to_the_pool)
{
	u64 pages;

	features.leaf_2m = false;
	ept01_set_features(&features, &types);
	add(4 * MIB, 2 * MIB, 0);
	populate();
	pages = page_free_count();
	assert_int_equal(memslot_delete(memory, l1_gfn(4 * MIB / PAGE_SIZE)), MEMSLOT_OK);
	assert_int_equal(page_free_count(), pages + 1);
}

UNIT(region_that_was_deleted_and_added_again_gets_its_new_frames)
{
	add(0, 2 * MIB, 0);
	add(2 * MIB, 2 * MIB, 0);
	populate();
	memslot_delete(memory, l1_gfn(0));
	memslot_delete(memory, l1_gfn(512));
	add(2 * MIB, 2 * MIB, 0);
	add(0, 2 * MIB, 0);
	populate();
	check_all();
}

UNIT(guest_of_64_gib_is_64_leaves_and_little_else)
{
	const struct page_range guest = { hpa(4 * GIB), 64 * GIB };

	host_memory_init(8 * MIB, &guest, 1, 1);
	memory = vm_memory_create(l1_gfn(BIT(24)));
	add(0, 64 * GIB, 0);
	populate();
	assert_int_equal(counts.leaves_1g, 64);
	assert_int_equal(counts.leaves_2m + counts.leaves_4k, 0);
	assert_int_equal(counts.tables, 2);
	check_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(pointer_says_write_back_four_levels_and_accessed_dirty,
				       set_up),
		cmocka_unit_test_setup(populate_takes_the_largest_leaves, set_up),
		cmocka_unit_test_setup(leaf_never_reaches_beyond_its_region, set_up),
		cmocka_unit_test_setup(tables_of_a_deleted_region_return_to_the_pool, set_up),
		cmocka_unit_test_setup(leaf_sizes_that_the_cpu_lacks_are_not_used, set_up),
		cmocka_unit_test_setup(types_come_from_the_mtrrs_and_bound_the_leaves, set_up),
		cmocka_unit_test_setup(read_only_region_gets_no_write_permission, set_up),
		cmocka_unit_test_setup(fault_maps_one_leaf_and_is_counted, set_up),
		cmocka_unit_test_setup(fault_without_a_page_for_a_table_is_told, set_up),
		cmocka_unit_test_setup(deleted_region_leaves_ept01_and_owes_a_flush, set_up),
		cmocka_unit_test_setup(region_that_was_deleted_and_added_again_gets_its_new_frames,
				       set_up),
		cmocka_unit_test_setup(guest_of_64_gib_is_64_leaves_and_little_else, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
