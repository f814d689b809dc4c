/* SPDX-License-Identifier: MIT */
/* Which fields L1 has, and what they can hold. */
#include "vmx/nested/vmcs12.h"
#include "hv/string.h"
#include "vmx/caps.h"

/* VMWRITE to a segment's access rights leaves what processors keep (bits 11:8 are reserved). */
#define ACCESS_RIGHTS_KEPT 0x1f0ffULL
#define MASK_W16           BITS(15, 0)
#define MASK_W32           BITS(31, 0)
#define MASK_W64           (~0ULL)
#define MASK_WN            (~0ULL)

const u64 vmcs12_masks[VMCS12_ROWS] = {
#define FIELD(width, encoding, name, shadow, exists)                                           \
	[VMCS12_ROW_##name] = (encoding) >= VMCS_GUEST_AR_ES && (encoding) <= VMCS_GUEST_AR_TR \
				      ? ACCESS_RIGHTS_KEPT                                     \
				      : MASK_##width,
#include "vmx/vmcs_fields.def"
#undef FIELD
};

bool vmcs12_has_field(const struct vmx_caps *l1, const struct vmcs_field_info *field)
{
	return (l1->allowed1[field->set] & field->control) == field->control;
}

void vmcs12_index_build(struct vmcs12_index *index, const struct vmx_caps *l1)
{
	memset(index, 0, sizeof(*index));
	index->writes_exit_info = l1->misc & VMX_MISC_VMWRITE_ANY;
	for (u32 row = 0; row < VMCS12_ROWS; row++)
		if (vmcs12_has_field(l1, &vmcs_field_table[row]))
			index->row_after[vmcs_field_table[row].encoding / 2] = (u8)(row + 1);
}

void vmcs12_truncate(struct vmcs12 *v12)
{
	for (u32 row = 0; row < VMCS12_ROWS; row++)
		v12->fields[row] &= vmcs12_masks[row];
}
