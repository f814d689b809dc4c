/* SPDX-License-Identifier: MIT */
/* Ports of devices: claims in any order, look-ups at the edges, and the claims that are bugs of
 * ours. */
#include "host_memory.h"
#include "unit.h"
#include "vmx/vm.h"

static struct vm vm;

static void claim(u16 first, u16 last)
{
	vm_claim_ports(&vm, &(struct port_range){ .first = first, .last = last });
}

static int set_up(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	claim(0x3f8, 0x3ff);
	claim(0x20, 0x21);
	claim(0xfffe, 0xffff);
	claim(0x22, 0x22);
	claim(0x0, 0x0);
	return 0;
}

static void expect_one(u16 port, u32 bytes, u16 first)
{
	const struct port_range *range;

	assert_int_equal(vm_find_ports(&vm, port, bytes, &range), PORTS_OF_ONE);
	assert_int_equal(range->first, first);
}

static enum port_claim claim_of(u16 port, u32 bytes)
{
	const struct port_range *range;

	return vm_find_ports(&vm, port, bytes, &range);
}

UNIT(an_access_inside_a_range_is_its_device_s)
{
	(void)state;
	expect_one(0x3f8, 1, 0x3f8);
	expect_one(0x3f8, 4, 0x3f8);
	expect_one(0x3fc, 4, 0x3f8);
	expect_one(0x3ff, 1, 0x3f8);
	expect_one(0x20, 2, 0x20);
	expect_one(0x22, 1, 0x22);
	expect_one(0, 1, 0);
	expect_one(0xfffe, 2, 0xfffe);
}

UNIT(an_access_beside_all_ranges_is_nobody_s)
{
	(void)state;
	assert_int_equal(claim_of(1, 4), PORTS_FREE);
	assert_int_equal(claim_of(0x1e, 2), PORTS_FREE);
	assert_int_equal(claim_of(0x23, 1), PORTS_FREE);
	assert_int_equal(claim_of(0x3f4, 4), PORTS_FREE);
	assert_int_equal(claim_of(0x400, 4), PORTS_FREE);
	assert_int_equal(claim_of(0xfffc, 2), PORTS_FREE);
}

UNIT(an_access_over_an_edge_is_several_s)
{
	(void)state;
	assert_int_equal(claim_of(0x3f6, 4), PORTS_OF_SEVERAL); /* reaches a range from below */
	assert_int_equal(claim_of(0x3f7, 2), PORTS_OF_SEVERAL);
	assert_int_equal(claim_of(0x3fd, 4), PORTS_OF_SEVERAL); /* leaves one */
	assert_int_equal(claim_of(0x21, 2), PORTS_OF_SEVERAL);  /* from one to the next */
	assert_int_equal(claim_of(0x1f, 4), PORTS_OF_SEVERAL);
	assert_int_equal(claim_of(0xffff, 2), PORTS_OF_SEVERAL);
}

UNIT(every_port_agrees_with_a_scan)
{
	(void)state;
	for (u32 port = 0; port <= 0xffff; port++) {
		const struct port_range *found, *want = NULL;

		for (u32 i = 0; i < vm.port_ranges; i++)
			if (port >= vm.ports[i].first && port <= vm.ports[i].last)
				want = &vm.ports[i];
		if (vm_find_ports(&vm, (u16)port, 1, &found) != PORTS_OF_ONE)
			found = NULL;
		assert_ptr_equal(found, want);
	}
}

static void overlap_from_below(void)
{
	claim(0x3f0, 0x3f8);
}

static void overlap_from_above(void)
{
	claim(0x3ff, 0x400);
}

static void overlap_around(void)
{
	claim(0x3f0, 0x410);
}

static void overlap_inside(void)
{
	claim(0x3fa, 0x3fb);
}

static void backward(void)
{
	claim(0x101, 0x100);
}

static void one_too_many(void)
{
	for (u32 i = 0; i <= VM_PORT_RANGES; i++)
		claim((u16)(0x1000 + i), (u16)(0x1000 + i));
}

UNIT(bad_claims_are_bugs)
{
	(void)state;
	assert_true(host_panics(overlap_from_below, "range"));
	assert_true(host_panics(overlap_from_above, "range"));
	assert_true(host_panics(overlap_around, "range"));
	assert_true(host_panics(overlap_inside, "range"));
	assert_true(host_panics(backward, "range"));
	assert_true(host_panics(one_too_many, "range"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_access_inside_a_range_is_its_device_s, set_up),
		cmocka_unit_test_setup(an_access_beside_all_ranges_is_nobody_s, set_up),
		cmocka_unit_test_setup(an_access_over_an_edge_is_several_s, set_up),
		cmocka_unit_test_setup(every_port_agrees_with_a_scan, set_up),
		cmocka_unit_test_setup(bad_claims_are_bugs, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
