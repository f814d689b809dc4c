/* SPDX-License-Identifier: MIT */
/*
 * mm/ept.c beside a flat map, with a walker of the test's own that looks after every single store:
 * each frame must then translate as before the edit or as after it.
 */
#include "unit.h"
#include "host_memory.h"
#include "hv/errno.h"
#include "mm/ept.h"

#define RWX   EPT_ACCESS_MASK
#define WB    (6ULL << EPT_TYPE_SHIFT)
#define PAGES (4u * 512u)      /* what the flat map holds, from AREA on */
#define AREA  (BIT(18) - 1024) /* across a 1G border */

static struct ept ept;

static int set_up(void **state)
{
	(void)state;
	host_memory_default();
	return ept_init(&ept);
}

/* What hardware makes of a frame: its entry's frame and bits, 0 where it is not present. */
static u64 translate(u64 gfn)
{
	const u64 *table = ept.root;

	for (u32 level = 4;; level--) {
		u64 entry = READ_ONCE(table[gfn >> 9 * (level - 1) & 511]);
		u64 offset = gfn & ((1ULL << 9 * (level - 1)) - 1);

		if (!(entry & 7))
			return 0;
		if (level == 1 || (entry & BIT(7)))
			return ((entry & ~(BIT(7) | EPT_ACCESSED | EPT_DIRTY)) + (offset << 12));
		table = page_from_hpa(hpa(entry & BITS(51, 12)));
	}
}

static int map(u64 gfn, u64 frame, u32 level, u64 bits)
{
	return ept_map(&ept, gfn, &(struct ept_leaf){ level, pfn(frame), bits });
}

UNIT(leaves_of_each_size_translate)
{
	assert_int_equal(map(5, 77, 1, RWX | WB), 0);
	assert_int_equal(map(512, 1024, 2, RWX), 0);
	assert_int_equal(map(BIT(18), 3 * BIT(18), 3, EPT_READ), 0);
	assert_int_equal(translate(5), 77 << 12 | RWX | WB);
	assert_int_equal(translate(512 + 9), (1024 + 9) << 12 | RWX);
	assert_int_equal(translate(BIT(18) + 12345), (3 * BIT(18) + 12345) << 12 | EPT_READ);
	assert_int_equal(translate(4), 0);
	assert_int_equal(translate(1024), 0);
	assert_int_equal(ept.leaves[1], 1);
	assert_int_equal(ept.leaves[2], 1);
	assert_int_equal(ept.leaves[3], 1);
	assert_int_equal(ept.tables, 4);
}

UNIT(lookup_tells_the_leaf)
{
	struct ept_leaf leaf;

	map(512, 1024, 2, RWX | WB);
	assert_int_equal(ept_lookup(&ept, 700, &leaf), 0);
	assert_int_equal(leaf.level, 2);
	assert_int_equal(leaf.pfn.raw, 1024);
	assert_int_equal(leaf.bits, RWX | WB);
	assert_int_equal(ept_lookup(&ept, 511, &leaf), -ENOENT);
	assert_int_equal(ept_lookup(&ept, EPT_GFN_END - 1, &leaf), -ENOENT);
}

UNIT(generation_grows_when_a_present_leaf_goes_or_changes)
{
	u64 generation = ept_generation(&ept);

	assert_true(generation > 0);
	map(1, 1, 1, RWX);
	map(2, 2, 1, RWX);
	map(1, 1, 1, RWX);
	ept_unmap(&ept, 100, 100);
	assert_int_equal(ept_generation(&ept), generation);
	map(1, 9, 1, RWX);
	assert_true(ept_generation(&ept) > generation);
	generation = ept_generation(&ept);
	map(1, 9, 1, EPT_READ);
	assert_true(ept_generation(&ept) > generation);
	generation = ept_generation(&ept);
	ept_unmap(&ept, 2, 1);
	assert_true(ept_generation(&ept) > generation);
}

UNIT(split_keeps_the_translation_and_makes_smaller_leaves)
{
	struct ept_leaf leaf;
	u64 before[3];

	map(BIT(18), 0, 3, RWX | WB);
	for (u32 i = 0; i < 3; i++)
		before[i] = translate(BIT(18) + i * 70001);
	assert_int_equal(ept_split(&ept, BIT(18) + 70001, 2), 0);
	assert_int_equal(ept.leaves[3], 0);
	assert_int_equal(ept.leaves[2], 512);
	assert_int_equal(ept_split(&ept, BIT(18) + 70001, 1), 0);
	assert_int_equal(ept.leaves[2], 511);
	assert_int_equal(ept.leaves[1], 512);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(translate(BIT(18) + i * 70001), before[i]);
	assert_int_equal(ept_lookup(&ept, BIT(18) + 70001, &leaf), 0);
	assert_int_equal(leaf.level, 1);
	assert_int_equal(leaf.bits, RWX | WB | EPT_ACCESSED | EPT_DIRTY);
	assert_int_equal(ept_split(&ept, BIT(18) + 70001, 1), 0);
	assert_int_equal(ept_split(&ept, 0, 1), -ENOENT);
}

UNIT(mapping_the_same_again_keeps_accessed_and_dirty)
{
	struct ept_leaf leaf;

	map(512, 512, 2, RWX);
	ept_split(&ept, 512, 1);
	map(600, 600, 1, RWX);
	assert_int_equal(ept_lookup(&ept, 600, &leaf), 0);
	assert_int_equal(leaf.bits, RWX | EPT_ACCESSED | EPT_DIRTY);
}

UNIT(tables_taken_out_stay_whole_until_they_are_freed)
{
	u64 pages = page_free_count();
	const u64 *table;

	map(512 + 3, 5, 1, RWX);
	map(512 + 4, 6, 1, RWX);
	assert_int_equal(pages - page_free_count(), 3);
	table = page_from_hpa(
		hpa(*(u64 *)page_from_hpa(hpa(ept.root[0] & EPT_FRAME_MASK)) & EPT_FRAME_MASK));
	table = page_from_hpa(hpa(table[1] & EPT_FRAME_MASK));
	ept_unmap(&ept, 512, 512);
	assert_int_equal(pages - page_free_count(), 3);
	assert_int_equal(table[3] & EPT_FRAME_MASK, 5 << 12);
	assert_int_equal(table[0] & EPT_ACCESS_MASK, 0);
	ept_free_tables(ept_take_retired(&ept));
	assert_int_equal(pages - page_free_count(), 2);
	ept_unmap(&ept, 0, EPT_GFN_END);
	ept_free_tables(ept_take_retired(&ept));
	assert_int_equal(page_free_count(), pages);
	assert_int_equal(ept.tables, 1);
	assert_int_equal(ept.leaves[1], 0);
}

UNIT(destroy_gives_every_table_back)
{
	u64 pages = page_free_count();

	for (u64 i = 0; i < 50; i++)
		map(i * 100003, i, 1, RWX);
	map(1 << 20, 0, 3, RWX);
	assert_true(pages - page_free_count() > 50);
	ept_destroy(&ept);
	assert_int_equal(page_free_count(), pages + 1);
}

UNIT(without_memory_the_translation_stays_or_goes_whole)
{
	u64 before;

	map(BIT(18), BIT(18), 3, RWX);
	before = translate(BIT(18) + 7);
	while (page_alloc(0))
		;
	assert_int_equal(map(0, 0, 1, RWX), -ENOMEM);
	assert_int_equal(map(BIT(18) + 7, 1, 1, RWX), -ENOMEM);
	assert_int_equal(ept_split(&ept, BIT(18) + 7, 1), -ENOMEM);
	assert_int_equal(translate(BIT(18) + 7), before);
	assert_int_equal(translate(0), 0);
	ept_unmap(&ept, BIT(18) + 7, 1);
	for (u64 gfn = BIT(18); gfn < BIT(19); gfn += 511)
		assert_int_equal(translate(gfn), 0);
	assert_int_equal(ept.leaves[EPT_LEVEL_1G], 0);
}

static void map_crooked_gfn(void)
{
	map(5, 512, 2, RWX);
}

static void map_crooked_frame(void)
{
	map(512, 5, 2, RWX);
}

UNIT(crooked_leaf_is_refused)
{
	assert_true(host_panics(map_crooked_gfn, "IS_ALIGNED"));
	assert_true(host_panics(map_crooked_frame, "IS_ALIGNED"));
}

static u64 model[PAGES];  /* after the edit under way */
static u64 before[PAGES]; /* before it */
static u64 stores;

static void look(u64 *entry, u64 old)
{
	(void)entry;
	(void)old;
	stores++;
	for (u64 i = 0; i < PAGES; i++) {
		u64 now = translate(AREA + i);

		assert_true(now == before[i] || now == model[i]);
	}
}

static void model_set(u64 first, u64 pages, u64 entry)
{
	for (u64 i = 0; i < pages; i++)
		model[first + i] = entry ? entry + (i << 12) : 0;
}

/* One edit of the area, in the flat map first, then for real. */
static void random_edit(u64 *seed)
{
	u64 kind = unit_random(seed) % 8;
	u64 at = unit_random(seed) % PAGES;
	u64 frame = unit_random(seed) % 8 * 512;
	u64 pages = unit_random(seed) % 900;
	u64 bits = kind & 1 ? RWX | WB : EPT_READ;

	pages = MIN(pages, PAGES - at);
	if (kind < 3) {
		model_set(at, 1, (frame + at % 512) << 12 | bits);
		assert_int_equal(map(AREA + at, frame + at % 512, 1, bits), 0);
	} else if (kind < 5) {
		at = ALIGN_DOWN(at, 512);
		model_set(at, 512, frame << 12 | bits);
		assert_int_equal(map(AREA + at, frame, 2, bits), 0);
	} else if (kind < 7) {
		model_set(at, pages, 0);
		ept_unmap(&ept, AREA + at, pages);
	} else {
		assert_int_equal(ept_split(&ept, AREA + at, 1), model[at] ? 0 : -ENOENT);
	}
}

UNIT(random_edits_agree_with_a_flat_map_at_every_store)
{
	u64 seed = 23, present = 0;

	memset(model, 0, sizeof(model));
	host_store_watch = look;
	for (u32 i = 0; i < 1500; i++) {
		u64 generation = ept_generation(&ept);
		bool lost = false;

		memcpy(before, model, sizeof(model));
		random_edit(&seed);
		for (u64 p = 0; p < PAGES; p++) {
			assert_int_equal(translate(AREA + p), model[p]);
			lost |= before[p] && before[p] != model[p];
		}
		assert_true(!lost || ept_generation(&ept) > generation);
		host_store_watch = NULL;
		ept_free_tables(ept_take_retired(&ept));
		host_store_watch = look;
	}
	host_store_watch = NULL;
	for (u64 p = 0; p < PAGES; p++)
		present += model[p] != 0;
	assert_int_equal(ept.leaves[1] + 512 * ept.leaves[2], present);
	assert_true(stores > 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(leaves_of_each_size_translate, set_up),
		cmocka_unit_test_setup(lookup_tells_the_leaf, set_up),
		cmocka_unit_test_setup(generation_grows_when_a_present_leaf_goes_or_changes,
				       set_up),
		cmocka_unit_test_setup(split_keeps_the_translation_and_makes_smaller_leaves,
				       set_up),
		cmocka_unit_test_setup(mapping_the_same_again_keeps_accessed_and_dirty, set_up),
		cmocka_unit_test_setup(tables_taken_out_stay_whole_until_they_are_freed, set_up),
		cmocka_unit_test_setup(destroy_gives_every_table_back, set_up),
		cmocka_unit_test_setup(without_memory_the_translation_stays_or_goes_whole, set_up),
		cmocka_unit_test_setup(crooked_leaf_is_refused, set_up),
		cmocka_unit_test_setup(random_edits_agree_with_a_flat_map_at_every_store, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
