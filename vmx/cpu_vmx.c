/* SPDX-License-Identifier: MIT */
/* Switching a CPU into VMX root operation, and the pages that VMX wants. */
#include "vmx/cpu_vmx.h"
#include "hv/cpuid.h"
#include "hv/errno.h"
#include "hv/msr_index.h"
#include "hv/percpu.h"
#include "hv/x86.h"
#include "mm/page.h"
#include "vmx/caps.h"
#include "vmx/nmi_mask.h"
#include "vmx/ops.h"

void *vmcs_alloc(void)
{
	u32 *vmcs = page_alloc(0);

	if (vmcs)
		*vmcs = VMX_BASIC_REVISION(vmx_caps()->basic);
	return vmcs;
}

void vmcs_load_first(void *vmcs)
{
	vmcs_clear(vmcs);
	vmcs_load(vmcs);
}

static int allow_vmxon(void)
{
	u64 control = rdmsr(MSR_IA32_FEATURE_CONTROL);

	if (!(control & FEATURE_CONTROL_LOCKED)) {
		control |= FEATURE_CONTROL_VMXON | FEATURE_CONTROL_LOCKED;
		wrmsr(MSR_IA32_FEATURE_CONTROL, control);
	}
	return control & FEATURE_CONTROL_VMXON ? 0 : -ENOTSUP;
}

/* What the firmware may have left there would be L1's, for which it reads 0 (vmx/exit_msr.c). */
static void clear_xss(void)
{
	if (cpuid(0, 0).eax >= CPUID_LEAF_XSTATE &&
	    (cpuid(CPUID_LEAF_XSTATE, 1).eax & CPUID_D1_EAX_XSAVES))
		wrmsr(MSR_IA32_XSS, 0);
}

int vmx_cpu_enter(void)
{
	const struct vmx_caps *caps = vmx_caps();
	int error = allow_vmxon();
	void *region;

	if (error)
		return error;
	region = vmcs_alloc();
	if (!region)
		return -ENOMEM;
	write_cr0((read_cr0() | caps->cr0_fixed0) & caps->cr0_fixed1);
	write_cr4((read_cr4() | caps->cr4_fixed0) & caps->cr4_fixed1);
	clear_xss();
	vmx_on(page_to_hpa(region));
	this_cpu()->vmxon_region = region;
	return nmi_mask_create();
}
