/* SPDX-License-Identifier: MIT */
/* What EPT12's walk tells of an access: qualifications, flags, and which EPTPs there may be. */
#include "ept12_fixture.h"

UNIT(violation_says_what_was_asked_and_what_is_allowed)
{
	struct ept12_access access = { .gpa = l2_gpa(GPA), .write = true, .qualification = ~0ULL };
	struct ept12_walk walk;

	build(1);
	*entry_at(2) &= ~2ULL;
	*entry_at(3) &= ~4ULL;
	walk = walk_as(access);
	assert_int_equal(walk.outcome, EPT12_VIOLATION);
	assert_int_equal(walk.qualification, 0x2 | 0x8 | 0x1180);
	access.qualification = 0x80;
	access.read = true;
	assert_int_equal(walk_as(access).qualification, 0x3 | 0x8 | 0x80);
}

UNIT(walk_of_page_tables_is_a_write_where_there_are_flags)
{
	struct ept12_access access = { .gpa = l2_gpa(GPA), .read = true, .paging_structure = true };

	build(1);
	*entry_at(1) &= ~2ULL;
	assert_int_equal(walk_as(access).outcome, EPT12_OK);
	ept.eptp |= 0x40;
	assert_int_equal(walk_as(access).qualification, 0x3 | 0x28);
	access.paging_structure = false; /* the PDPTEs of MOV to CR3 */
	assert_int_equal(walk_as(access).outcome, EPT12_OK);
}

UNIT(access_comes_from_the_exit_qualification)
{
	static const struct {
		u64 qualification;
		bool read, write, fetch, paging_structure;
	} cases[] = {
		{ 0x181, true, false, false, false }, { 0x182, false, true, false, false },
		{ 0x184, false, false, true, false }, { 0x081, true, false, false, true },
		{ 0x083, true, true, false, true },   { 0x001, true, false, false, false },
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ept12_access access =
			ept12_access_of_exit(l2_gpa(GPA), cases[i].qualification);

		assert_int_equal(access.gpa.raw, GPA);
		assert_int_equal(access.read, cases[i].read);
		assert_int_equal(access.write, cases[i].write);
		assert_int_equal(access.fetch, cases[i].fetch);
		assert_int_equal(access.paging_structure, cases[i].paging_structure);
		assert_int_equal(access.qualification, cases[i].qualification);
	}
}

/* The flags in each entry after an access must be these, from the root to a 4K leaf. */
static void expect_flags(u64 root, u64 leaf)
{
	for (u32 level = 4; level >= 1; level--)
		assert_int_equal(*entry_at(level) & 0x300, level == 1 ? leaf : root);
}

UNIT(flags_are_set_by_their_own_step)
{
	struct ept12_walk walk;

	build(1);
	ept.eptp |= 0x40;
	walk = walk_read();
	assert_int_equal(tables.marks, 0);
	expect_flags(0, 0);
	assert_false(ept12_sets_dirty(&walk));
	assert_int_equal(ept12_set_flags(&ept, &walk), 0);
	expect_flags(0x100, 0x100);
	assert_int_equal(tables.marks, 4);

	walk = walk_write();
	assert_true(ept12_sets_dirty(&walk));
	assert_false(ept12_was_dirty(&walk));
	assert_int_equal(ept12_set_flags(&ept, &walk), 0);
	expect_flags(0x100, 0x300);
	assert_int_equal(tables.marks, 5);

	walk = walk_write();
	assert_false(ept12_sets_dirty(&walk));
	assert_true(ept12_was_dirty(&walk));
	assert_int_equal(ept12_set_flags(&ept, &walk), 0);
	assert_int_equal(tables.marks, 5);
}

UNIT(flags_that_are_off_are_ignored)
{
	struct ept12_walk walk;

	build(1);
	walk = walk_write();
	assert_false(ept12_sets_dirty(&walk));
	assert_int_equal(ept12_set_flags(&ept, &walk), 0);
	assert_int_equal(tables.marks, 0);
}

UNIT(entry_that_changed_since_is_told)
{
	struct ept12_walk walk;

	build(2);
	ept.eptp |= 0x40;
	walk = walk_write();
	*entry_at(3) = 0;
	assert_int_equal(ept12_set_flags(&ept, &walk), -EBUSY);
	assert_int_equal(*entry_at(3), 0);
	assert_int_equal(*entry_at(2) & 0x300, 0);
	tables.mark_fails = -EFAULT;
	assert_int_equal(ept12_set_flags(&ept, &walk), -EFAULT);
}

/* The root is its own table: its one entry is used four times, and is the page as well. */
UNIT(entry_that_is_used_twice_takes_two_tries)
{
	struct ept12_access access = { .gpa = l2_gpa(0), .write = true };
	struct ept12_walk walk;

	tables.entries[4][0] = ept12_table_at(4) | RWX;
	ept.eptp |= 0x40;
	walk = walk_as(access);
	assert_int_equal(walk.to.raw, ept12_table_at(4));
	assert_int_equal(ept12_set_flags(&ept, &walk), -EBUSY);
	walk = walk_as(access);
	assert_int_equal(ept12_set_flags(&ept, &walk), 0);
	assert_int_equal(tables.entries[4][0], ept12_table_at(4) | RWX | 0x300);
}

UNIT(eptp_by_single_bits_and_at_random)
{
	u64 seed = 1;

	for (u32 i = 0; i < 200000; i++) {
		u64 r = unit_random(&seed), eptp = ept12_table_at(4) | 0x1e;

		l1.physical_bits = 36 + (u32)(r % 17);
		l1.ept_vpid = r & BIT(40) ? ALL_CAPS : unit_random(&seed);
		eptp ^= BIT(r >> 8 & 63);
		if (r & BIT(41))
			eptp ^= BIT(r >> 16 & 63) ^ BIT(r >> 24 & 7);
		assert_int_equal(eptp_is_valid(eptp, &l1), ept12_oracle_eptp(eptp, &l1));
	}
	l1 = (struct vmx_caps){ .ept_vpid = ALL_CAPS & ~BIT(7), .physical_bits = 40 };
	assert_true(eptp_is_valid(0x4401e, &l1));
	assert_true(eptp_is_valid(0xfffffff05e, &l1));
	assert_false(eptp_is_valid(0x1000000001e, &l1));
	assert_false(eptp_is_valid(0x44026, &l1));
	assert_false(eptp_is_valid(0x4409e, &l1));
	assert_false(eptp_is_valid(0x4401c, &l1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(violation_says_what_was_asked_and_what_is_allowed, set_up),
		cmocka_unit_test_setup(walk_of_page_tables_is_a_write_where_there_are_flags,
				       set_up),
		cmocka_unit_test_setup(access_comes_from_the_exit_qualification, set_up),
		cmocka_unit_test_setup(flags_are_set_by_their_own_step, set_up),
		cmocka_unit_test_setup(flags_that_are_off_are_ignored, set_up),
		cmocka_unit_test_setup(entry_that_changed_since_is_told, set_up),
		cmocka_unit_test_setup(entry_that_is_used_twice_takes_two_tries, set_up),
		cmocka_unit_test_setup(eptp_by_single_bits_and_at_random, set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/ept12_exits", tests, NULL, NULL);
}
