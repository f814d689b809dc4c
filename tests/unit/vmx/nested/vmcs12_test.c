/* SPDX-License-Identifier: MIT */
/* VMREAD and VMWRITE on the copy: every field, both halves, and what does not exist. */
#include "unit.h"
#include "vmcs12_access.h"
#include "hv/string.h"
#include "vmx/caps.h"
#include "vmx/nested/vmcs12.h"
#include "vmx/nested/vmx_error.h"

#define PATTERN 0xa5b6c7d8e9f01234ULL

static struct vmcs12 v12;
static struct vmx_caps everything;
static struct vmcs12_index all, none;

static int setup(void **state)
{
	const struct vmx_caps nothing = { 0 };

	(void)state;
	memset(&v12, 0, sizeof(v12));
	memset(&everything, 0xff, sizeof(everything));
	vmcs12_index_build(&none, &nothing);
	vmcs12_index_build(&all, &everything);
	return 0;
}

static u64 kept(const struct vmcs_field_info *field)
{
	if (field->encoding >= VMCS_GUEST_AR_ES && field->encoding <= VMCS_GUEST_AR_TR)
		return PATTERN & 0x1f0ff;
	if (field->width == VMCS_W16)
		return (u16)PATTERN;
	return field->width == VMCS_W32 ? (u32)PATTERN : PATTERN;
}

UNIT(every_field_reads_back_what_its_width_holds)
{
	u64 value = 0;

	for (u32 i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];

		assert_int_equal(vmcs12_write(&v12, &all, field->encoding, PATTERN), 0);
		assert_int_equal(vmcs12_read(&v12, &all, field->encoding, &value), 0);
		assert_int_equal(value, kept(field));
	}
}

UNIT(a_write_changes_its_field_only)
{
	for (u32 i = 0; i < vmcs_field_count; i++) {
		memset(&v12, 0, sizeof(v12));
		vmcs12_write(&v12, &all, vmcs_field_table[i].encoding, PATTERN);
		for (u32 j = 0; j < VMCS12_ROWS; j++)
			assert_int_equal(v12.fields[j] != 0, i == j);
	}
}

UNIT(halves_of_64bit_fields)
{
	u64 value = 0;

	v12.TSC_OFFSET = 0x1111111122222222ULL;
	assert_int_equal(vmcs12_read(&v12, &all, VMCS_TSC_OFFSET + 1, &value), 0);
	assert_int_equal(value, 0x11111111);
	assert_int_equal(vmcs12_write(&v12, &all, VMCS_TSC_OFFSET + 1, 0x133333333ULL), 0);
	assert_int_equal(v12.TSC_OFFSET, 0x3333333322222222ULL);
	assert_int_equal(vmcs12_write(&v12, &all, VMCS_TSC_OFFSET, 5), 0);
	assert_int_equal(v12.TSC_OFFSET, 5);
}

UNIT(no_high_half_of_other_widths)
{
	u64 value = 0;

	assert_int_equal(vmcs12_read(&v12, &all, VMCS_GUEST_RIP + 1, &value),
			 VMX_ERROR_UNSUPPORTED_FIELD);
	assert_int_equal(vmcs12_write(&v12, &all, VMCS_EXIT_REASON + 1, 0),
			 VMX_ERROR_UNSUPPORTED_FIELD);
}

UNIT(reserved_bits_of_an_encoding_name_no_field)
{
	u64 value = 0;

	assert_int_equal(vmcs12_read(&v12, &all, VMCS_GUEST_RIP | BIT(12), &value),
			 VMX_ERROR_UNSUPPORTED_FIELD);
	assert_int_equal(vmcs12_read(&v12, &all, VMCS_GUEST_RIP | BIT(15), &value),
			 VMX_ERROR_UNSUPPORTED_FIELD);
	assert_int_equal(vmcs12_read(&v12, &all, VMCS_GUEST_RIP | BIT(63), &value),
			 VMX_ERROR_UNSUPPORTED_FIELD);
}

UNIT(exit_information_is_read_only_without_the_capability)
{
	u64 value = 0;

	everything.misc &= ~(u64)VMX_MISC_VMWRITE_ANY;
	vmcs12_index_build(&all, &everything);
	for (u32 i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];
		u32 expected = field->kind == VMCS_EXIT_INFO ? VMX_ERROR_READ_ONLY_FIELD : 0;

		assert_int_equal(vmcs12_write(&v12, &all, field->encoding, 1), expected);
		assert_int_equal(vmcs12_read(&v12, &all, field->encoding, &value), 0);
	}
}

UNIT(an_unsupported_field_comes_before_a_read_only_one)
{
	assert_int_equal(vmcs12_write(&v12, &none, VMCS_GUEST_PHYSICAL_ADDR, 0),
			 VMX_ERROR_UNSUPPORTED_FIELD);
	assert_int_equal(vmcs12_write(&v12, &none, VMCS_EXIT_REASON, 0), VMX_ERROR_READ_ONLY_FIELD);
}

UNIT(fields_of_a_control_come_and_go_with_it)
{
	u64 value = 0;

	for (u32 i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];
		struct vmx_caps caps = everything;
		struct vmcs12_index without;

		if (!field->control)
			continue;
		assert_int_equal(vmcs12_read(&v12, &none, field->encoding, &value),
				 VMX_ERROR_UNSUPPORTED_FIELD);
		caps.allowed1[field->set] &= ~field->control;
		vmcs12_index_build(&without, &caps);
		assert_int_equal(vmcs12_write(&v12, &without, field->encoding, 1),
				 VMX_ERROR_UNSUPPORTED_FIELD);
	}
	assert_int_equal(vmcs12_read(&v12, &none, VMCS_GUEST_RIP, &value), 0);
}

/* All encodings that 16 bits can spell, and some above: a row is found by its encoding, by that of
 * its high half where it has one, and by no other. */
UNIT(each_row_is_found_by_its_encodings_only)
{
	for (u64 encoding = 0; encoding < 0x10000; encoding++) {
		const struct vmcs_field_info *field = vmcs_field_find(encoding);
		u32 row = field ? (u32)(field - vmcs_field_table) : VMCS12_ROWS;

		assert_int_equal(vmcs12_row(&all, encoding), row);
		assert_int_equal(vmcs12_row(&all, encoding | BIT(32)), VMCS12_ROWS);
		assert_int_equal(vmcs12_row(&all, encoding | BIT(16)), VMCS12_ROWS);
		assert_int_equal(vmcs12_row(&none, encoding),
				 field && field->control ? VMCS12_ROWS : row);
	}
}

UNIT(no_bits_that_a_field_cannot_hold_come_from_memory)
{
	memset(v12.fields, 0xff, sizeof(v12.fields));
	vmcs12_truncate(&v12);
	for (u32 row = 0; row < VMCS12_ROWS; row++) {
		struct vmcs12 written = { 0 };

		vmcs12_write(&written, &all, vmcs_field_table[row].encoding, ~0ULL);
		assert_int_equal(v12.fields[row], written.fields[row]);
	}
	v12.GUEST_RIP = PATTERN;
	v12.GUEST_SEL_CS = 8;
	vmcs12_truncate(&v12);
	assert_int_equal(v12.GUEST_RIP, PATTERN);
	assert_int_equal(v12.GUEST_SEL_CS, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_field_reads_back_what_its_width_holds, setup),
		cmocka_unit_test_setup(a_write_changes_its_field_only, setup),
		cmocka_unit_test_setup(halves_of_64bit_fields, setup),
		cmocka_unit_test_setup(no_high_half_of_other_widths, setup),
		cmocka_unit_test_setup(reserved_bits_of_an_encoding_name_no_field, setup),
		cmocka_unit_test_setup(exit_information_is_read_only_without_the_capability, setup),
		cmocka_unit_test_setup(an_unsupported_field_comes_before_a_read_only_one, setup),
		cmocka_unit_test_setup(fields_of_a_control_come_and_go_with_it, setup),
		cmocka_unit_test_setup(each_row_is_found_by_its_encodings_only, setup),
		cmocka_unit_test_setup(no_bits_that_a_field_cannot_hold_come_from_memory, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
