/* SPDX-License-Identifier: MIT */
/* VMX operation of a physical CPU. */
#ifndef VMX_CPU_VMX_H
#define VMX_CPU_VMX_H

#include "mm/page.h"
#include "vmx/ops.h"

/*
 * Enter VMX root operation on this CPU: IA32_FEATURE_CONTROL is set and locked
 * where the firmware left it open; CR0 and CR4 get their fixed bits. 0,
 * -ENOMEM, or -ENOTSUP when FEATURE_CONTROL is locked without VMX.
 */
int vmx_cpu_enter(void);

/* A fresh VMCS page: zeroed, with the revision identifier; NULL when the host pool is empty. */
void *vmcs_alloc(void);
/* Make it current on this CPU, where it is not yet. It was loaded here first. */
static inline void vmcs_load(void *vmcs)
{
	if (THIS_CPU_FIELD(current_vmcs) == vmcs)
		return;
	counter_inc(CTR_VMPTRLD);
	vmx_vmptrld(page_to_hpa(vmcs));
	THIS_CPU_FIELD(current_vmcs) = vmcs;
}
/* VMCLEAR it on this CPU: its page holds all of it, and any CPU may load it. */
static inline void vmcs_clear(void *vmcs)
{
	counter_inc(CTR_VMCLEAR);
	vmx_vmclear(page_to_hpa(vmcs));
	if (THIS_CPU_FIELD(current_vmcs) == vmcs)
		THIS_CPU_FIELD(current_vmcs) = NULL;
}
/* VMCLEAR it and make it current on this CPU. */
void vmcs_load_first(void *vmcs);

#endif
