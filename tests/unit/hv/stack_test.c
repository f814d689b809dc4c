/* SPDX-License-Identifier: MIT */
/* Where stacks lie: no two share a page, and below each one a page belongs to nobody. */
#include "unit.h"
#include "hv/boot_info.h"
#include "hv/stack.h"

UNIT(every_stack_has_its_size_and_alignment)
{
	for (u32 cpu = 0; cpu < BOOT_CPUS_MAX; cpu++) {
		for (enum stack_kind kind = STACK_MAIN; kind < STACKS; kind++) {
			u64 bytes = stack_top(cpu, kind) - stack_bottom(cpu, kind);

			assert_true(IS_ALIGNED(stack_bottom(cpu, kind), PAGE_SIZE));
			assert_int_equal(bytes, kind == STACK_MAIN ? 16 * KIB : 8 * KIB);
			assert_int_equal(bytes, PAGE_SIZE << stack_order(kind));
		}
	}
}

/* In order of address, stacks and guard pages follow each other without touching. */
UNIT(a_page_below_each_stack_is_free)
{
	u64 end = STACK_BASE;

	for (u32 cpu = 0; cpu < BOOT_CPUS_MAX; cpu++) {
		for (enum stack_kind kind = STACK_MAIN; kind < STACKS; kind++) {
			assert_true(stack_bottom(cpu, kind) >= end + PAGE_SIZE);
			end = stack_top(cpu, kind);
		}
	}
}

UNIT(an_address_names_its_stack)
{
	struct stack_place place;

	for (u32 cpu = 0; cpu < BOOT_CPUS_MAX; cpu++) {
		for (enum stack_kind kind = STACK_MAIN; kind < STACKS; kind++) {
			assert_true(stack_find(stack_top(cpu, kind) - 1, &place));
			assert_int_equal(place.cpu, cpu);
			assert_int_equal(place.kind, kind);
			assert_false(place.in_guard);
			assert_true(stack_find(stack_bottom(cpu, kind), &place));
			assert_false(place.in_guard);
			assert_true(stack_find(stack_bottom(cpu, kind) - 1, &place));
			assert_int_equal(place.cpu, cpu);
			assert_int_equal(place.kind, kind);
			assert_true(place.in_guard);
		}
	}
	assert_false(stack_find(0, &place));
	assert_false(stack_find(STACK_BASE - 1, &place));
	assert_false(stack_find(stack_top(3, STACK_MACHINE_CHECK), &place));
	assert_false(stack_find(UINT64_MAX, &place));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stack_has_its_size_and_alignment),
		cmocka_unit_test(a_page_below_each_stack_is_free),
		cmocka_unit_test(an_address_names_its_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
