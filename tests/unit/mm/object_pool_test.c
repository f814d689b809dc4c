/* SPDX-License-Identifier: MIT */
/* mm/object_pool.c: objects don't overlap, come zeroed, and are used again. */
#include "unit.h"
#include "host_memory.h"
#include "mm/object_pool.h"

UNIT(objects_are_apart_zeroed_and_used_again)
{
	struct object_pool pool = { 0 };
	unsigned char *objects[200];
	u64 pages;

	host_memory_default();
	pages = page_free_count();
	for (u32 round = 0; round < 3; round++) {
		for (u32 i = 0; i < ARRAY_SIZE(objects); i++) {
			objects[i] = object_alloc(&pool);
			for (u32 at = 0; at < OBJECT_BYTES; at++)
				assert_int_equal(objects[i][at], 0);
			memset(objects[i], (int)i, OBJECT_BYTES);
		}
		for (u32 i = 0; i < ARRAY_SIZE(objects); i++) {
			assert_int_equal(objects[i][0], i);
			assert_int_equal(objects[i][OBJECT_BYTES - 1], i);
			object_free(&pool, objects[i]);
		}
	}
	assert_int_equal(pages - page_free_count(), 4);
}

UNIT(empty_host_pool_gives_no_object)
{
	struct object_pool pool = { 0 };

	host_memory_default();
	while (page_alloc(0))
		;
	assert_null(object_alloc(&pool));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_apart_zeroed_and_used_again),
		cmocka_unit_test(empty_host_pool_gives_no_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
