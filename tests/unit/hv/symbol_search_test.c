/* SPDX-License-Identifier: MIT */
/* The search for a function's name, in tables as hv/symbols.sh lays them out. */
#include "unit.h"
#include "hv/symbols.h"

static const struct {
	u32 count;
	struct symbol_entry entries[3];
	char names[16];
} three = { 3, { { 0x1000, 0 }, { 0x1010, 4 }, { 0x2000, 8 } }, "one\0two\0three" };

UNIT(the_last_function_at_or_before_is_found)
{
	static const struct {
		const char *name;
		u32 offset;
		u32 start;
	} cases[] = {
		{ "one", 0x1000, 0x1000 },   { "one", 0x100f, 0x1000 },
		{ "two", 0x1010, 0x1010 },   { "two", 0x1fff, 0x1010 },
		{ "three", 0x2000, 0x2000 }, { "three", 0xffffffff, 0x2000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = NULL;
		u32 start = 0;

		assert_true(symbol_search((const void *)&three, cases[i].offset, &name, &start));
		assert_string_equal(name, cases[i].name);
		assert_int_equal(start, cases[i].start);
	}
}

UNIT(before_the_first_and_in_an_empty_table_is_nothing)
{
	static const struct symbol_table empty = { 0 };
	const char *name;
	u32 start;

	assert_false(symbol_search((const void *)&three, 0xfff, &name, &start));
	assert_false(symbol_search(&empty, 0x1000, &name, &start));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_function_at_or_before_is_found),
		cmocka_unit_test(before_the_first_and_in_an_empty_table_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
