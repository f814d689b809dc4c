/* SPDX-License-Identifier: MIT */
/* The search for a function's name, in tables as hv/symbols.sh lays them out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hv/symbols.h"

static const struct {
	u32 count;
	struct symbol_entry entries[3];
	char names[16];
} three = { 3, { { 0x1000, 0 }, { 0x1010, 4 }, { 0x2000, 8 } }, "one\0two\0three" };

static void the_last_function_at_or_before_is_found(void **state)
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

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = NULL;
		u32 start = 0;

		assert_true(symbol_search((const void *)&three, cases[i].offset, &name, &start));
		assert_string_equal(name, cases[i].name);
		assert_int_equal(start, cases[i].start);
	}
}

static void before_the_first_and_in_an_empty_table_is_nothing(void **state)
{
	static const struct symbol_table empty = { 0 };
	const char *name;
	u32 start;

	(void)state;
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
