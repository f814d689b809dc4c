/* SPDX-License-Identifier: MIT */
/* L1's MTRRs: which numbers exist, what they hold at first, and which values fault. */
#include "unit.h"
#include "hv/msr_index.h"
#include "vmx/guest_mtrr.h"

/* What the registers say as a CPU reads them. */
static struct mtrr_map map_of(const struct guest_mtrrs *mtrrs, u32 maxphyaddr)
{
	struct mtrr_map map = { .def_type = mtrrs->def_type,
				.variable_count = MTRR_VARIABLE,
				.maxphyaddr = maxphyaddr };

	memcpy(map.fixed, mtrrs->fixed, sizeof(map.fixed));
	for (u32 i = 0; i < MTRR_VARIABLE; i++) {
		map.variable[i].base = mtrrs->variable[i][0];
		map.variable[i].mask = mtrrs->variable[i][1];
	}
	return map;
}

static enum memory_type type_at(const struct mtrr_map *map, u64 at)
{
	enum memory_type type;

	assert_true(mtrr_block_type(map, hpa(at), 0, &type));
	return type;
}

static u32 variable_in_use(const struct guest_mtrrs *mtrrs)
{
	u32 count = 0;

	for (u32 i = 0; i < MTRR_VARIABLE; i++)
		count += (mtrrs->variable[i][1] & MTRR_MASK_VALID) != 0;
	return count;
}

/* exact: the registers can say where this memory ends. */
static void check_firmware(u64 memory_end, bool exact)
{
	struct guest_mtrrs mtrrs;
	struct mtrr_map map;
	u64 uncached = memory_end;

	guest_mtrr_init(&mtrrs, memory_end, 40);
	map = map_of(&mtrrs, 40);
	assert_true(variable_in_use(&mtrrs) <= MTRR_FIRMWARE_USES);
	while (type_at(&map, uncached) == MEMORY_WB)
		uncached += PAGE_SIZE;
	assert_int_equal(uncached == memory_end, exact);
	assert_true(uncached - memory_end <= (4 * GIB - memory_end) >> MTRR_FIRMWARE_USES);
	for (u64 at = MIB; at < 4 * GIB; at += PAGE_SIZE)
		assert_int_equal(type_at(&map, at), at < uncached ? MEMORY_WB : MEMORY_UC);
	for (u64 at = 0; at < MIB; at += PAGE_SIZE)
		assert_int_equal(type_at(&map, at),
				 at >= 0xa0000 && at < 0xc0000 ? MEMORY_UC : MEMORY_WB);
	assert_int_equal(type_at(&map, 4 * GIB), MEMORY_WB);
	assert_int_equal(type_at(&map, BIT(40) - PAGE_SIZE), MEMORY_WB);
}

UNIT(firmware_leaves_memory_write_back_and_devices_uncached)
{
	check_firmware(3 * GIB, true);
	check_firmware(2 * GIB, true);
	check_firmware(512 * MIB, true);
	check_firmware(0x19c6a000, false);
	check_firmware(8 * MIB, false);
	check_firmware(3 * GIB - PAGE_SIZE, true);
}

UNIT(firmware_s_values_can_be_written_back)
{
	struct guest_mtrrs mtrrs;

	guest_mtrr_init(&mtrrs, 0x19c6a000, 36);
	for (u32 msr = 0; msr < 0x400; msr++) {
		const u64 *at = guest_mtrr_find(&mtrrs, msr);

		if (at)
			assert_false(guest_mtrr_write_faults(msr, *at, 36));
	}
}

UNIT(every_register_has_its_own_storage)
{
	struct guest_mtrrs mtrrs = { 0 };
	u64 stamp = 0;

	for (u32 msr = 0; msr < 0x400; msr++) {
		u64 *at = guest_mtrr_find(&mtrrs, msr);

		if (at) {
			assert_int_equal(*at, 0);
			*at = ++stamp;
		}
	}
	assert_int_equal(stamp, 1 + MTRR_FIXED_REGS + 2 * MTRR_VARIABLE);
}

UNIT(other_numbers_are_no_mtrrs)
{
	static const u32 msrs[] = {
		0x1ff, 0x200 + 2 * MTRR_VARIABLE, 0x251, 0x25a, 0x267, 0x270, MSR_IA32_PAT
	};
	struct guest_mtrrs mtrrs;

	for (u32 i = 0; i < ARRAY_SIZE(msrs); i++)
		assert_null(guest_mtrr_find(&mtrrs, msrs[i]));
}

UNIT(memory_types_two_three_and_seven_fault)
{
	for (u64 type = 0; type < 256; type++) {
		bool valid = type == 0 || type == 1 || type == 4 || type == 5 || type == 6;

		assert_int_equal(guest_mtrr_write_faults(MSR_IA32_MTRR_DEF_TYPE, type, 40), !valid);
		assert_int_equal(guest_mtrr_write_faults(MSR_IA32_MTRR_PHYSBASE0, type, 40),
				 !valid);
		assert_int_equal(
			guest_mtrr_write_faults(MSR_IA32_MTRR_FIX64K_00000, type << 40, 40),
			!valid);
	}
}

UNIT(reserved_bits_fault)
{
	assert_false(guest_mtrr_write_faults(MSR_IA32_MTRR_DEF_TYPE, BIT(11) | BIT(10) | 6, 40));
	assert_true(guest_mtrr_write_faults(MSR_IA32_MTRR_DEF_TYPE, BIT(12), 40));
	assert_true(guest_mtrr_write_faults(MSR_IA32_MTRR_PHYSBASE0, BIT(8), 40));
	assert_true(guest_mtrr_write_faults(MSR_IA32_MTRR_PHYSBASE0, BIT(40), 40));
	assert_false(guest_mtrr_write_faults(MSR_IA32_MTRR_PHYSBASE0 + 1, BIT(39) | BIT(11), 40));
	assert_true(guest_mtrr_write_faults(MSR_IA32_MTRR_PHYSBASE0 + 1, BIT(10), 40));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(firmware_leaves_memory_write_back_and_devices_uncached),
		cmocka_unit_test(firmware_s_values_can_be_written_back),
		cmocka_unit_test(every_register_has_its_own_storage),
		cmocka_unit_test(other_numbers_are_no_mtrrs),
		cmocka_unit_test(memory_types_two_three_and_seven_fault),
		cmocka_unit_test(reserved_bits_fault),
	};

	return cmocka_run_group_tests_name("vmx/guest_mtrr", tests, NULL, NULL);
}
