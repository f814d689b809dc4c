/* SPDX-License-Identifier: MIT */
/*
 * EPT12's walk: all permissions at all levels and random tables against an oracle written apart,
 * the reserved bits of each format against literal numbers of the SDM.
 */
#include "ept12_fixture.h"

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
		cmocka_unit_test_setup(random_tables_against_the_oracle, set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/ept12", tests, NULL, NULL);
}
