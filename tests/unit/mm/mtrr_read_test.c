/* SPDX-License-Identifier: MIT */
/* mm/mtrr_read.c: which registers are read, and what stands for a CPU without them. */
#include "unit.h"
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "mm/mtrr.h"

static int set_up(void **state)
{
	(void)state;
	host_x86_reset();
	host_cpuid_set(1, 0, (struct cpuid_regs){ .edx = 1u << 12 });
	host_cpuid_set(0x80000000, 0, (struct cpuid_regs){ .eax = 0x80000008 });
	host_cpuid_set(0x80000008, 0, (struct cpuid_regs){ .eax = 0x3028 });
	return 0;
}

UNIT(every_register_lands_in_its_place)
{
	struct mtrr_map map;

	host_msr_set(MSR_IA32_MTRRCAP, 0x502);
	host_msr_set(MSR_IA32_MTRR_DEF_TYPE, 0xc06);
	host_msr_set(0x250, 50);
	host_msr_set(0x258, 58);
	host_msr_set(0x259, 59);
	for (u32 i = 0; i < 8; i++)
		host_msr_set(0x268 + i, 68 + i);
	for (u32 i = 0; i < 4; i++)
		host_msr_set(0x200 + i, 100 + i);
	mtrr_read(&map);
	assert_int_equal(map.maxphyaddr, 40);
	assert_int_equal(map.def_type, 0xc06);
	assert_int_equal(map.fixed[0], 50);
	assert_int_equal(map.fixed[1], 58);
	assert_int_equal(map.fixed[2], 59);
	assert_int_equal(map.fixed[3], 68);
	assert_int_equal(map.fixed[10], 75);
	assert_int_equal(map.variable_count, 2);
	assert_int_equal(map.variable[0].mask, 101);
	assert_int_equal(map.variable[1].base, 102);
	assert_int_equal(map.variable[1].mask, 103);
}

UNIT(fixed_registers_that_do_not_exist_are_not_read)
{
	struct mtrr_map map;

	host_msr_set(MSR_IA32_MTRRCAP, 0);
	host_msr_set(MSR_IA32_MTRR_DEF_TYPE, 0x806);
	mtrr_read(&map);
	assert_int_equal(map.variable_count, 0);
}

UNIT(cpu_without_mtrrs_is_write_back_everywhere)
{
	struct mtrr_map map;
	enum memory_type type;

	host_x86_reset();
	mtrr_read(&map);
	assert_int_equal(map.maxphyaddr, 36);
	assert_true(mtrr_block_type(&map, hpa(0), 18, &type));
	assert_int_equal(type, MEMORY_WB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_register_lands_in_its_place, set_up),
		cmocka_unit_test_setup(fixed_registers_that_do_not_exist_are_not_read, set_up),
		cmocka_unit_test_setup(cpu_without_mtrrs_is_write_back_everywhere, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
