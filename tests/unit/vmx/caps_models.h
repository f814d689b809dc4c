/* SPDX-License-Identifier: MIT */
/*
 * VMX capability MSRs of Bochs 2.7's CPU models. What the models share, and the lows of exit and
 * entry controls (the SDM's default1 class), are filled in by caps_model_load().
 */
#ifndef TESTS_UNIT_VMX_CAPS_MODELS_H
#define TESTS_UNIT_VMX_CAPS_MODELS_H

#include "hv/msr_index.h"
#include "hv/x86.h"

struct caps_model {
	const char *name;
	u32 revision;
	bool any_error_code; /* BASIC[56] */
	u32 pin;             /* allowed-1 */
	u32 cpu;
	u32 cpu2;
	u32 exit;
	u32 entry;
	u64 ept_vpid; /* 0: reading the MSR raises #GP */
	u32 misc;
};

enum { TIGERLAKE, ICELAKE, SKYLAKE_X, HASWELL, SANDY_BRIDGE, ARRANDALE, PENRYN, CAPS_MODELS };

static const struct caps_model caps_models[CAPS_MODELS] = {
	[TIGERLAKE] = { "tigerlake", 4, true, 0x7f, 0xfff9fffe, 0x02977fff, 0x107fffff, 0x0010ffff,
			0xf0106b34141, 0x600401e0 },
	[ICELAKE] = { "corei7_icelake_u", 4, false, 0x7f, 0xfff9fffe, 0x02977fff, 0x007fffff,
		      0x0000ffff, 0xf0106334141, 0x600401e0 },
	[SKYLAKE_X] = { "corei7_skylake_x", 0x2b, false, 0x7f, 0xf7f9fffe, 0x02177fff, 0x007fffff,
			0x0000ffff, 0xf0106334141, 0x600401e0 },
	[HASWELL] = { "corei7_haswell_4770", 0x2b, false, 0x7f, 0xf7f9fffe, 0x00047fff, 0x007fffff,
		      0x0000ffff, 0xf0106334141, 0x200401e0 },
	[SANDY_BRIDGE] = { "corei7_sandy_bridge_2600k", 0x2b, false, 0x7f, 0xf7f9fffe, 0x000000ff,
			   0x007fffff, 0x0000ffff, 0xf0106114141, 0x000401e0 },
	[ARRANDALE] = { "corei5_arrandale_m520", 0x2b, false, 0x7f, 0xf7f9fffe, 0x000000ff,
			0x007fffff, 0x0000ffff, 0xf0106114141, 0x000401e0 },
	[PENRYN] = { "core2_penryn_t9600", 0x2b, false, 0x3f, 0xf7f9fffe, 0x00000041, 0x0003ffff,
		     0x00003fff, 0, 0x000401e0 },
};

static inline u64 caps_pair(u32 allowed1, u32 allowed0)
{
	return (u64)allowed1 << 32 | allowed0;
}

static inline void caps_model_load_controls(const struct caps_model *model)
{
	host_msr_set(MSR_IA32_VMX_PINBASED, caps_pair(model->pin, 0x16));
	host_msr_set(MSR_IA32_VMX_PROCBASED, caps_pair(model->cpu, 0x0401e172));
	host_msr_set(MSR_IA32_VMX_EXIT, caps_pair(model->exit, 0x36dff));
	host_msr_set(MSR_IA32_VMX_ENTRY, caps_pair(model->entry, 0x11ff));
	host_msr_set(MSR_IA32_VMX_TRUE_PINBASED, caps_pair(model->pin, 0x16));
	host_msr_set(MSR_IA32_VMX_TRUE_PROCBASED, caps_pair(model->cpu, 0x04006172));
	host_msr_set(MSR_IA32_VMX_TRUE_EXIT, caps_pair(model->exit, 0x36dfb));
	host_msr_set(MSR_IA32_VMX_TRUE_ENTRY, caps_pair(model->entry, 0x11fb));
	host_msr_set(MSR_IA32_VMX_PROCBASED2, caps_pair(model->cpu2, 0));
}

/* A CPU of this model, before anybody wrote FEATURE_CONTROL.
 * Absent MSRs stay unset: reading one ends the test. */
static inline void caps_model_load(const struct caps_model *model)
{
	host_x86_reset();
	host_cpuid_set(0, 0, (struct cpuid_regs){ .eax = 0x16 });
	host_cpuid_set(1, 0, (struct cpuid_regs){ .ecx = 1u << 5 });
	host_cpuid_set(0x80000000, 0, (struct cpuid_regs){ .eax = 0x80000008 });
	host_cpuid_set(0x80000001, 0, (struct cpuid_regs){ .edx = 1u << 20 });
	host_cpuid_set(0x80000008, 0, (struct cpuid_regs){ .eax = 0x3028 });
	host_msr_set(MSR_IA32_FEATURE_CONTROL, 0);
	host_msr_set(MSR_IA32_VMX_BASIC, model->revision | PAGE_SIZE << 32 | 6ULL << 50 | BIT(54) |
						 BIT(55) | (model->any_error_code ? BIT(56) : 0));
	host_msr_set(MSR_IA32_VMX_MISC, model->misc);
	host_msr_set(MSR_IA32_VMX_CR0_FIXED0, 0x80000021);
	host_msr_set(MSR_IA32_VMX_CR0_FIXED1, 0xffffffff);
	host_msr_set(MSR_IA32_VMX_CR4_FIXED0, 0x2000);
	host_msr_set(MSR_IA32_VMX_CR4_FIXED1, 0x3727ff);
	host_msr_set(MSR_IA32_VMX_VMCS_ENUM, 0x34);
	caps_model_load_controls(model);
	if (model->ept_vpid)
		host_msr_set(MSR_IA32_VMX_EPT_VPID_CAP, model->ept_vpid);
	if (model->cpu2 & (1u << 13))
		host_msr_set(MSR_IA32_VMX_VMFUNC, 1);
}

#endif
