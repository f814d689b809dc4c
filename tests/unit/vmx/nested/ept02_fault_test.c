/* SPDX-License-Identifier: MIT */
/* vmx/nested/ept02_fault.c: what a fault maps: rights, sizes, types, flags; what it says else. */
#include "ept02_root_fixture.h"

UNIT(pointer_says_write_back_and_l1s_flags)
{
	struct ept02_root *flags = ept02_root_get(pool, &vcpus[0], top | 0x5e, NULL);
	u64 frame = page_to_hpa(root->table->entries).raw;

	assert_ptr_not_equal(flags, root);
	assert_int_equal(ept02_pointer(root), frame | 0x1e);
	assert_int_equal(ept02_pointer(flags) & 0xfff, 0x5e);
}

/* All rights of the table above and of the leaf, for a page that L1 may write and one that not. */
UNIT(rights_are_those_of_all)
{
	u64 above = l1_entry_at(top, 5, EPT_LEVEL_2M);
	u64 leaf = l1_entry_at(top, 5, EPT_LEVEL_4K), table;

	(void)world_read(NULL, l1_gpa(above), &table);
	for (u32 n = 0; n < 128; n++) {
		u64 upper = n & 7, lower = n >> 3 & 7;
		u64 rights = upper & lower & (n & 64 ? 5 : 7);
		struct ept_leaf found;

		if (upper == 2 || lower == 2 || upper == 6 || lower == 6 || !upper || !lower)
			continue; /* misconfigured, or not there */
		l1_write(above, (table & ~RWX) | upper);
		l1_write(leaf, (n & 64 ? PAGES : 0x77) << PAGE_SHIFT | WB | lower);
		invept_and_enter(0);
		for (u64 access = 1; access <= 4; access <<= 1) {
			enum ept02_result result = touch(root, 5, access);

			if (rights & access)
				assert_int_equal(result, EPT02_MAPPED);
			else if (upper & lower & access)
				assert_int_equal(result, EPT02_EPT01_FAULT);
			else
				assert_int_equal(result, EPT02_REFLECT_VIOLATION);
		}
		assert_int_equal(walk02(root, 5, &found) ? found.bits & RWX : 0, rights);
	}
}

UNIT(leaf_is_as_large_as_both_allow)
{
	l1_map(top, 0x200, 0x1000, RWX | WB | LARGE);
	assert_int_equal(touch(root, 0x3ff, EPT_WRITE), EPT02_MAPPED);
	assert_int_equal(ept02_counts(pool)->mapped[EPT_LEVEL_2M], 1);
	expect_at(root, 0x200, 0x1000);
	expect_at(root, 0x3ff, 0x11ff);
	/* EPT01 has no large leaves from now on. */
	set_leaf_2m(false);
	assert_true(zap(0x1000, 1));
	assert_int_equal(touch(root, 0x3ff, EPT_WRITE), EPT02_MAPPED);
	assert_false(is_mapped(root, 0x3fe));
	assert_int_equal(touch(root, 0x200, EPT_READ), EPT02_MAPPED);
	expect_at(root, 0x200, 0x1000);
	expect_at(root, 0x3ff, 0x11ff);
	assert_int_equal(ept02_counts(pool)->mapped[EPT_LEVEL_4K], 2);
	/* L1 maps it in pieces: the leaf of EPT01 does not matter. */
	set_leaf_2m(true);
	l1_map(top, 0x400, 0x1200, RWX | WB);
	assert_int_equal(touch(root, 0x400, EPT_WRITE), EPT02_MAPPED);
	expect_at(root, 0x400, 0x1200);
	assert_false(is_mapped(root, 0x401));
}

UNIT(leaf_of_1g_where_ept01_has_none_is_made_of_smaller_ones)
{
	u64 at = l1_entry_at(top, 0, EPT_LEVEL_1G);

	l1_write(at, RWX | WB | LARGE);
	assert_int_equal(touch(root, 0x1234, EPT_READ), EPT02_MAPPED);
	expect_at(root, 0x1234, 0x1234);
	expect_at(root, 0x1200, 0x1200);
	assert_int_equal(ept02_counts(pool)->mapped[EPT_LEVEL_2M], 1);
	assert_int_equal(touch(root, PAGES, EPT_READ), EPT02_MAPPED);
	expect_at(root, PAGES, PAGES);
	assert_false(is_mapped(root, PAGES + 1));
	assert_int_equal(touch(root, PAGES + 1, EPT_READ), EPT02_EPT01_FAULT);
	assert_int_equal(last_fault.l1.raw, (PAGES + 1) << PAGE_SHIFT);
	assert_int_equal(touch(root, AVOID, EPT_READ), EPT02_EPT01_FAULT);
}

UNIT(types_of_both_meet_as_in_ept01)
{
	struct ept_leaf leaf = { 0 }, leaf01;
	u64 pfn0 = pfn_of_l1(0x1000);

	types.variable_count = 1; /* one page of WT */
	types.variable[0].base = pfn0 << PAGE_SHIFT | MEMORY_WT;
	types.variable[0].mask = BITS(39, 12) | MTRR_MASK_VALID;
	l1_map(top, 1, 0x1000, RWX | WB);
	l1_map(top, 2, 0x1001, RWX | (u64)MEMORY_UC << 3 | EPT_IGNORE_PAT);
	l1_map(top, 3, 0x1000, RWX | (u64)MEMORY_UC << 3);
	for (u64 gfn = 1; gfn <= 3; gfn++)
		assert_int_equal(touch(root, gfn, EPT_READ), EPT02_MAPPED);
	assert_int_equal(ept01_fault(memory, l1_gpa(0x1000 << PAGE_SHIFT), false), 0);
	assert_int_equal(ept_lookup(&memory->ept01, 0x1000, &leaf01), 0);
	assert_true(walk02(root, 1, &leaf));
	assert_int_equal(leaf.bits & EPT_TYPE_MASK, leaf01.bits & EPT_TYPE_MASK);
	assert_int_equal(leaf.bits & EPT_TYPE_MASK, (u64)MEMORY_WT << 3);
	assert_true(walk02(root, 2, &leaf));
	assert_int_equal(leaf.bits, RWX | EPT_IGNORE_PAT);
	assert_true(walk02(root, 3, &leaf));
	assert_int_equal(leaf.bits, RWX);
}

static u64 l1_entry(u64 gfn, u32 level)
{
	u64 entry = 0;

	assert_int_equal(world_read(NULL, l1_gpa(l1_entry_at(top, gfn, level)), &entry), 0);
	return entry;
}

UNIT(flags_are_set_and_a_clean_page_is_written_by_a_fault)
{
	struct ept_leaf leaf = { 0 };

	root = ept02_root_get(pool, &vcpus[0], top | 0x5e, NULL);
	l1_map(top, 7, 0x1007, RWX | WB);
	assert_int_equal(touch(root, 7, EPT_READ), EPT02_MAPPED);
	for (u32 level = 1; level <= 4; level++)
		assert_int_equal(l1_entry(7, level) & (EPT_ACCESSED | EPT_DIRTY), EPT_ACCESSED);
	assert_true(walk02(root, 7, &leaf));
	assert_int_equal(leaf.bits & RWX, EPT_READ | EPT_EXECUTE);
	assert_int_equal(touch(root, 7, EPT_WRITE), EPT02_MAPPED);
	assert_true(l1_entry(7, 1) & EPT_DIRTY);
	assert_false(l1_entry(7, 2) & EPT_DIRTY);
	assert_true(walk02(root, 7, &leaf));
	assert_int_equal(leaf.bits & RWX, RWX);
	/* Dirty before: the read maps it for writing too. */
	l1_map(top, 8, 0x1008, RWX | WB | EPT_DIRTY);
	assert_int_equal(touch(root, 8, EPT_READ), EPT02_MAPPED);
	assert_true(walk02(root, 8, &leaf));
	assert_int_equal(leaf.bits & RWX, RWX);
}

UNIT(without_flags_none_are_set)
{
	l1_map(top, 7, 0x1007, RWX | WB);
	assert_int_equal(touch(root, 7, EPT_READ), EPT02_MAPPED);
	assert_int_equal(touch(root, 7, EPT_WRITE), EPT02_MAPPED);
	assert_int_equal(l1_entry(7, 1) & (EPT_ACCESSED | EPT_DIRTY), 0);
	assert_int_equal(ept02_counts(pool)->faults, 1);
	l1.ept_vpid &= ~EPT_CAP_MASK(ACCESSED_DIRTY);
	assert_false(eptp_is_valid(top | 0x5e, &l1));
}

UNIT(faults_of_ept12_are_l1s)
{
	l1_map(top, 7, 0x1007, EPT_READ | WB);
	assert_int_equal(touch(root, 7, EPT_WRITE), EPT02_REFLECT_VIOLATION);
	assert_int_equal(last_fault.qualification, 2 | 1 << 3);
	l1_map(top, 7, 0x1007, EPT_WRITE | WB);
	assert_int_equal(touch(root, 7, EPT_READ), EPT02_REFLECT_MISCONFIGURATION);
	assert_int_equal(touch(root, 6, EPT_READ), EPT02_REFLECT_VIOLATION);
	assert_int_equal(last_fault.qualification, 1);
}

UNIT(what_was_not_present_is_never_remembered)
{
	for (u32 level = 1; level <= 3; level++) {
		u64 gfn = level << 20;

		assert_int_equal(touch(root, gfn, EPT_READ), EPT02_REFLECT_VIOLATION);
		l1_map(top, gfn, 0x1000 + level, EPT_READ | WB);
		assert_int_equal(touch(root, gfn, EPT_READ), EPT02_MAPPED);
		expect_at(root, gfn, 0x1000 + level);
		assert_int_equal(touch(root, gfn, EPT_WRITE), EPT02_REFLECT_VIOLATION);
		l1_map(top, gfn, 0x1000 + level, RWX | WB);
		assert_int_equal(touch(root, gfn, EPT_WRITE), EPT02_MAPPED);
	}
}

UNIT(nothing_is_published_while_a_change_is_active)
{
	l1_map(top, 7, 0x1007, RWX | WB);
	ept.eptp = root->key | EPTP_WRITE_BACK;
	last_fault = (struct ept02_fault){ .access = { .gpa = l2_gpa(7 << 12), .read = true } };
	memory->active = 1;
	assert_int_equal(ept02_fault(pool, root, &ept, &last_fault), EPT02_BUSY);
	assert_false(is_mapped(root, 7));
	memory->active = 0;
	assert_int_equal(ept02_fault(pool, root, &ept, &last_fault), EPT02_MAPPED);
	assert_true(is_mapped(root, 7));
}

/* A CPU may go by the old entry until INVEPT, but no exit to a device comes of it. */
UNIT(old_way_that_leads_to_no_memory_is_not_told)
{
	u64 second = l1_table();

	l1_map(top, 5, 0x1005, RWX | WB);
	l1_map(top, 6, PAGES + 1, RWX | WB);
	l1_map(top, 7, 0x1007, EPT_READ | WB);
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
	assert_int_equal(touch(root, 6, EPT_READ), EPT02_EPT01_FAULT);
	for (u64 n = 5; n < 9; n++)
		l1_write(second + n * 8, (0x1010 + n) << PAGE_SHIFT | RWX | WB);
	l1_write(l1_entry_at(top, 5, 2), second | RWX);
	assert_int_equal(touch(root, 6, EPT_READ), EPT02_MAPPED);
	expect_at(root, 6, 0x1016);
	assert_int_equal(touch(root, 7, EPT_WRITE), EPT02_MAPPED);
	assert_int_equal(touch(root, 8, EPT_READ), EPT02_MAPPED);
}

static void (*in_read)(void);

static int read_and_act(void *context, l1_gpa_t at, u64 *entry)
{
	int rc = world_read(context, at, entry);
	void (*act)(void) = in_read;

	in_read = NULL;
	if (act)
		act();
	return rc;
}

static void other_cpu_invalidates(void)
{
	invept_and_enter(top | 0x1e);
}

static void other_cpu_changes(void)
{
	assert_int_equal(memslot_delete(memory, l1_gfn(PAGES)), MEMSLOT_OK);
}

UNIT(walk_that_an_invept_or_a_change_overtook_is_not_published)
{
	static void (*const acts[])(void) = { other_cpu_invalidates, other_cpu_changes };

	l1_map(top, 7, 0x1007, RWX | WB);
	ept.eptp = root->key | EPTP_WRITE_BACK;
	ept.read = read_and_act;
	for (u32 i = 0; i < ARRAY_SIZE(acts); i++) {
		last_fault =
			(struct ept02_fault){ .access = { .gpa = l2_gpa(7 << 12), .read = true } };
		in_read = acts[i];
		assert_int_equal(ept02_fault(pool, root, &ept, &last_fault), EPT02_BUSY);
		assert_false(is_mapped(root, 7));
	}
	assert_int_equal(ept02_fault(pool, root, &ept, &last_fault), EPT02_MAPPED);
	assert_int_equal(ept02_counts(pool)->retries, 2);
}

/* Another walk, from the root, has found fewer rights above and made the table anew with them. */
static void other_cpu_finds_fewer_rights(void)
{
	u64 at = l1_entry_at(top, 7, 3), entry = 0;

	assert_int_equal(world_read(NULL, l1_gpa(at), &entry), 0);
	l1_write(at, entry & ~EPT_WRITE);
	l1_map(top, 0x400, 0x1400, RWX | WB);
	assert_int_equal(touch_on(1, root, 0x400, EPT_READ), EPT02_MAPPED);
	assert_int_equal(touch_on(1, root, 8, EPT_READ), EPT02_MAPPED);
}

UNIT(walk_whose_table_has_other_rights_now_is_not_published)
{
	struct ept_leaf leaf = { 0 };

	l1_map(top, 7, 0x1007, RWX | WB);
	l1_map(top, 8, 0x1008, RWX | WB);
	assert_int_equal(touch(root, 8, EPT_READ), EPT02_MAPPED);
	ept.read = read_and_act;
	in_read = other_cpu_finds_fewer_rights;
	assert_int_equal(touch(root, 7, EPT_READ), EPT02_MAPPED);
	assert_int_equal(ept02_counts(pool)->retries, 1);
	assert_true(walk02(root, 7, &leaf));
	assert_int_equal(leaf.bits & RWX, EPT_READ | EPT_EXECUTE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(pointer_says_write_back_and_l1s_flags, set_up),
		cmocka_unit_test_setup(rights_are_those_of_all, set_up),
		cmocka_unit_test_setup(leaf_is_as_large_as_both_allow, set_up),
		cmocka_unit_test_setup(leaf_of_1g_where_ept01_has_none_is_made_of_smaller_ones,
				       set_up),
		cmocka_unit_test_setup(types_of_both_meet_as_in_ept01, set_up),
		cmocka_unit_test_setup(flags_are_set_and_a_clean_page_is_written_by_a_fault,
				       set_up),
		cmocka_unit_test_setup(without_flags_none_are_set, set_up),
		cmocka_unit_test_setup(faults_of_ept12_are_l1s, set_up),
		cmocka_unit_test_setup(what_was_not_present_is_never_remembered, set_up),
		cmocka_unit_test_setup(old_way_that_leads_to_no_memory_is_not_told, set_up),
		cmocka_unit_test_setup(nothing_is_published_while_a_change_is_active, set_up),
		cmocka_unit_test_setup(walk_that_an_invept_or_a_change_overtook_is_not_published,
				       set_up),
		cmocka_unit_test_setup(walk_whose_table_has_other_rights_now_is_not_published,
				       set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/ept02_fault", tests, NULL, NULL);
}
