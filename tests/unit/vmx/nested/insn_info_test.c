/* SPDX-License-Identifier: MIT */
/* Instruction information field by field, the address in each mode, and what segmentation says. */
#include "unit.h"
#include "vmx/nested/insn_info.h"

#define NO_BASE     BIT(27)
#define NO_INDEX    BIT(22)
#define SIZE_16     0u
#define SIZE_32     BIT(7)
#define SIZE_64     BIT(8)
#define IN(segment) ((u64)SEGMENT_##segment << 15)
#define BASE(gpr)   ((u64)GPR_##gpr << 23)
#define INDEX(gpr)  ((u64)GPR_##gpr << 18)

static const u64 regs[GPRS] = {
	[GPR_RAX] = 0x1111222233334444, [GPR_RBX] = 0xffff800000001000, [GPR_RSP] = 0x7ffffffffff0,
	[GPR_RSI] = 0x00000001fffffff0, [GPR_R15] = 0x0000700000000000,
};

static struct insn_place place;

static int set_up(void **state)
{
	(void)state;
	place = (struct insn_place){
		.regs = regs, .limit = ~0u, .rights = AR_FLAT_DATA, .bytes = 8, .long_code = true
	};
	return 0;
}

static u64 at;

static enum vector locate(u64 info)
{
	struct insn_operand operand = insn_info_decode((u32)info);

	return insn_operand_locate(&operand, &place, &at);
}

static void expect_address(u64 info, u64 linear)
{
	assert_int_equal(locate(info), VECTOR_NONE);
	assert_int_equal(at, linear);
}

UNIT(fields_stand_where_the_manual_says)
{
	struct insn_operand o = insn_info_decode(0);

	assert_true(o.in_memory && o.has_base && o.has_index);
	assert_int_equal(o.reg | o.other | o.segment | o.base | o.index | o.scale, 0);
	assert_int_equal(o.address_bits, 16);
	assert_int_equal(insn_info_decode(3u).scale, 3);
	assert_int_equal(insn_info_decode(0xfu << 3).reg, GPR_R15);
	assert_int_equal(insn_info_decode(1u << 7).address_bits, 32);
	assert_int_equal(insn_info_decode(2u << 7).address_bits, 64);
	assert_false(insn_info_decode(1u << 10).in_memory);
	assert_int_equal(insn_info_decode(5u << 15).segment, SEGMENT_GS);
	assert_int_equal(insn_info_decode(0xfu << 18).index, GPR_R15);
	assert_false(insn_info_decode(1u << 22).has_index);
	assert_int_equal(insn_info_decode(0xfu << 23).base, GPR_R15);
	assert_false(insn_info_decode(1u << 27).has_base);
	assert_int_equal(insn_info_decode(0xfu << 28).other, GPR_R15);
}

UNIT(no_information_leads_out_of_the_tables)
{
	u64 seed = 1;

	for (u32 i = 0; i < 100000; i++) {
		u32 info = (u32)unit_random(&seed);
		struct insn_operand o = insn_info_decode(info);

		assert_true(o.segment <= SEGMENT_GS);
		assert_true(o.reg < GPRS && o.other < GPRS && o.base < GPRS && o.index < GPRS);
		assert_true(o.address_bits == 16 || o.address_bits == 32 || o.address_bits == 64);
		assert_true(o.scale <= 3);
		place.displacement = unit_random(&seed);
		place.long_code = info & 1;
		(void)locate(info);
	}
}

UNIT(address_is_the_sum_at_the_address_size)
{
	place.displacement = 0x20;
	expect_address(SIZE_64 | IN(DS) | NO_BASE | NO_INDEX, 0x20);
	expect_address(SIZE_64 | IN(DS) | BASE(RBX) | NO_INDEX, 0xffff800000001020);
	expect_address(SIZE_64 | IN(DS) | BASE(R15) | INDEX(RSI) | 2, 0x7007ffffffe0);
	place.displacement = ~0x1fULL;
	expect_address(SIZE_64 | IN(SS) | BASE(RSP) | NO_INDEX, 0x7fffffffffd0);
}

UNIT(address_size_cuts_the_sum_before_the_base_is_added)
{
	place.displacement = ~0ULL << 32 | 0x30; /* above the size: undefined */
	expect_address(SIZE_32 | IN(DS) | BASE(RSI) | NO_INDEX, 0x20);
	place.base = 0xffff800000000000;
	expect_address(SIZE_32 | IN(GS) | BASE(RSI) | NO_INDEX, 0xffff800000000020);
	place.long_code = false;
	place.base = 0xfff00000;
	expect_address(SIZE_16 | IN(DS) | BASE(RAX) | NO_INDEX, 0xfff04474);
	place.base = 0xfffff000;
	expect_address(SIZE_32 | IN(DS) | BASE(RAX) | NO_INDEX, 0x33333474);
}

UNIT(only_fs_and_gs_have_a_base_in_64_bit_code)
{
	place.base = 0x100000;
	for (u64 segment = SEGMENT_ES; segment <= SEGMENT_GS; segment++)
		expect_address(SIZE_64 | segment << 15 | NO_BASE | NO_INDEX,
			       segment >= SEGMENT_FS ? 0x100000 : 0);
}

UNIT(address_that_is_not_canonical_raises_by_segment)
{
	static const struct {
		u64 displacement;
		bool faults;
	} cases[] = {
		{ 0x7ffffffffff8, false },     { 0x7ffffffffff9, true },
		{ 0x800000000000, true },      { 0xffff7fffffffffff, true },
		{ 0xffff800000000000, false }, { 0xfffffffffffffff8, false },
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		place.displacement = cases[i].displacement;
		for (u64 segment = SEGMENT_ES; segment <= SEGMENT_GS; segment++) {
			enum vector fault = segment == SEGMENT_SS ? VECTOR_SS : VECTOR_GP;

			assert_int_equal(locate(SIZE_64 | segment << 15 | NO_BASE | NO_INDEX),
					 cases[i].faults ? fault : VECTOR_NONE);
		}
	}
}

UNIT(long_code_asks_no_segment)
{
	place.limit = 0;
	place.rights = AR_UNUSABLE;
	place.is_write = true;
	expect_address(SIZE_64 | IN(SS) | BASE(RBX) | NO_INDEX, regs[GPR_RBX]);
}

UNIT(protected_mode_asks_the_segment)
{
	static const struct {
		u32 rights, limit;
		bool is_write;
		enum vector data, stack;
	} cases[] = {
		{ AR_FLAT_DATA, ~0u, true, VECTOR_NONE, VECTOR_NONE },
		{ AR_FLAT_DATA, 0x1007, true, VECTOR_NONE, VECTOR_NONE },
		{ AR_FLAT_DATA, 0x1006, true, VECTOR_GP, VECTOR_SS },
		{ AR_FLAT_DATA, 0x1006, false, VECTOR_GP, VECTOR_SS },
		{ AR_UNUSABLE, ~0u, false, VECTOR_GP, VECTOR_SS },
		{ AR_DB | AR_P | AR_S | 0x1, ~0u, false, VECTOR_NONE, VECTOR_NONE },
		{ AR_DB | AR_P | AR_S | 0x1, ~0u, true, VECTOR_GP, VECTOR_GP },
		{ AR_FLAT_CODE, ~0u, false, VECTOR_NONE, VECTOR_NONE },
		{ AR_FLAT_CODE, ~0u, true, VECTOR_GP, VECTOR_GP },
		{ AR_DB | AR_P | AR_S | 0x9, ~0u, false, VECTOR_GP, VECTOR_GP },
		{ AR_DB | AR_P | AR_S | 0x7, 0x0fff, true, VECTOR_NONE, VECTOR_NONE },
		{ AR_DB | AR_P | AR_S | 0x7, 0x1000, true, VECTOR_GP, VECTOR_SS },
	};

	place.long_code = false;
	place.displacement = 0x1000;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		place.rights = cases[i].rights;
		place.limit = cases[i].limit;
		place.is_write = cases[i].is_write;
		assert_int_equal(locate(SIZE_32 | IN(DS) | NO_BASE | NO_INDEX), cases[i].data);
		assert_int_equal(locate(SIZE_32 | IN(SS) | NO_BASE | NO_INDEX), cases[i].stack);
	}
}

UNIT(register_is_as_wide_as_the_code)
{
	assert_int_equal(insn_register(regs, GPR_RAX, true), 0x1111222233334444);
	assert_int_equal(insn_register(regs, GPR_RAX, false), 0x33334444);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(fields_stand_where_the_manual_says, set_up),
		cmocka_unit_test_setup(no_information_leads_out_of_the_tables, set_up),
		cmocka_unit_test_setup(address_is_the_sum_at_the_address_size, set_up),
		cmocka_unit_test_setup(address_size_cuts_the_sum_before_the_base_is_added, set_up),
		cmocka_unit_test_setup(only_fs_and_gs_have_a_base_in_64_bit_code, set_up),
		cmocka_unit_test_setup(address_that_is_not_canonical_raises_by_segment, set_up),
		cmocka_unit_test_setup(long_code_asks_no_segment, set_up),
		cmocka_unit_test_setup(protected_mode_asks_the_segment, set_up),
		cmocka_unit_test_setup(register_is_as_wide_as_the_code, set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/insn_info", tests, NULL, NULL);
}
