/* SPDX-License-Identifier: MIT */
/*
 * VMCS fields as data: their encodings (VMCS_<NAME>), and a constant table with what the encoding
 * implies. Everything here comes from vmcs_fields.def.
 */
#ifndef VMX_VMCS_FIELDS_H
#define VMX_VMCS_FIELDS_H

#include "vmx/controls.h"

enum vmcs_field {
#define FIELD(width, encoding, name, shadow, exists) VMCS_##name = (encoding),
#include "vmx/vmcs_fields.def"
#undef FIELD
};

/* The values are those of the encoding's bits 14:13. */
enum vmcs_width { VMCS_W16 = 0, VMCS_W64 = 1, VMCS_W32 = 2, VMCS_WN = 3 };

/* The values are those of the encoding's bits 11:10. */
enum vmcs_kind { VMCS_CONTROL = 0, VMCS_EXIT_INFO = 1, VMCS_GUEST_STATE = 2, VMCS_HOST_STATE = 3 };

enum vmcs_shadow { VMCS_SHADOW_NONE, VMCS_SHADOW_RO, VMCS_SHADOW_RW };

struct vmcs_field_info {
	const char *name; /* without the VMCS_ */
	u16 encoding;     /* of the full access */
	u8 width;         /* enum vmcs_width */
	u8 kind;          /* enum vmcs_kind */
	u8 shadow;        /* enum vmcs_shadow */
	u8 set;           /* enum control_set of what follows */
	u32 control;      /* it exists only where this control is offered; 0: always */
};

#define VMCS_ENCODING_HIGH       1u /* access type: the high half of a 64-bit field */
#define VMCS_ENCODING_WIDTH(enc) (((enc) >> 13) & 3u)
#define VMCS_ENCODING_KIND(enc)  (((enc) >> 10) & 3u)
#define VMCS_ENCODING_INDEX(enc) (((enc) >> 1) & 0x1ffu)

/*
 * A dense number for each field: 16 groups (width, kind) of 64 indices. The architecture allows 512
 * indices a group, 32 would be too few for the newest fields; that every row fits is asserted.
 */
#define VMCS_GROUP_INDICES       64u
#define VMCS_SLOTS               (16u * VMCS_GROUP_INDICES)
#define VMCS_SLOT(enc)                                                                    \
	((VMCS_ENCODING_WIDTH(enc) * 4u + VMCS_ENCODING_KIND(enc)) * VMCS_GROUP_INDICES + \
	 VMCS_ENCODING_INDEX(enc))

/* All fields in the order of their encodings' groups; vmcs_field_count of them. */
extern const struct vmcs_field_info vmcs_field_table[];
extern const u32 vmcs_field_count;

/*
 * The row of an encoding, NULL if it names no field. The odd encoding of a 64-bit field (its high
 * half) finds the field; an odd encoding of any other width names none.
 */
const struct vmcs_field_info *vmcs_field_find(u64 encoding);

/* "GUEST_RIP", or "unknown field". */
const char *vmcs_field_name(u64 encoding);

#endif
