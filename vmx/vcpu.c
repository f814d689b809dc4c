/* SPDX-License-Identifier: MIT */
/* The state of a vCPU that no VMCS holds. */
#include "vmx/vcpu.h"
#include "hv/msr_index.h"
#include "hv/x86.h"

#define APIC_BASE_ADDRESS        0xfee00000u
#define MISC_ENABLE_FAST_STRINGS BIT(0)
#define MISC_ENABLE_NO_BTS       BIT(11)
#define MISC_ENABLE_NO_PEBS      BIT(12)

void vcpu_reset(struct vcpu *v)
{
	v->apic_base = APIC_BASE_ADDRESS | (v->index == 0 ? APIC_BASE_BSP : 0);
	v->misc_enable = MISC_ENABLE_FAST_STRINGS | MISC_ENABLE_NO_BTS | MISC_ENABLE_NO_PEBS;
	v->cr8 = 0;
	v->tsc_offset = 0;
	v->cpuid = (struct cpuid_context){ .xcr0 = XCR0_X87, .apic_id = v->index };
	if (read_cr4() & CR4_OSXSAVE)
		xsetbv(0, v->cpuid.xcr0);
}
