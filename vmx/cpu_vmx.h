/* SPDX-License-Identifier: MIT */
/* VMX operation of a physical CPU. */
#ifndef VMX_CPU_VMX_H
#define VMX_CPU_VMX_H

#include "mm/addr.h"

/*
 * Enter VMX root operation on this CPU: IA32_FEATURE_CONTROL is set and locked
 * where the firmware left it open; CR0 and CR4 get their fixed bits. 0,
 * -ENOMEM, or -ENOTSUP when FEATURE_CONTROL is locked without VMX.
 */
int vmx_cpu_enter(void);

/* A fresh VMCS page: zeroed, with the revision identifier; NULL when the host pool is empty. */
void *vmcs_alloc(void);
/* Make it current on this CPU, where it is not yet. It was loaded here first. */
void vmcs_load(void *vmcs);
/* VMCLEAR it on this CPU: its page holds all of it, and any CPU may load it. */
void vmcs_clear(void *vmcs);
/* VMCLEAR it and make it current on this CPU. */
void vmcs_load_first(void *vmcs);

#endif
