/* SPDX-License-Identifier: MIT */
/* Device addresses: claims, look-ups at the edges, and the claims that are bugs of ours. */
#include "host_memory.h"
#include "unit.h"
#include "vmx/vm.h"

static struct vm vm;

static void claim(u64 first, u64 bytes)
{
	vm_claim_mmio(&vm, &(struct mmio_range){ .first = l1_gpa(first), .bytes = bytes });
}

static int set_up(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	claim(0xfec00000, 0x1000);
	claim(0xfed00000, 0x400);
	claim(0xfed00400, 0x10);
	return 0;
}

UNIT(an_address_finds_its_range)
{
	(void)state;
	assert_ptr_equal(vm_find_mmio(&vm, l1_gpa(0xfec00000)), &vm.mmio[0]);
	assert_ptr_equal(vm_find_mmio(&vm, l1_gpa(0xfec00fff)), &vm.mmio[0]);
	assert_ptr_equal(vm_find_mmio(&vm, l1_gpa(0xfed003ff)), &vm.mmio[1]);
	assert_ptr_equal(vm_find_mmio(&vm, l1_gpa(0xfed00400)), &vm.mmio[2]);
}

UNIT(an_address_beside_all_ranges_finds_none)
{
	static const u64 beside[] = { 0, 0xfebfffff, 0xfec01000, 0xfed00410, ~0ULL };

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(beside); i++)
		assert_null(vm_find_mmio(&vm, l1_gpa(beside[i])));
}

UNIT(a_range_may_end_with_the_address_space)
{
	(void)state;
	claim(~0ULL - 0xf, 0x10);
	assert_ptr_equal(vm_find_mmio(&vm, l1_gpa(~0ULL)), &vm.mmio[3]);
}

static void overlap_from_below(void)
{
	claim(0xfebff000, 0x1001);
}

static void overlap_from_above(void)
{
	claim(0xfec00fff, 0x1000);
}

static void overlap_around(void)
{
	claim(0xfe000000, 0x1000000);
}

static void empty(void)
{
	claim(0x1000, 0);
}

static void wrapping(void)
{
	claim(~0ULL, 2);
}

static void one_too_many(void)
{
	for (u64 i = 0; i < VM_MMIO_RANGES; i++)
		claim(0x1000 * i, 0x1000);
}

UNIT(bad_claims_are_bugs)
{
	(void)state;
	assert_true(host_panics(overlap_from_below, "range"));
	assert_true(host_panics(overlap_from_above, "range"));
	assert_true(host_panics(overlap_around, "range"));
	assert_true(host_panics(empty, "range"));
	assert_true(host_panics(wrapping, "range"));
	assert_true(host_panics(one_too_many, "ranges"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_address_finds_its_range, set_up),
		cmocka_unit_test_setup(an_address_beside_all_ranges_finds_none, set_up),
		cmocka_unit_test_setup(a_range_may_end_with_the_address_space, set_up),
		cmocka_unit_test_setup(bad_claims_are_bugs, set_up),
	};

	return cmocka_run_group_tests_name("vmx/mmio_range", tests, NULL, NULL);
}
