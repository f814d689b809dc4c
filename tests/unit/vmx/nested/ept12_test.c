/* SPDX-License-Identifier: MIT */
/*
 * EPT12's walk: all permissions at all levels and random tables against an oracle written apart;
 * the reserved bits, the flags and the exit qualification against literal numbers of the SDM.
 */
#include "unit.h"
#include "ept12_oracle.h"
#include "ept12_tables.h"

#define ALL_CAPS 0x063341c1ULL /* with the 5-level walk */
#define GPA      0x0000123456789abcULL
#define PAGE     0x0000000765432000ULL
#define RWX      7ULL
#define WB       (6ULL << 3)

static struct ept12_tables tables;
static struct vmx_caps l1;
static struct ept12 ept;

static int set_up(void **state)
{
	(void)state;
	memset(&tables, 0, sizeof(tables));
	l1 = (struct vmx_caps){ .ept_vpid = ALL_CAPS, .physical_bits = 40 };
	ept = (struct ept12){ .eptp = ept12_table_at(4) | 0x1e,
			      .l1 = &l1,
			      .read = ept12_tables_read,
			      .mark = ept12_tables_mark,
			      .context = &tables };
	return 0;
}

static u64 *entry_at(u32 level)
{
	return &tables.entries[level][GPA >> (12 + 9 * (level - 1)) & 511];
}

/* A path to a leaf of this level, which allows everything. */
static void build(u32 leaf)
{
	memset(tables.entries, 0, sizeof(tables.entries));
	for (u32 level = TABLES; level > leaf; level--)
		*entry_at(level) = ept12_table_at(level - 1) | RWX;
	*entry_at(leaf) =
		(PAGE & ~((PAGE_SIZE << (9 * (leaf - 1))) - 1)) | WB | RWX | (leaf > 1 ? 0x80 : 0);
}

static struct ept12_walk walk_as(struct ept12_access access)
{
	struct ept12_walk walk = ept12_translate(&ept, &access);
	const char *objection = ept12_oracle_objection(&ept, &access, &walk);

	if (objection)
		fail_msg("%s of the walk of 0x%llx is wrong", objection,
			 (unsigned long long)access.gpa.raw);
	return walk;
}

static struct ept12_walk walk_read(void)
{
	return walk_as((struct ept12_access){ .gpa = l2_gpa(GPA), .read = true });
}

static struct ept12_walk walk_write(void)
{
	return walk_as((struct ept12_access){ .gpa = l2_gpa(GPA), .write = true });
}

/* Access number n: read, write, fetch in bits 2:0, an access of L2's page walk in bit 3. */
static struct ept12_access access_of(u32 n)
{
	return (struct ept12_access){ .gpa = l2_gpa(GPA),
				      .read = n & 1,
				      .write = n & 2,
				      .fetch = n & 4,
				      .paging_structure = n & 8 };
}

UNIT(leaf_of_each_level_translates)
{
	static const u64 expected[] = { 0, 0x765432abc, 0x765589abc, 0x756789abc };

	for (u32 leaf = 1; leaf <= 3; leaf++) {
		struct ept12_walk walk;

		build(leaf);
		walk = walk_read();
		assert_int_equal(walk.outcome, EPT12_OK);
		assert_int_equal(walk.to.raw, expected[leaf]);
		assert_int_equal(walk.level, leaf);
		assert_int_equal(walk.rights, RWX);
		assert_int_equal(walk.type, MEMORY_WB);
		assert_false(walk.ignore_pat);
		assert_int_equal(walk.used_count, 5 - leaf);
		for (u32 i = 0; i < walk.used_count; i++)
			assert_int_equal(walk.used[i].at.raw & ~0xfffULL, ept12_table_at(4 - i));
	}
}

UNIT(five_levels_reach_further)
{
	build(1);
	*entry_at(5) = 0;
	tables.entries[5][0x1ff] = ept12_table_at(4) | RWX;
	ept.eptp = ept12_table_at(5) | 0x26;
	assert_int_equal(walk_read().outcome, EPT12_VIOLATION);
	assert_int_equal(
		walk_as((struct ept12_access){ .gpa = l2_gpa(GPA | BITS(56, 48)), .read = true })
			.outcome,
		EPT12_OK);
}

UNIT(address_beyond_four_levels_is_a_violation_that_reads_nothing)
{
	struct ept12_walk walk;

	build(1);
	walk = walk_as((struct ept12_access){ .gpa = l2_gpa(GPA | BIT(48)), .fetch = true });
	assert_int_equal(walk.outcome, EPT12_VIOLATION);
	assert_int_equal(walk.qualification, 4);
	assert_int_equal(walk.used_count, 0);
}

/* Every combination of R, W and X in every entry, every access, with and without flags. */
static void permissions(u32 leaf)
{
	u32 combinations = 1u << (3 * (5 - leaf));

	build(leaf);
	for (u32 n = 0; n < combinations * 64; n++) {
		u32 rights = n / 64;

		l1.ept_vpid = n & 16 ? ALL_CAPS : ALL_CAPS & ~1ULL;
		ept.eptp = ept12_table_at(4) | (n & 32 ? 0x5e : 0x1e);
		for (u32 level = leaf; level <= 4; level++, rights >>= 3)
			*entry_at(level) = (*entry_at(level) & ~RWX) | (rights & RWX);
		(void)walk_as(access_of(n % 16));
	}
}

UNIT(permissions_of_all_entries_against_the_oracle)
{
	for (u32 leaf = 1; leaf <= 3; leaf++)
		permissions(leaf);
	assert_true(tables.reads > 100000);
}

/* Which of its entry's bits a level's format has as reserved, with MAXPHYADDR 40. */
static const struct {
	u32 leaf, level;
	u64 reserved;
} formats[] = {
	{ 1, 4, 0x000fff00000000f8 }, { 1, 3, 0x000fff0000000078 }, { 1, 2, 0x000fff0000000078 },
	{ 1, 1, 0x000fff0000000000 }, { 2, 2, 0x000fff00001ff000 }, { 3, 3, 0x000fff003ffff000 },
};

UNIT(reserved_bits_of_each_format_misconfigure)
{
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		for (u32 bit = 3; bit < 64; bit++) {
			u64 *entry = entry_at(formats[i].level);
			bool reserved = formats[i].reserved >> bit & 1;
			struct ept12_walk walk;

			build(formats[i].leaf);
			if (bit == 7 || (*entry & BIT(bit)))
				continue; /* another format, or a type: below */
			if (formats[i].level != formats[i].leaf && bit >= 12 && bit < 40)
				continue; /* another table */
			*entry |= BIT(bit);
			walk = walk_read();
			assert_int_equal(walk.outcome == EPT12_MISCONFIGURATION,
					 reserved ||
						 (bit == 3 && formats[i].level == formats[i].leaf));
		}
	}
}

UNIT(leaf_where_the_cpu_has_none_misconfigures)
{
	static const struct {
		u32 leaf;
		u64 cap;
	} sizes[] = { { 2, BIT(16) }, { 3, BIT(17) } };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		build(sizes[i].leaf);
		l1.ept_vpid = ALL_CAPS & ~sizes[i].cap;
		assert_int_equal(walk_read().outcome, EPT12_MISCONFIGURATION);
		l1.ept_vpid = ALL_CAPS;
		assert_int_equal(walk_read().outcome, EPT12_OK);
	}
	build(4); /* bit 7 at level 4 */
	assert_int_equal(walk_read().outcome, EPT12_MISCONFIGURATION);
}

UNIT(memory_types_2_3_and_7_misconfigure)
{
	for (u32 leaf = 1; leaf <= 3; leaf++) {
		for (u64 type = 0; type < 8; type++) {
			struct ept12_walk walk;

			build(leaf);
			*entry_at(leaf) = (*entry_at(leaf) & ~0x38ULL) | type << 3 | BIT(6);
			walk = walk_read();
			assert_int_equal(walk.outcome == EPT12_MISCONFIGURATION,
					 type == 2 || type == 3 || type == 7);
			if (walk.outcome != EPT12_OK)
				continue;
			assert_int_equal(walk.type, type);
			assert_true(walk.ignore_pat);
		}
	}
}

UNIT(table_without_memory_misconfigures)
{
	for (u32 level = 2; level <= 4; level++) {
		build(1);
		*entry_at(level) = 0x1000 | RWX;
		assert_int_equal(walk_read().outcome, EPT12_MISCONFIGURATION);
	}
	l1.physical_bits = 52; /* no address bit is reserved: the other bits must do */
	assert_int_equal(walk_read().outcome, EPT12_MISCONFIGURATION);
	ept.eptp = 0x1e;
	assert_int_equal(walk_read().outcome, EPT12_MISCONFIGURATION);
}

UNIT(misconfiguration_below_outranks_a_missing_permission_above)
{
	build(1);
	*entry_at(4) &= ~2ULL;
	*entry_at(1) = 2;
	assert_int_equal(walk_write().outcome, EPT12_MISCONFIGURATION);
	*entry_at(1) = 0;
	assert_int_equal(walk_write().outcome, EPT12_VIOLATION);
}

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

/* Mostly sound entries, each with a few bits turned over. */
UNIT(random_tables_against_the_oracle)
{
	u64 seed = 2;
	u32 outcomes[3] = { 0 };

	for (u32 i = 0; i < 300000; i++) {
		u64 r = unit_random(&seed);
		struct ept12_access access = access_of(r & 15);

		build(1 + (u32)(r >> 4 & 3) % 3);
		l1.ept_vpid = ALL_CAPS ^ (r & BIT(8) ? BIT(r >> 12 & 31) : 0);
		l1.physical_bits = r & BIT(9) ? 52 : 40;
		ept.eptp = ept12_table_at(4) | (r & BIT(10) ? 0x5e : 0x1e);
		access.qualification = unit_random(&seed);
		for (u32 n = 0; n < (r >> 20 & 3); n++)
			*entry_at(1 + (u32)(unit_random(&seed) >> 8 & 3)) ^=
				BIT(unit_random(&seed) >> 8 & (r & BIT(50) ? 7 : 63));
		outcomes[walk_as(access).outcome]++;
	}
	for (u32 i = 0; i < ARRAY_SIZE(outcomes); i++)
		assert_in_range(outcomes[i], 10000, 300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(leaf_of_each_level_translates, set_up),
		cmocka_unit_test_setup(five_levels_reach_further, set_up),
		cmocka_unit_test_setup(address_beyond_four_levels_is_a_violation_that_reads_nothing,
				       set_up),
		cmocka_unit_test_setup(permissions_of_all_entries_against_the_oracle, set_up),
		cmocka_unit_test_setup(reserved_bits_of_each_format_misconfigure, set_up),
		cmocka_unit_test_setup(leaf_where_the_cpu_has_none_misconfigures, set_up),
		cmocka_unit_test_setup(memory_types_2_3_and_7_misconfigure, set_up),
		cmocka_unit_test_setup(table_without_memory_misconfigures, set_up),
		cmocka_unit_test_setup(misconfiguration_below_outranks_a_missing_permission_above,
				       set_up),
		cmocka_unit_test_setup(violation_says_what_was_asked_and_what_is_allowed, set_up),
		cmocka_unit_test_setup(walk_of_page_tables_is_a_write_where_there_are_flags,
				       set_up),
		cmocka_unit_test_setup(access_comes_from_the_exit_qualification, set_up),
		cmocka_unit_test_setup(flags_are_set_by_their_own_step, set_up),
		cmocka_unit_test_setup(flags_that_are_off_are_ignored, set_up),
		cmocka_unit_test_setup(entry_that_changed_since_is_told, set_up),
		cmocka_unit_test_setup(eptp_by_single_bits_and_at_random, set_up),
		cmocka_unit_test_setup(random_tables_against_the_oracle, set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/ept12", tests, NULL, NULL);
}
