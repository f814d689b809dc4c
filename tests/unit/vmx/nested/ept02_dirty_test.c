/* SPDX-License-Identifier: MIT */
/* Pages of L1 that log writes, under EPT02: a clean one has no leaf that takes writes, the first
 * write is told, and taking the log makes it clean again, on every CPU. */
#include "ept02_fixture.h"
#include "mm/dirty_log.h"

#define LOGGED 0x6000ULL /* the region */
#define COUNT  1024u
#define BUFFER 0x100ULL

static struct ept02_root *root;
static u64 top;
static u32 flushes;

static void zap_shadow(struct gfn_range range, struct change_shadow *shadow)
{
	struct ept02_zapped zapped = { shadow->tables, shadow->flush };

	ept02_zap_l1(pool, l1_gfn(range.first), range.pages, &zapped);
	*shadow = (struct change_shadow){ zapped.tables, zapped.flush };
}

static void zap_shadow_end(struct change_shadow *shadow)
{
	struct ept02_zapped zapped = { shadow->tables, shadow->flush };

	ept02_zap_end(pool, &zapped);
}

static void count_kick(u64 mask)
{
	(void)mask;
	flushes++;
}

static int set_up(void **state)
{
	static const struct change_ops ops = { .kick_and_wait = count_kick,
					       .zap = zap_shadow,
					       .zap_end = zap_shadow_end,
					       .page_written = page_written };
	int rc = world_create(9, 4);

	(void)state;
	change_set_ops(&ops);
	change_cpu_joins(memory);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(LOGGED), COUNT, MEMSLOT_LOG_DIRTY),
			 MEMSLOT_OK);
	top = l1_table();
	root = root_of(top);
	flushes = 0;
	return rc;
}

static u64 take(u64 *first)
{
	struct dirty_buffer buffer = { l1_gpa(BUFFER << PAGE_SHIFT), COUNT / 8, 0 };
	u64 bits[COUNT / 64];

	assert_int_equal(memslot_take_dirty(memory, l1_gfn(LOGGED), &buffer), MEMSLOT_OK);
	assert_int_equal(guest_read(memory, buffer.at, bits, sizeof(bits)), 0);
	*first = ~0ULL;
	for (u64 i = COUNT; i-- > 0;)
		if (bits[i / 64] >> i % 64 & 1)
			*first = i;
	return buffer.dirty;
}

static bool may_write(u64 gfn)
{
	struct ept_leaf leaf = { 0 };

	return walk02(root, gfn, &leaf) && (leaf.bits & EPT_WRITE);
}

UNIT(clean_pages_are_read_only_and_small)
{
	struct ept_leaf leaf = { 0 };
	u64 first;

	l1_map(top, 0x400, LOGGED, RWX | WB | LARGE);
	assert_int_equal(touch(root, 0x405, EPT_READ), EPT02_MAPPED);
	assert_true(walk02(root, 0x405, &leaf));
	assert_int_equal(leaf.level, EPT_LEVEL_4K);
	assert_int_equal(leaf.bits & RWX, EPT_READ | EPT_EXECUTE);
	assert_int_equal(take(&first), 0);
	assert_int_equal(flushes, 0);
}

UNIT(first_write_is_told_on_each_cpu)
{
	u64 first;

	l1_map(top, 5, LOGGED + 700, RWX | WB);
	for (u32 round = 0; round < 4; round++) {
		u32 cpu = round % 2;

		assert_int_equal(touch_on(cpu, root, 5, EPT_WRITE), EPT02_MAPPED);
		assert_int_equal(touch_on(cpu, root, 5, EPT_WRITE), EPT02_MAPPED);
		assert_true(may_write(5));
		flushes = 0;
		assert_int_equal(take(&first), 1);
		assert_int_equal(first, 700);
		assert_int_equal(flushes, 1);
		assert_false(may_write(5));
		assert_int_equal(touch_on(1 - cpu, root, 5, EPT_READ), EPT02_MAPPED);
		assert_false(may_write(5));
		assert_int_equal(take(&first), 0);
	}
	expect_at(root, 5, LOGGED + 700);
}

UNIT(a_page_that_l1_has_dirtied_is_told_once)
{
	u64 first;

	l1_map(top, 5, LOGGED + 3, RWX | WB);
	assert_int_equal(ept01_fault(memory, l1_gpa((LOGGED + 3) << PAGE_SHIFT), true), 0);
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
	assert_int_equal(touch(root, 5, EPT_WRITE), EPT02_MAPPED);
	assert_true(may_write(5));
	assert_int_equal(take(&first), 1);
	assert_int_equal(first, 3);
	assert_false(may_write(5));
}

UNIT(what_l1_forbids_is_not_told)
{
	u64 first;

	l1_map(top, 5, LOGGED + 3, EPT_READ | WB);
	assert_int_equal(touch(root, 5, EPT_WRITE), EPT02_REFLECT_VIOLATION);
	assert_int_equal(take(&first), 0);
}

UNIT(logging_begins_and_ends_under_l2)
{
	u64 first;

	l1_map(top, 0x400, LOGGED, RWX | WB | LARGE);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(LOGGED), 0), MEMSLOT_OK);
	assert_int_equal(touch(root, 0x405, EPT_WRITE), EPT02_MAPPED);
	assert_true(may_write(0x406));
	assert_int_equal(memslot_set_flags(memory, l1_gfn(LOGGED), MEMSLOT_LOG_DIRTY), MEMSLOT_OK);
	assert_false(is_mapped(root, 0x405));
	assert_int_equal(touch(root, 0x406, EPT_WRITE), EPT02_MAPPED);
	assert_int_equal(take(&first), 1);
	assert_int_equal(first, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(clean_pages_are_read_only_and_small, set_up),
		cmocka_unit_test_setup(first_write_is_told_on_each_cpu, set_up),
		cmocka_unit_test_setup(a_page_that_l1_has_dirtied_is_told_once, set_up),
		cmocka_unit_test_setup(what_l1_forbids_is_not_told, set_up),
		cmocka_unit_test_setup(logging_begins_and_ends_under_l2, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
