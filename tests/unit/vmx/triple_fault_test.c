/* SPDX-License-Identifier: MIT */
/* The line that names a triple fault's cause. */
#include "unit.h"
#include <string.h>
#include "vmx/triple_fault.h"

#define PRESENT_64 0x00008e0100081000ULL /* offset 1000h, selector 8, IST 1 */

static const struct double_fault sound = {
	.kind = IDT_64BIT,
	.idt_base = 0x5000,
	.idt_limit = 0xfff,
	.gate_mapped = true,
	.gate = { PRESENT_64, 0xffff8000 },
	.tss_mapped = true,
	.stack = 0x7000,
	.stack_mapped = true,
	.handler_mapped = true,
};

static void expect(const struct double_fault *fault, const char *part)
{
	char text[160];

	triple_fault_explain(fault, text, sizeof(text));
	if (!strstr(text, part))
		fail_msg("'%s' lacks '%s'", text, part);
}

UNIT(a_short_idt_has_no_gate)
{
	struct double_fault fault = sound;

	fault.idt_limit = 8 * 16 + 14;
	expect(&fault, "IDT at 0x5000 has the limit 0x8e, so no gate for #DF");
	fault.idt_limit++;
	expect(&fault, "looks sound");
	fault.kind = IDT_32BIT;
	fault.idt_limit = 8 * 8 + 6;
	expect(&fault, "no gate for #DF");
	fault.kind = IDT_REAL;
	fault.idt_limit = 8 * 4 + 2;
	expect(&fault, "no gate for #DF");
}

UNIT(an_idt_may_not_be_mapped)
{
	struct double_fault fault = sound;

	fault.gate_mapped = false;
	expect(&fault, "the IDT at 0x5000 is not mapped");
}

UNIT(gates_are_judged_in_the_order_of_the_checks)
{
	struct double_fault fault = sound;

	fault.gate[0] = 0;
	expect(&fault, "type 0x0");
	fault.gate[0] = PRESENT_64 & ~BIT(47);
	expect(&fault, "not present");
	fault.gate[0] = PRESENT_64 & ~BITS(31, 16);
	expect(&fault, "null selector");
}

UNIT(task_and_16bit_gates_are_of_32bit_mode)
{
	struct double_fault fault = sound;

	for (u64 type = 5; type <= 7; type++) {
		fault.gate[0] = (PRESENT_64 & ~BITS(43, 40)) | type << 40;
		fault.kind = IDT_64BIT;
		expect(&fault, "which no gate has");
		fault.kind = IDT_32BIT;
		expect(&fault, "looks sound");
	}
}

UNIT(what_the_delivery_needs_may_not_be_mapped)
{
	struct double_fault fault = sound;

	fault.handler_mapped = false;
	expect(&fault, "handler of #DF, at 0xffff800000001000, is not mapped");
	fault.stack_mapped = false;
	expect(&fault, "below 0x7000, is not mapped");
	fault.tss_mapped = false;
	expect(&fault, "the TSS");
}

UNIT(a_real_mode_vector_is_shown)
{
	struct double_fault fault = sound;

	fault.kind = IDT_REAL;
	fault.gate[0] = 0xf000e987;
	expect(&fault, "f000:e987");
}

UNIT(the_gate_is_at_eight_times_its_size)
{
	struct double_fault fault = sound;

	assert_int_equal(double_fault_gate_address(&fault), 0x5080);
	assert_int_equal(double_fault_stack_index(&fault), 1);
	fault.kind = IDT_32BIT;
	assert_int_equal(double_fault_gate_address(&fault), 0x5040);
	fault.kind = IDT_REAL;
	assert_int_equal(double_fault_gate_address(&fault), 0x5020);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_idt_has_no_gate),
		cmocka_unit_test(an_idt_may_not_be_mapped),
		cmocka_unit_test(gates_are_judged_in_the_order_of_the_checks),
		cmocka_unit_test(task_and_16bit_gates_are_of_32bit_mode),
		cmocka_unit_test(what_the_delivery_needs_may_not_be_mapped),
		cmocka_unit_test(a_real_mode_vector_is_shown),
		cmocka_unit_test(the_gate_is_at_eight_times_its_size),
	};

	return cmocka_run_group_tests_name("vmx/triple_fault", tests, NULL, NULL);
}
