/* SPDX-License-Identifier: MIT */
/* The memory operand of INS and OUTS: each check alone, at its border. */
#include "unit.h"
#include "vmx/access_rights.h"
#include "vmx/string_operand.h"

#define READ_ONLY_DATA (AR_DB | AR_P | AR_S | 0x1u)
#define EXPAND_DOWN    (AR_DB | AR_P | AR_S | 0x7u)
#define EXECUTE_ONLY   (AR_DB | AR_P | AR_S | 0x9u)

static const struct string_operand flat = {
	.linear = 0x1000, .offset = 0x1000, .bytes = 4, .limit = ~0u, .rights = AR_FLAT_DATA
};

static void expect_fault(struct string_operand operand, enum vector fault)
{
	assert_int_equal(string_operand_fault(&operand), fault);
}

UNIT(a_flat_segment_allows_both)
{
	struct string_operand operand = flat;

	expect_fault(operand, VECTOR_NONE);
	operand.is_write = true;
	expect_fault(operand, VECTOR_NONE);
}

UNIT(the_type_must_fit)
{
	static const struct {
		u32 rights;
		bool write;
		enum vector fault;
	} cases[] = {
		{ AR_UNUSABLE, false, VECTOR_GP },   { READ_ONLY_DATA, false, VECTOR_NONE },
		{ READ_ONLY_DATA, true, VECTOR_GP }, { AR_FLAT_CODE, false, VECTOR_NONE },
		{ AR_FLAT_CODE, true, VECTOR_GP },   { EXECUTE_ONLY, false, VECTOR_GP },
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct string_operand operand = flat;

		operand.rights = cases[i].rights;
		operand.is_write = cases[i].write;
		expect_fault(operand, cases[i].fault);
		operand.type_free = true;
		expect_fault(operand, VECTOR_NONE);
	}
}

UNIT(the_limit_is_of_the_last_byte)
{
	struct string_operand operand = flat;

	operand.limit = 0x1003;
	expect_fault(operand, VECTOR_NONE);
	operand.limit = 0x1002;
	expect_fault(operand, VECTOR_GP);
	operand.is_stack_segment = true;
	expect_fault(operand, VECTOR_SS);
	operand = flat;
	operand.offset = 0xfffffffd;
	expect_fault(operand, VECTOR_GP);
	operand.offset = 0xfffffffc;
	expect_fault(operand, VECTOR_NONE);
}

UNIT(expand_down_begins_above_its_limit)
{
	struct string_operand operand = flat;

	operand.rights = EXPAND_DOWN;
	operand.limit = 0xfff;
	expect_fault(operand, VECTOR_NONE);
	operand.limit = 0x1000;
	expect_fault(operand, VECTOR_GP);
	operand.limit = 0xfff;
	operand.offset = 0xfffd;
	expect_fault(operand, VECTOR_NONE);
	operand.rights &= ~AR_DB;
	expect_fault(operand, VECTOR_GP);
}

UNIT(long_code_knows_no_limit_but_canonical_addresses)
{
	struct string_operand operand = flat;

	operand.long_code = true;
	operand.rights = AR_UNUSABLE;
	operand.limit = 0;
	expect_fault(operand, VECTOR_NONE);
	operand.linear = 0x7ffffffffffc;
	expect_fault(operand, VECTOR_NONE);
	operand.linear = 0x7ffffffffffd;
	expect_fault(operand, VECTOR_GP);
	operand.linear = 0xffff7fffffffffff;
	expect_fault(operand, VECTOR_GP);
	operand.linear = 0xffff800000000000;
	expect_fault(operand, VECTOR_NONE);
	operand.linear = 0x800000000000;
	operand.is_stack_segment = true;
	expect_fault(operand, VECTOR_SS);
}

UNIT(alignment_is_checked_where_asked)
{
	struct string_operand operand = flat;

	operand.linear = 0x1002;
	expect_fault(operand, VECTOR_NONE);
	operand.alignment = true;
	expect_fault(operand, VECTOR_AC);
	operand.bytes = 2;
	expect_fault(operand, VECTOR_NONE);
	operand.limit = 0;
	expect_fault(operand, VECTOR_GP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flat_segment_allows_both),
		cmocka_unit_test(the_type_must_fit),
		cmocka_unit_test(the_limit_is_of_the_last_byte),
		cmocka_unit_test(expand_down_begins_above_its_limit),
		cmocka_unit_test(long_code_knows_no_limit_but_canonical_addresses),
		cmocka_unit_test(alignment_is_checked_where_asked),
	};

	return cmocka_run_group_tests_name("vmx/string_operand", tests, NULL, NULL);
}
