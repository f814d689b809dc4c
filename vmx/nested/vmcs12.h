/* SPDX-License-Identifier: MIT */
/*
 * vmcs12: a VMCS as L1 wrote it. It lives in L1's memory (the VMCS region, in L0's own layout,
 * known by its revision identifier) and, while L1 may use it, as a copy in L0. Only the copy is
 * ever checked or used. Each field takes 64 bits, so that VMREAD and VMWRITE are the same for all.
 */
#ifndef VMX_NESTED_VMCS12_H
#define VMX_NESTED_VMCS12_H

#include "vmx/vmcs_fields.h"

#define VMCS12_REVISION 0x4e535431u /* "1TSN": not a number that a CPU has */

enum vmcs12_row {
#define FIELD(width, encoding, name, shadow, exists) VMCS12_ROW_##name,
#include "vmx/vmcs_fields.def"
#undef FIELD
	VMCS12_ROWS
};

/* Named as in the table: v12->GUEST_RIP is v12->fields[VMCS12_ROW_GUEST_RIP]. */
struct vmcs12 {
	u32 revision; /* bit 31: a shadow VMCS */
	u32 abort;    /* VMX-abort indicator */
	u32 launched;
	u32 reserved;
	union {
		u64 fields[VMCS12_ROWS];
		struct {
#define FIELD(width, encoding, name, shadow, exists) u64 name;
#include "vmx/vmcs_fields.def"
#undef FIELD
		};
	};
};

struct vmx_caps;

/* Whether L1, with these capabilities, has the field. */
bool vmcs12_has_field(const struct vmx_caps *l1, const struct vmcs_field_info *field);

/* The field of an encoding; NULL: L1 has none. */
const struct vmcs_field_info *vmcs12_find(const struct vmx_caps *l1, u64 encoding);
static inline u32 vmcs12_row_of(const struct vmcs_field_info *field)
{
	return (u32)(field - vmcs_field_table);
}

/* A field that L1 has, by the encoding that found it. */
static inline u64 vmcs12_get(const struct vmcs12 *v12, const struct vmcs_field_info *field,
			     u64 encoding)
{
	u64 value = v12->fields[vmcs12_row_of(field)];

	return encoding & VMCS_ENCODING_HIGH ? value >> 32 : value;
}

/* What VMREAD and VMWRITE do to the copy: 0, or the VM-instruction error (12 and 13). */
u32 vmcs12_read(const struct vmcs12 *v12, const struct vmx_caps *l1, u64 encoding, u64 *value);
u32 vmcs12_write(struct vmcs12 *v12, const struct vmx_caps *l1, u64 encoding, u64 value);

/* A copy from L1's memory may hold anything: no bits above a field's width stay. */
void vmcs12_truncate(struct vmcs12 *v12);

_Static_assert(sizeof(struct vmcs12) <= 4096, "the size of a VMCS region");

#endif
