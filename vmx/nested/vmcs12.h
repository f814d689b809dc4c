/* SPDX-License-Identifier: MIT */
/*
 * vmcs12: a VMCS as L1 wrote it. It lives in L1's memory (the VMCS region, in L0's own layout,
 * known by its revision identifier) and, while L1 may use it, as a copy in L0. Only the copy is
 * ever checked or used. Each field takes 64 bits, so that VMREAD and VMWRITE are the same for all.
 */
#ifndef VMX_NESTED_VMCS12_H
#define VMX_NESTED_VMCS12_H

#include "vmx/nested/vmx_error.h"
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

/* The fields that L1 has, by encoding. */
#define VMCS12_ENCODINGS 0x7000u /* that are not reserved */
struct vmcs12_index {
	u8 row_after[VMCS12_ENCODINGS / 2]; /* 1 + row, by the full access; 0: none */
	bool writes_exit_info;
};
void vmcs12_index_build(struct vmcs12_index *index, const struct vmx_caps *l1);

/* The row of an encoding, VMCS12_ROWS where L1 has no such field. */
static inline u32 vmcs12_row(const struct vmcs12_index *index, u64 encoding)
{
	u32 found = encoding < VMCS12_ENCODINGS ? index->row_after[encoding / 2] : 0;

	if (unlikely(!found || ((encoding & VMCS_ENCODING_HIGH) &&
				VMCS_ENCODING_WIDTH(encoding) != VMCS_W64)))
		return VMCS12_ROWS;
	return found - 1;
}

/* The bits that a row's field can hold. */
extern const u64 vmcs12_masks[VMCS12_ROWS] __attribute__((visibility("hidden")));

/* A field by its row and by how the encoding accesses it. */
static inline u64 vmcs12_get(const struct vmcs12 *v12, u32 row, u64 encoding)
{
	u64 value = v12->fields[row];

	return unlikely(encoding & VMCS_ENCODING_HIGH) ? value >> 32 : value;
}

static inline void vmcs12_put(struct vmcs12 *v12, u32 row, u64 encoding, u64 value)
{
	if (unlikely(encoding & VMCS_ENCODING_HIGH))
		value = value << 32 | (u32)v12->fields[row];
	v12->fields[row] = value & vmcs12_masks[row];
}

/* Whether VMREAD, or VMWRITE, of this row is refused: 0, or the VM-instruction error (12, 13). */
static inline u32 vmcs12_read_error(u32 row)
{
	return unlikely(row == VMCS12_ROWS) ? VMX_ERROR_UNSUPPORTED_FIELD : 0;
}

static inline u32 vmcs12_write_error(const struct vmcs12_index *index, u32 row, u64 encoding)
{
	if (unlikely(VMCS_ENCODING_KIND(encoding) == VMCS_EXIT_INFO && !index->writes_exit_info &&
		     row != VMCS12_ROWS))
		return VMX_ERROR_READ_ONLY_FIELD;
	return vmcs12_read_error(row);
}

/* A copy from L1's memory may hold anything: no bits above a field's width stay. */
void vmcs12_truncate(struct vmcs12 *v12);

_Static_assert(sizeof(struct vmcs12) <= 4096, "the size of a VMCS region");

#endif
