/* SPDX-License-Identifier: MIT */
/* Host double of vmx/ops.h: one VMCS, whose fields the test sets and looks at. */
#ifndef VMX_OPS_H
#define VMX_OPS_H

#include "hv/percpu.h"
#include "vmx/vmcs_fields.h"

extern u64 host_vmcs[VMCS_SLOTS];

static inline u64 vmcs_read(enum vmcs_field field)
{
	counter_inc(CTR_VMREAD);
	return host_vmcs[VMCS_SLOT(field)];
}

static inline void vmcs_write(enum vmcs_field field, u64 value)
{
	counter_inc(CTR_VMWRITE);
	host_vmcs[VMCS_SLOT(field)] = value;
}

#endif
