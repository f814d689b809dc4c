/* SPDX-License-Identifier: MIT */
/* What VMX offers, as a guest hypervisor reads it from the capability MSRs; beside lib/vmx.h. */
#ifndef TESTS_GUEST_LIB_VMX_CAPS_H
#define TESTS_GUEST_LIB_VMX_CAPS_H

#include "hv/msr_index.h"
#include "hv/x86.h"
#include "tests/guest/lib/vmx.h"

enum ept_cap {
#define EPT_CAP(bit, name, text) EPT_CAP_BIT_##name = (bit),
#include "vmx/ept_caps.def"
#undef EPT_CAP
};

#define EPT_CAP_MASK(name)        BIT(EPT_CAP_BIT_##name)

#define VMX_BASIC_REVISION        BITS(30, 0)
#define VMX_BASIC_TRUE_CONTROLS   BIT(55)
#define VMX_BASIC_ANY_ERROR_CODE  BIT(56)

#define VMX_MISC_HLT              BIT(6)
#define VMX_MISC_SHUTDOWN         BIT(7)
#define VMX_MISC_WAIT_FOR_SIPI    BIT(8)
#define VMX_MISC_CR3_TARGETS(msr) ((u32)((msr) >> 16) & 0x1ffu)
#define VMX_MISC_VMWRITE_ANY      BIT(29)
#define VMX_MISC_ZERO_LENGTH      BIT(30)

/* 0 where the CPU has neither EPT nor VPID, and so no such MSR. */
static inline u64 vmx_ept_caps(void)
{
	if (!vmx_allows(CONTROL_SET_CPU, CPU_SECONDARY) ||
	    !((vmx_capabilities(CONTROL_SET_CPU2) >> 32) & (CPU2_ENABLE_EPT | CPU2_ENABLE_VPID)))
		return 0;
	return rdmsr(MSR_IA32_VMX_EPT_VPID_CAP);
}

static inline bool vmx_has_ept_caps(u64 mask)
{
	return (vmx_ept_caps() & mask) == mask;
}

static inline bool vmx_has_cpu2(u32 mask)
{
	return vmx_allows(CONTROL_SET_CPU, CPU_SECONDARY) && vmx_allows(CONTROL_SET_CPU2, mask);
}

#endif
