/* SPDX-License-Identifier: MIT */
/* L1's capability MSRs (SDM: appendix "VMX Capability Reporting Facility"). */
#include "vmx/nested/caps12.h"
#include "hv/msr_index.h"
#include "vmx/nested/vmcs12.h"

#define VMCS_REGION_BYTES     4096ULL
#define MEMORY_TYPE_WB        6ULL
#define CR0_FIXED0_L1         (CR0_PE | CR0_NE | CR0_PG)
#define CR3_TARGETS           4ULL
#define MISC_TIMER_SHIFT_MASK BITS(4, 0)
#define MISC_CR3_TARGETS(n)   ((n) << 16)

/* Bits that were fixed to 1 before there were TRUE MSRs: "default1" (SDM: "Reserved Controls and
 * Default Settings"). */
static const u32 default1[CONTROL_SETS] = {
	[CONTROL_SET_PIN] = 0x00000016,
	[CONTROL_SET_CPU] = 0x0401e172,
	[CONTROL_SET_EXIT] = 0x00036dff,
	[CONTROL_SET_ENTRY] = 0x000011ff,
};

/* Which of them L1 may clear: those whose meaning Nestor emulates in both settings. */
static const u32 clearable[CONTROL_SETS] = {
	[CONTROL_SET_CPU] = CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING,
	[CONTROL_SET_EXIT] = EXIT_CTL_SAVE_DEBUG,
	[CONTROL_SET_ENTRY] = ENTRY_CTL_LOAD_DEBUG,
};

/* Without EPT, L1 shadows L2's page tables, which needs these exits. */
static u32 clearable_on(enum control_set set, const struct vmx_caps *host)
{
	if (set == CONTROL_SET_CPU && !(host->allowed1[CONTROL_SET_CPU2] & CPU2_ENABLE_EPT))
		return 0;
	return clearable[set] & ~host->allowed0[set];
}

static u64 ept_vpid_for(const struct vmx_caps *host)
{
	static const u64 offered =
		EPT_CAP_MASK(EXECUTE_ONLY) | EPT_CAP_MASK(WALK_4) | EPT_CAP_MASK(UNCACHEABLE) |
		EPT_CAP_MASK(WRITE_BACK) | EPT_CAP_MASK(PAGE_2M) | EPT_CAP_MASK(PAGE_1G) |
		EPT_CAP_MASK(INVEPT) | EPT_CAP_MASK(ACCESSED_DIRTY) | EPT_CAP_MASK(INVEPT_SINGLE) |
		EPT_CAP_MASK(INVEPT_ALL) | EPT_CAP_MASK(INVVPID) | EPT_CAP_MASK(INVVPID_ADDRESS) |
		EPT_CAP_MASK(INVVPID_SINGLE) | EPT_CAP_MASK(INVVPID_ALL) |
		EPT_CAP_MASK(INVVPID_RETAIN);

	return host->ept_vpid & offered;
}

static u64 misc_for(const struct vmx_caps *host)
{
	return (host->misc & (MISC_TIMER_SHIFT_MASK | VMX_MISC_SAVES_LMA | VMX_MISC_HLT |
			      VMX_MISC_VMWRITE_ANY | VMX_MISC_ZERO_LENGTH)) |
	       MISC_CR3_TARGETS(CR3_TARGETS);
}

/* The highest index of a field that L1 can read. */
static u64 vmcs_enum_for(const struct vmx_caps *l1)
{
	u64 highest = 0;

	for (u32 i = 0; i < vmcs_field_count; i++)
		if (vmcs12_has_field(l1, &vmcs_field_table[i]))
			highest = MAX(highest,
				      (u64)VMCS_ENCODING_INDEX(vmcs_field_table[i].encoding));
	return highest << 1;
}

void caps12_build(struct vmx_caps *l1, const struct vmx_caps *host, u64 cr4_allowed)
{
	*l1 = (struct vmx_caps){
		.vmx = true,
		.basic = VMCS12_REVISION | VMCS_REGION_BYTES << 32 | MEMORY_TYPE_WB << 50 |
			 VMX_BASIC_TRUE_CONTROLS |
			 (host->basic & (VMX_BASIC_IO_INFO | VMX_BASIC_ANY_ERROR_CODE)),
		.misc = misc_for(host),
		.cr0_fixed0 = CR0_FIXED0_L1,
		.cr0_fixed1 = host->cr0_fixed1,
		.cr4_fixed0 = CR4_VMXE,
		.cr4_fixed1 = cr4_allowed | CR4_VMXE,
		.ept_vpid = ept_vpid_for(host),
		.physical_bits = host->physical_bits,
	};
	for (u32 set = 0; set < CONTROL_SETS; set++) {
		u32 on = default1[set];

		l1->allowed0[set] = on & ~clearable_on(set, host);
		l1->allowed1[set] = on | (controls_offered(set) & host->allowed1[set]);
	}
	l1->vmcs_enum = vmcs_enum_for(l1);
}

static u64 controls(const struct vmx_caps *l1, enum control_set set, bool is_true)
{
	u32 allowed0 = is_true ? l1->allowed0[set] : l1->allowed0[set] | default1[set];

	return (u64)l1->allowed1[set] << 32 | allowed0;
}

bool caps12_msr(const struct vmx_caps *l1, u32 msr, u64 *value)
{
	const struct {
		u32 msr;
		u64 value;
	} msrs[] = {
		{ MSR_IA32_VMX_BASIC, l1->basic },
		{ MSR_IA32_VMX_PINBASED, controls(l1, CONTROL_SET_PIN, false) },
		{ MSR_IA32_VMX_PROCBASED, controls(l1, CONTROL_SET_CPU, false) },
		{ MSR_IA32_VMX_EXIT, controls(l1, CONTROL_SET_EXIT, false) },
		{ MSR_IA32_VMX_ENTRY, controls(l1, CONTROL_SET_ENTRY, false) },
		{ MSR_IA32_VMX_MISC, l1->misc },
		{ MSR_IA32_VMX_CR0_FIXED0, l1->cr0_fixed0 },
		{ MSR_IA32_VMX_CR0_FIXED1, l1->cr0_fixed1 },
		{ MSR_IA32_VMX_CR4_FIXED0, l1->cr4_fixed0 },
		{ MSR_IA32_VMX_CR4_FIXED1, l1->cr4_fixed1 },
		{ MSR_IA32_VMX_VMCS_ENUM, l1->vmcs_enum },
		{ MSR_IA32_VMX_PROCBASED2, controls(l1, CONTROL_SET_CPU2, true) },
		{ MSR_IA32_VMX_EPT_VPID_CAP, l1->ept_vpid },
		{ MSR_IA32_VMX_TRUE_PINBASED, controls(l1, CONTROL_SET_PIN, true) },
		{ MSR_IA32_VMX_TRUE_PROCBASED, controls(l1, CONTROL_SET_CPU, true) },
		{ MSR_IA32_VMX_TRUE_EXIT, controls(l1, CONTROL_SET_EXIT, true) },
		{ MSR_IA32_VMX_TRUE_ENTRY, controls(l1, CONTROL_SET_ENTRY, true) },
	};

	for (u32 i = 0; i < ARRAY_SIZE(msrs); i++) {
		if (msrs[i].msr == msr) {
			*value = msrs[i].value;
			return true;
		}
	}
	return false;
}
