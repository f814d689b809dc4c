/* SPDX-License-Identifier: MIT */
/* VMREAD and VMWRITE of any encoding, from the steps that their exits are made of. */
#ifndef VMCS12_ACCESS_H
#define VMCS12_ACCESS_H

#include "vmx/nested/vmcs12.h"

/* 0, or the VM-instruction error. */
static inline u32 vmcs12_read(const struct vmcs12 *v12, const struct vmcs12_index *index,
			      u64 encoding, u64 *value)
{
	u32 row = vmcs12_row(index, encoding);
	u32 error = vmcs12_read_error(row);

	if (!error)
		*value = vmcs12_get(v12, row, encoding);
	return error;
}

static inline u32 vmcs12_write(struct vmcs12 *v12, const struct vmcs12_index *index, u64 encoding,
			       u64 value)
{
	u32 row = vmcs12_row(index, encoding);
	u32 error = vmcs12_write_error(index, row, encoding);

	if (!error)
		vmcs12_put(v12, row, encoding, value);
	return error;
}

#endif
