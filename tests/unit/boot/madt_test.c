/* SPDX-License-Identifier: MIT */
/* boot/madt.c: CPUs of sound tables, refusal of others. */
#include "unit.h"
#include "boot/madt.h"
#include "hv/errno.h"

#define HEADER 44

static u8 table[2048];
static u32 length;
static struct cpu_list list;

static int fresh_table(void **state)
{
	(void)state;
	memset(table, 0, sizeof(table));
	memcpy(table, (const u8[]){ 'A', 'P', 'I', 'C' }, 4);
	length = HEADER;
	memset(&list, 0, sizeof(list));
	return 0;
}

static void add_entry(const u8 *entry, u32 bytes)
{
	memcpy(table + length, entry, bytes);
	length += bytes;
}

static void add_lapic(u8 id, u8 flags)
{
	add_entry((const u8[]){ 0, 8, 7, id, flags, 0, 0, 0 }, 8);
}

/* In a block of its exact size, so that ASan sees a read past its end. */
static int parse(u32 bytes)
{
	u8 *copy = malloc(bytes ? bytes : 1);
	int rc;

	table[4] = (u8)length;
	table[5] = (u8)(length >> 8);
	memcpy(copy, table, bytes);
	rc = madt_parse(copy, bytes, &list);
	free(copy);
	return rc;
}

UNIT(enabled_cpus_are_listed_in_order)
{
	add_lapic(4, 1);
	add_lapic(2, 1);
	assert_int_equal(parse(length), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.apic_ids[0], 4);
	assert_int_equal(list.apic_ids[1], 2);
}

UNIT(disabled_cpus_are_skipped)
{
	add_lapic(4, 0);
	add_lapic(5, 2); /* online capable: may be plugged in, is not there */
	assert_int_equal(parse(length), 0);
	assert_int_equal(list.count, 0);
}

UNIT(x2apic_entries_have_wide_ids)
{
	add_entry((const u8[]){ 9, 16, 0, 0, 0x01, 0x02, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0 }, 16);
	assert_int_equal(parse(length), 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.apic_ids[0], 0x201);
}

UNIT(a_cpu_listed_twice_counts_once)
{
	cpu_list_add(&list, 3);
	add_lapic(3, 1);
	add_lapic(1, 1);
	assert_int_equal(parse(length), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.apic_ids[0], 3);
}

UNIT(other_entries_are_skipped)
{
	add_entry((const u8[]){ 1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0 }, 12);
	add_lapic(1, 1);
	assert_int_equal(parse(length), 0);
	assert_int_equal(list.count, 1);
}

UNIT(cpus_beyond_the_limit_are_counted)
{
	for (u32 i = 0; i < BOOT_CPUS_MAX + 3; i++)
		add_lapic((u8)i, 1);
	assert_int_equal(parse(length), 0);
	assert_int_equal(list.count, BOOT_CPUS_MAX);
	assert_int_equal(list.dropped, 3);
}

UNIT(every_truncation_is_refused)
{
	add_lapic(1, 1);
	for (u32 bytes = 0; bytes < length; bytes++)
		assert_int_equal(parse(bytes), -EINVAL);
	assert_int_equal(parse(length), 0);
}

UNIT(entries_that_stick_out_are_refused)
{
	add_lapic(1, 1);
	table[HEADER + 1] = 9;
	assert_int_equal(parse(length), -EINVAL);
	table[HEADER + 1] = 0; /* would never end */
	assert_int_equal(parse(length), -EINVAL);
	table[HEADER + 1] = 1;
	assert_int_equal(parse(length), -EINVAL);
}

UNIT(short_entries_name_no_cpu)
{
	add_entry((const u8[]){ 0, 4, 7, 3 }, 4);
	add_entry((const u8[]){ 9, 4, 0, 0 }, 4);
	assert_int_equal(parse(length), 0);
	assert_int_equal(list.count, 0);
}

UNIT(other_tables_are_refused)
{
	table[0] = 'B';
	assert_int_equal(parse(length), -EINVAL);
}

#define CASE(name) cmocka_unit_test_setup(name, fresh_table)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(enabled_cpus_are_listed_in_order), CASE(disabled_cpus_are_skipped),
		CASE(x2apic_entries_have_wide_ids),     CASE(a_cpu_listed_twice_counts_once),
		CASE(other_entries_are_skipped),        CASE(cpus_beyond_the_limit_are_counted),
		CASE(every_truncation_is_refused),      CASE(entries_that_stick_out_are_refused),
		CASE(short_entries_name_no_cpu),        CASE(other_tables_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
