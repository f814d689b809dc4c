/* SPDX-License-Identifier: MIT */
/* Fields of vmcs12 by encoding. */
#include "vmx/nested/vmcs12.h"
#include "vmx/caps.h"
#include "vmx/nested/vmx_error.h"

/* What VMWRITE leaves of a segment's access rights, as processors do (bits 11:8 are reserved). */
#define ACCESS_RIGHTS_KEPT 0x1f0ffULL
#define HIGH_HALF          BITS(63, 32)

bool vmcs12_has_field(const struct vmx_caps *l1, const struct vmcs_field_info *field)
{
	return (l1->allowed1[field->set] & field->control) == field->control;
}

const struct vmcs_field_info *vmcs12_find(const struct vmx_caps *l1, u64 encoding)
{
	const struct vmcs_field_info *field = vmcs_field_find(encoding);

	return field && vmcs12_has_field(l1, field) ? field : NULL;
}

static bool is_access_rights(u32 encoding)
{
	return encoding >= VMCS_GUEST_AR_ES && encoding <= VMCS_GUEST_AR_TR;
}

u32 vmcs12_read(const struct vmcs12 *v12, const struct vmx_caps *l1, u64 encoding, u64 *value)
{
	const struct vmcs_field_info *field = vmcs12_find(l1, encoding);

	if (!field)
		return VMX_ERROR_UNSUPPORTED_FIELD;
	*value = vmcs12_get(v12, field, encoding);
	return 0;
}

/* What the field can hold of a value. */
static u64 fitting(const struct vmcs_field_info *field, u64 value)
{
	if (is_access_rights(field->encoding))
		return value & ACCESS_RIGHTS_KEPT;
	if (field->width == VMCS_W16)
		return (u16)value;
	return field->width == VMCS_W32 ? (u32)value : value;
}

u32 vmcs12_write(struct vmcs12 *v12, const struct vmx_caps *l1, u64 encoding, u64 value)
{
	const struct vmcs_field_info *field = vmcs12_find(l1, encoding);
	u64 *place;

	if (!field)
		return VMX_ERROR_UNSUPPORTED_FIELD;
	if (field->kind == VMCS_EXIT_INFO && !(l1->misc & VMX_MISC_VMWRITE_ANY))
		return VMX_ERROR_READ_ONLY_FIELD;
	place = &v12->fields[vmcs12_row_of(field)];
	if (encoding & VMCS_ENCODING_HIGH)
		value = value << 32 | (*place & ~HIGH_HALF);
	*place = fitting(field, value);
	return 0;
}

void vmcs12_truncate(struct vmcs12 *v12)
{
	for (u32 row = 0; row < VMCS12_ROWS; row++)
		v12->fields[row] = fitting(&vmcs_field_table[row], v12->fields[row]);
}
