/* SPDX-License-Identifier: MIT */
/* Each rule against the SDM's definition, said slowly, or against a list of cases. */
#include "route_fixture.h"

UNIT(exceptions_by_the_bitmap)
{
	for (u32 vector = 0; vector < 32; vector++) {
		for (u32 bit = 0; bit < 32; bit++) {
			f.v12.EXCEPTION_BITMAP = BIT(bit);
			if (vector == 14)
				continue;
			for (u32 type = 3; type <= 6; type++) {
				f.exit.intr_info = INTR_INFO_VALID | type << 8 | vector;
				assert_int_equal(wants(EXIT_EXCEPTION_NMI), vector == bit);
			}
		}
	}
}

UNIT(nmi_by_its_pin_control)
{
	f.exit.intr_info = INTR_INFO_VALID | INTR_NMI << 8 | 2;
	f.v12.EXCEPTION_BITMAP = ~0u;
	assert_false(wants(EXIT_EXCEPTION_NMI));
	f.v12.PIN_CONTROLS = BIT(3);
	f.v12.EXCEPTION_BITMAP = 0;
	assert_true(wants(EXIT_EXCEPTION_NMI));
}

UNIT(page_faults_by_error_code_too)
{
	f.exit.intr_info = INTR_INFO_VALID | INTR_HARDWARE_EXCEPTION << 8 | 14;
	for (u32 error = 0; error < 32; error++) {
		for (u32 n = 0; n < 32 * 32 * 2; n++) {
			u32 mask = n & 31, match = n >> 5 & 31;
			bool bit = n >> 10, expected = bit;

			f.exit.intr_error = error;
			f.v12.PF_ERROR_MASK = mask;
			f.v12.PF_ERROR_MATCH = match;
			f.v12.EXCEPTION_BITMAP = bit ? BIT(14) : ~BIT(14) & ~0u;
			for (u32 i = 0; i < 5; i++)
				if ((error & mask & 1u << i) != (match & 1u << i))
					expected = !bit;
			assert_int_equal(wants(EXIT_EXCEPTION_NMI), expected);
		}
	}
}

/* Qualification of MOV to (0) or from (1) a control register. */
static void mov_cr(u32 cr, u32 direction, enum gpr reg)
{
	f.exit.qualification = cr | direction << 4 | (u32)reg << 8;
}

/* "any bit that L1 owns gets a value other than the shadow's" */
static bool an_owned_bit_differs(u64 mask, u64 shadow, u64 value)
{
	for (u32 bit = 0; bit < 64; bit++)
		if ((mask >> bit & 1) && (shadow >> bit & 1) != (value >> bit & 1))
			return true;
	return false;
}

UNIT(mov_to_cr0_and_cr4_by_mask_and_shadow)
{
	u64 seed = 1;
	u32 exits = 0;

	for (u32 i = 0; i < 20000; i++) {
		u64 mask = BIT(unit_random(&seed) >> 9 & 63) | BIT(unit_random(&seed) >> 9 & 63);
		u64 shadow = unit_random(&seed);
		u64 value = shadow ^ BIT(unit_random(&seed) >> 9 & 63);
		enum gpr reg = unit_random(&seed) >> 20 & 15;
		bool expected = an_owned_bit_differs(mask, shadow, value);

		exits += expected;
		f.regs[reg] = value;
		f.v12.CR0_MASK = f.v12.CR4_MASK = mask;
		f.v12.CR0_SHADOW = f.v12.CR4_SHADOW = shadow;
		mov_cr(0, 0, reg);
		assert_int_equal(wants(EXIT_CR_ACCESS), expected);
		f.v12.CR0_MASK = 0;
		mov_cr(4, 0, reg);
		assert_int_equal(wants(EXIT_CR_ACCESS), expected);
		f.v12.CR4_MASK = 0;
		assert_false(wants(EXIT_CR_ACCESS));
	}
	assert_in_range(exits, 100, 19000);
}

UNIT(mov_to_cr3_by_control_and_targets)
{
	f.v12.CR3_TARGET0 = 0x1000;
	f.v12.CR3_TARGET1 = 0x2000;
	f.v12.CR3_TARGET2 = 0x3000;
	f.v12.CR3_TARGET3 = 0x4000;
	for (u32 count = 0; count <= 5; count++) {
		for (u64 value = 0; value <= 0x5000; value += 0x1000) {
			bool is_target = value && value <= 0x4000 && value / 0x1000 <= count;

			f.v12.CR3_TARGET_COUNT = count;
			f.regs[GPR_R9] = value;
			mov_cr(3, 0, GPR_R9);
			f.v12.CPU_CONTROLS = BIT(15);
			assert_int_equal(wants(EXIT_CR_ACCESS), !is_target);
			f.v12.CPU_CONTROLS = ~BIT(15) & ~0u;
			assert_false(wants(EXIT_CR_ACCESS));
		}
	}
}

UNIT(operand_has_32_bits_outside_64_bit_code)
{
	f.v12.CPU_CONTROLS = BIT(15);
	f.v12.CR3_TARGET_COUNT = 1;
	f.v12.CR3_TARGET0 = 0x1000;
	f.regs[GPR_RSP] = 0xffffffff00001000;
	mov_cr(3, 0, GPR_RSP);
	assert_true(wants(EXIT_CR_ACCESS));
	f.exit.long_code = false;
	assert_false(wants(EXIT_CR_ACCESS));
}

UNIT(cr8_and_reads_by_their_controls)
{
	static const struct {
		u32 cr, direction, bit;
	} cases[] = { { 3, 1, 16 }, { 8, 0, 19 }, { 8, 1, 20 } };

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		mov_cr(cases[i].cr, cases[i].direction, GPR_RAX);
		f.v12.CPU_CONTROLS = BIT(cases[i].bit);
		assert_true(wants(EXIT_CR_ACCESS));
		f.v12.CPU_CONTROLS = ~BIT(cases[i].bit) & ~0u;
		assert_false(wants(EXIT_CR_ACCESS));
	}
}

UNIT(access_that_no_cpu_reports_goes_to_l1)
{
	mov_cr(2, 0, GPR_RAX);
	assert_true(wants(EXIT_CR_ACCESS));
	mov_cr(0, 1, GPR_RAX);
	assert_true(wants(EXIT_CR_ACCESS));
}

UNIT(clts_needs_ts_in_mask_and_shadow)
{
	f.exit.qualification = 2 << 4;
	for (u32 n = 0; n < 4; n++) {
		f.v12.CR0_MASK = n & 1 ? BIT(3) : ~BIT(3);
		f.v12.CR0_SHADOW = n & 2 ? BIT(3) : ~BIT(3);
		assert_int_equal(wants(EXIT_CR_ACCESS), n == 3);
	}
}

UNIT(lmsw_by_four_bits_of_which_pe_only_sets)
{
	for (u32 n = 0; n < 32 * 32 * 32; n++) {
		u32 mask = n & 31, shadow = n >> 5 & 31, value = n >> 10 & 31;
		bool expected = (mask & 1) && (value & 1) && !(shadow & 1);

		for (u32 bit = 1; bit <= 3; bit++)
			if ((mask >> bit & 1) && (shadow >> bit & 1) != (value >> bit & 1))
				expected = true;
		f.v12.CR0_MASK = mask;
		f.v12.CR0_SHADOW = shadow;
		f.exit.qualification = 3 << 4 | value << 16;
		assert_int_equal(wants(EXIT_CR_ACCESS), expected);
	}
}

UNIT(pause_by_either_control)
{
	assert_false(wants(EXIT_PAUSE));
	f.v12.CPU_CONTROLS = BIT(30);
	assert_true(wants(EXIT_PAUSE));
	f.v12.CPU_CONTROLS = BIT(31);
	assert_false(wants(EXIT_PAUSE));
	f.v12.CPU_CONTROLS2 = BIT(10);
	assert_true(wants(EXIT_PAUSE));
}

UNIT(monitor_trap_by_control_or_injection)
{
	assert_false(wants(EXIT_MONITOR_TRAP));
	f.v12.ENTRY_INTR_INFO = 7 << 8;
	assert_false(wants(EXIT_MONITOR_TRAP));
	f.v12.ENTRY_INTR_INFO |= BIT(31);
	assert_true(wants(EXIT_MONITOR_TRAP));
	f.v12.ENTRY_INTR_INFO = BIT(31) | 6 << 8 | 3;
	assert_false(wants(EXIT_MONITOR_TRAP));
	f.v12.CPU_CONTROLS = BIT(27);
	assert_true(wants(EXIT_MONITOR_TRAP));
}

UNIT(function_that_l1_enabled_is_not_its_exit)
{
	assert_false(wants(EXIT_VMFUNC));
	f.v12.CPU_CONTROLS = BIT(31);
	f.v12.CPU_CONTROLS2 = BIT(13);
	f.v12.VMFUNC_CONTROLS = 1;
	assert_false(wants(EXIT_VMFUNC));
	f.regs[GPR_RAX] = 1;
	assert_true(wants(EXIT_VMFUNC));
	f.regs[GPR_RAX] = 64;
	assert_true(wants(EXIT_VMFUNC));
}

UNIT(loadiwkey_by_its_tertiary_control)
{
	f.v12.CPU_CONTROLS3 = 1;
	assert_false(wants(EXIT_LOADIWKEY));
	f.v12.CPU_CONTROLS = BIT(17);
	assert_true(wants(EXIT_LOADIWKEY));
	f.v12.CPU_CONTROLS3 = ~1ULL;
	assert_false(wants(EXIT_LOADIWKEY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(exceptions_by_the_bitmap, set_up),
		cmocka_unit_test_setup(nmi_by_its_pin_control, set_up),
		cmocka_unit_test_setup(page_faults_by_error_code_too, set_up),
		cmocka_unit_test_setup(mov_to_cr0_and_cr4_by_mask_and_shadow, set_up),
		cmocka_unit_test_setup(mov_to_cr3_by_control_and_targets, set_up),
		cmocka_unit_test_setup(operand_has_32_bits_outside_64_bit_code, set_up),
		cmocka_unit_test_setup(cr8_and_reads_by_their_controls, set_up),
		cmocka_unit_test_setup(access_that_no_cpu_reports_goes_to_l1, set_up),
		cmocka_unit_test_setup(clts_needs_ts_in_mask_and_shadow, set_up),
		cmocka_unit_test_setup(lmsw_by_four_bits_of_which_pe_only_sets, set_up),
		cmocka_unit_test_setup(pause_by_either_control, set_up),
		cmocka_unit_test_setup(monitor_trap_by_control_or_injection, set_up),
		cmocka_unit_test_setup(function_that_l1_enabled_is_not_its_exit, set_up),
		cmocka_unit_test_setup(loadiwkey_by_its_tertiary_control, set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/route_rules", tests, NULL, NULL);
}
