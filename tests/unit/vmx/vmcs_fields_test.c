/* SPDX-License-Identifier: MIT */
/* The table of VMCS fields against the facts that the SDM's appendix gives about its encodings. */
#include "unit.h"
#include "vmx/vmcs_fields.h"

UNIT(every_row_is_found_by_its_encoding)
{
	assert_true(vmcs_field_count > 150);
	for (u32 i = 0; i < vmcs_field_count; i++)
		assert_ptr_equal(vmcs_field_find(vmcs_field_table[i].encoding),
				 &vmcs_field_table[i]);
}

UNIT(rows_stand_in_the_order_of_the_appendix)
{
	for (u32 i = 1; i < vmcs_field_count; i++)
		assert_true(vmcs_field_table[i - 1].encoding < vmcs_field_table[i].encoding);
}

UNIT(exactly_the_rows_are_found)
{
	u32 full = 0, high = 0, wide = 0;

	for (u32 encoding = 0; encoding < 0x20000; encoding++) {
		if (!vmcs_field_find(encoding))
			continue;
		if (encoding & VMCS_ENCODING_HIGH)
			high++;
		else
			full++;
	}
	for (u32 i = 0; i < vmcs_field_count; i++)
		wide += vmcs_field_table[i].width == VMCS_W64;
	assert_int_equal(full, vmcs_field_count);
	assert_int_equal(high, wide);
}

UNIT(a_high_half_exists_for_64_bit_fields_only)
{
	assert_string_equal(vmcs_field_name(VMCS_EPT_POINTER | 1), "EPT_POINTER");
	assert_null(vmcs_field_find(VMCS_VPID | 1));
	assert_null(vmcs_field_find(VMCS_PIN_CONTROLS | 1));
	assert_null(vmcs_field_find(VMCS_GUEST_RIP | 1));
}

UNIT(width_and_kind_follow_from_the_encoding)
{
	const struct vmcs_field_info *reason = vmcs_field_find(0x4402);
	const struct vmcs_field_info *rip = vmcs_field_find(0x681e);
	const struct vmcs_field_info *host_tr = vmcs_field_find(0x0c0c);
	const struct vmcs_field_info *eptp = vmcs_field_find(0x201a);

	assert_string_equal(reason->name, "EXIT_REASON");
	assert_int_equal(reason->width, VMCS_W32);
	assert_int_equal(reason->kind, VMCS_EXIT_INFO);
	assert_string_equal(rip->name, "GUEST_RIP");
	assert_int_equal(rip->width, VMCS_WN);
	assert_int_equal(rip->kind, VMCS_GUEST_STATE);
	assert_string_equal(host_tr->name, "HOST_SEL_TR");
	assert_int_equal(host_tr->width, VMCS_W16);
	assert_int_equal(host_tr->kind, VMCS_HOST_STATE);
	assert_string_equal(eptp->name, "EPT_POINTER");
	assert_int_equal(eptp->width, VMCS_W64);
	assert_int_equal(eptp->kind, VMCS_CONTROL);
}

UNIT(reserved_bits_and_large_indices_name_no_field)
{
	assert_null(vmcs_field_find(0x1000));                  /* bit 12 */
	assert_null(vmcs_field_find(0x8000));                  /* bit 15 */
	assert_null(vmcs_field_find(0x100000000ULL | 0x681e)); /* bit 32 */
	assert_null(vmcs_field_find(VMCS_GROUP_INDICES * 2));  /* the next group's slot */
	assert_null(vmcs_field_find(0x482c));                  /* a gap between two fields */
	assert_string_equal(vmcs_field_name(0x482c), "unknown field");
}

UNIT(the_newest_known_indices_fit_a_group)
{
	assert_true(VMCS_ENCODING_INDEX(0x2052) == 41);
	assert_true(VMCS_ENCODING_INDEX(0x2052) < VMCS_GROUP_INDICES);
}

UNIT(at_most_eight_fields_of_each_class_are_shadowed)
{
	u32 count[3] = { 0 };

	for (u32 i = 0; i < vmcs_field_count; i++)
		count[vmcs_field_table[i].shadow]++;
	assert_in_range(count[VMCS_SHADOW_RO], 1, 8);
	assert_in_range(count[VMCS_SHADOW_RW], 1, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_found_by_its_encoding),
		cmocka_unit_test(rows_stand_in_the_order_of_the_appendix),
		cmocka_unit_test(exactly_the_rows_are_found),
		cmocka_unit_test(a_high_half_exists_for_64_bit_fields_only),
		cmocka_unit_test(width_and_kind_follow_from_the_encoding),
		cmocka_unit_test(reserved_bits_and_large_indices_name_no_field),
		cmocka_unit_test(the_newest_known_indices_fit_a_group),
		cmocka_unit_test(at_most_eight_fields_of_each_class_are_shadowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
