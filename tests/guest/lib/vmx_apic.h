/* SPDX-License-Identifier: MIT */
/* L2s whose local APIC the CPU virtualizes. */
#ifndef TESTS_GUEST_LIB_VMX_APIC_H
#define TESTS_GUEST_LIB_VMX_APIC_H

#include "tests/guest/lib/vmx_l2.h"

#define NEEDS_TPR_SHADOW()    NEEDS_CONTROL(CONTROL_SET_CPU, CPU_TPR_SHADOW)
#define NEEDS_APIC_ACCESSES() NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_APIC_ACCESSES)

/* The current VMCS gets a TPR shadow on a fresh virtual-APIC page, and its CR8 does not exit; or
 * another page of the two kinds. */
static inline u8 *tpr_shadow_on(void)
{
	u64 page = vmx_page();

	vmx_write(VMCS_VIRTUAL_APIC_ADDR, page);
	vmx_write(VMCS_TPR_THRESHOLD, 0);
	control_on(CONTROL_SET_CPU, CPU_TPR_SHADOW);
	return (u8 *)page;
}

static inline u64 apic_accesses_on(void)
{
	u64 page = vmx_page();

	vmx_write(VMCS_APIC_ACCESS_ADDR, page);
	control_on(CONTROL_SET_CPU2, CPU2_APIC_ACCESSES);
	return page;
}

#endif
