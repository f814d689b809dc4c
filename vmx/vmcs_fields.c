/* SPDX-License-Identifier: MIT */
/*
 * The table of VMCS fields and the way from an encoding to its row.
 * A duplicate row does not compile: its encoding or its name would initialize
 * the same element twice (-Woverride-init) or the same enumerator.
 */
#include "vmx/vmcs_fields.h"

#define FIELD(width, encoding, name, shadow, exists)                                              \
	_Static_assert(VMCS_##width == VMCS_ENCODING_WIDTH(encoding), #name ": width");           \
	_Static_assert(((encoding) & ~0x6ffeu) == 0, #name ": reserved or access-type bits set"); \
	_Static_assert(VMCS_ENCODING_INDEX(encoding) < VMCS_GROUP_INDICES, #name ": index");      \
	_Static_assert(VMCS_SHADOW_##shadow != VMCS_SHADOW_RW ||                                  \
			       VMCS_ENCODING_KIND(encoding) != VMCS_EXIT_INFO,                    \
		       #name ": exit information is read-only");
#include "vmx/vmcs_fields.def"
#undef FIELD

enum vmcs_row {
#define FIELD(width, encoding, name, shadow, exists) ROW_##name,
#include "vmx/vmcs_fields.def"
#undef FIELD
	ROWS
};

#define ALWAYS           .control = 0
#define WITH(set_, name) .set = CONTROL_SET_##set_, .control = CONTROL_NAME_##set_(name)
const struct vmcs_field_info vmcs_field_table[] = {
#define FIELD(width_, encoding_, name_, shadow_, exists_)        \
	[ROW_##name_] = { .name = #name_,                        \
			  .encoding = (encoding_),               \
			  .width = VMCS_##width_,                \
			  .kind = VMCS_ENCODING_KIND(encoding_), \
			  .shadow = VMCS_SHADOW_##shadow_,       \
			  exists_ },
#include "vmx/vmcs_fields.def"
#undef FIELD
};
#undef ALWAYS
#undef WITH

const u32 vmcs_field_count = ROWS;

/* 1 + the row of each slot; 0: no such field. */
_Static_assert(ROWS < 255, "rows fit a byte");
static const u8 row_of_slot[VMCS_SLOTS] = {
#define FIELD(width, encoding, name, shadow, exists) [VMCS_SLOT(encoding)] = 1 + ROW_##name,
#include "vmx/vmcs_fields.def"
#undef FIELD
};

const struct vmcs_field_info *vmcs_field_find(u64 encoding)
{
	const struct vmcs_field_info *field;
	u32 row;

	if ((encoding & ~0x6fffULL) || VMCS_ENCODING_INDEX(encoding) >= VMCS_GROUP_INDICES)
		return NULL;
	row = row_of_slot[VMCS_SLOT(encoding)];
	if (row == 0)
		return NULL;
	field = &vmcs_field_table[row - 1];
	if ((encoding & VMCS_ENCODING_HIGH) && field->width != VMCS_W64)
		return NULL;
	return field;
}

const char *vmcs_field_name(u64 encoding)
{
	const struct vmcs_field_info *field = vmcs_field_find(encoding);

	return field ? field->name : "unknown field";
}
