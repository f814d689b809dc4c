/* SPDX-License-Identifier: MIT */
/* Reading and judging the VMX capability MSRs
 * (SDM: appendix "VMX Capability Reporting Facility"). */
#include "vmx/caps.h"
#include "hv/cpuid.h"
#include "hv/msr_index.h"
#include "hv/string.h"
#include "hv/x86.h"

#define HINT_MODEL                                                                             \
	"choose a CPU or CPU model that has it, e.g. -cpu host under KVM or corei7_skylake_x " \
	"under Bochs"

static struct vmx_caps caps;
enum invalidation vmx_invept_best, vmx_invvpid_best;
static u32 for_vmcs01[CONTROL_SETS]; /* what the capabilities come to */

const struct vmx_caps *vmx_caps(void)
{
	return &caps;
}

static void read_controls(enum control_set set, u32 msr)
{
	u64 value = rdmsr(msr);

	caps.allowed0[set] = (u32)value;
	caps.allowed1[set] = (u32)(value >> 32);
}

/* The TRUE MSRs name as clearable what the older ones demand for compatibility. */
static void read_primary_controls(void)
{
	static const struct {
		u32 msr, true_msr;
		enum control_set set;
	} source[] = {
		{ MSR_IA32_VMX_PINBASED, MSR_IA32_VMX_TRUE_PINBASED, CONTROL_SET_PIN },
		{ MSR_IA32_VMX_PROCBASED, MSR_IA32_VMX_TRUE_PROCBASED, CONTROL_SET_CPU },
		{ MSR_IA32_VMX_EXIT, MSR_IA32_VMX_TRUE_EXIT, CONTROL_SET_EXIT },
		{ MSR_IA32_VMX_ENTRY, MSR_IA32_VMX_TRUE_ENTRY, CONTROL_SET_ENTRY },
	};
	bool has_true = caps.basic & VMX_BASIC_TRUE_CONTROLS;

	for (u32 i = 0; i < ARRAY_SIZE(source); i++)
		read_controls(source[i].set, has_true ? source[i].true_msr : source[i].msr);
}

/* Each of these MSRs exists only when the one before it offers the feature. */
static void read_dependent_msrs(void)
{
	if (!vmx_has_controls(CONTROL_SET_CPU, CPU_SECONDARY))
		return;
	read_controls(CONTROL_SET_CPU2, MSR_IA32_VMX_PROCBASED2);
	if (vmx_has_controls(CONTROL_SET_CPU2, CPU2_ENABLE_EPT) ||
	    vmx_has_controls(CONTROL_SET_CPU2, CPU2_ENABLE_VPID))
		caps.ept_vpid = rdmsr(MSR_IA32_VMX_EPT_VPID_CAP);
	if (vmx_has_controls(CONTROL_SET_CPU2, CPU2_ENABLE_VMFUNC))
		caps.vmfunc = rdmsr(MSR_IA32_VMX_VMFUNC);
}

static bool can_flush_vpid(void)
{
	return vmx_has_ept_caps(EPT_CAP_MASK(INVVPID)) &&
	       (caps.ept_vpid & (EPT_CAP_MASK(INVVPID_SINGLE) | EPT_CAP_MASK(INVVPID_ALL)));
}

static u32 controls_for(enum control_set set)
{
	u32 wish = controls_needed(set) | controls_wanted(set);

	if (set == CONTROL_SET_CPU2 && !can_flush_vpid())
		wish &= ~(u32)CPU2_ENABLE_VPID;
	return (wish | caps.allowed0[set]) & caps.allowed1[set];
}

void vmx_caps_read(void)
{
	memset(&caps, 0, sizeof(caps));
	caps.vmx = cpuid(0, 0).eax >= 1 && (cpuid(CPUID_LEAF_FEATURES, 0).ecx & CPUID_1_ECX_VMX);
	if (!caps.vmx)
		return;
	caps.physical_bits = cpuid_physical_bits();
	caps.nx = cpuid(CPUID_LEAF_EXTENDED, 0).eax > CPUID_LEAF_EXTENDED &&
		  (cpuid(CPUID_LEAF_EXTENDED + 1, 0).edx & CPUID_X1_EDX_NX);
	caps.feature_control = rdmsr(MSR_IA32_FEATURE_CONTROL);
	caps.basic = rdmsr(MSR_IA32_VMX_BASIC);
	caps.misc = rdmsr(MSR_IA32_VMX_MISC);
	caps.cr0_fixed0 = rdmsr(MSR_IA32_VMX_CR0_FIXED0);
	caps.cr0_fixed1 = rdmsr(MSR_IA32_VMX_CR0_FIXED1);
	caps.cr4_fixed0 = rdmsr(MSR_IA32_VMX_CR4_FIXED0);
	caps.cr4_fixed1 = rdmsr(MSR_IA32_VMX_CR4_FIXED1);
	caps.vmcs_enum = rdmsr(MSR_IA32_VMX_VMCS_ENUM);
	read_primary_controls();
	read_dependent_msrs();
	vmx_invept_best =
		vmx_has_ept_caps(EPT_CAP_MASK(INVEPT_SINGLE)) ? INVALIDATE_SINGLE : INVALIDATE_ALL;
	vmx_invvpid_best =
		vmx_has_ept_caps(EPT_CAP_MASK(INVVPID_SINGLE)) ? INVALIDATE_SINGLE : INVALIDATE_ALL;
	for (u32 set = 0; set < CONTROL_SETS; set++)
		for_vmcs01[set] = controls_for((enum control_set)set);
}

bool vmx_has_controls(enum control_set set, u32 mask)
{
	return (caps.allowed1[set] & mask) == mask;
}

bool vmx_has_ept_caps(u64 mask)
{
	return (caps.ept_vpid & mask) == mask;
}

u32 vmx_controls_for(enum control_set set)
{
	return for_vmcs01[set];
}

/* The refusal for the first needed control that is missing;
 * one literal for each row that is needed. */
static const char *missing_control(void)
{
#define TEXT_NEED(text)   "this CPU's VMX lacks \"" text "\"; " HINT_MODEL
#define TEXT_SWITCH(text) TEXT_NEED(text)
#define TEXT_WANT(text)   NULL
#define TEXT_MAY(text)    NULL
#define TEXT_OFF(text)    NULL
	static const char *const texts[] = {
#define CONTROL(set, bit, name, l0, l1, text) TEXT_##l0(text),
#include "vmx/controls.def"
#undef CONTROL
	};

	const char *first = NULL;

	for (u32 i = 0; i < control_count; i++) {
		const struct control_info *control = &control_table[i];

		if (!texts[i] || vmx_has_controls(control->set, 1u << control->bit))
			continue;
		if (!first)
			first = texts[i];
		/* Old CPUs lack many; EPT is what their owners know. */
		if (control->set == CONTROL_SET_CPU2 && 1u << control->bit == CPU2_ENABLE_EPT &&
		    vmx_has_controls(CONTROL_SET_CPU, CPU_SECONDARY))
			return texts[i];
	}
	return first;
}

static const char *missing_ept_capability(void)
{
	if (!vmx_has_ept_caps(EPT_CAP_MASK(WALK_4)))
		return "this CPU's EPT lacks the 4-level walk; " HINT_MODEL;
	if (!vmx_has_ept_caps(EPT_CAP_MASK(WRITE_BACK)))
		return "this CPU's EPT lacks write-back tables; " HINT_MODEL;
	if (!vmx_has_ept_caps(EPT_CAP_MASK(INVEPT)) ||
	    !(caps.ept_vpid & (EPT_CAP_MASK(INVEPT_SINGLE) | EPT_CAP_MASK(INVEPT_ALL))))
		return "this CPU lacks INVEPT; " HINT_MODEL;
	return NULL;
}

const char *vmx_refusal(void)
{
	const char *missing;

	if (!caps.vmx)
		return "this CPU offers no VMX (CPUID.1:ECX.VMX = 0); enable VT-x in the "
		       "firmware's "
		       "set-up, or choose a CPU model with nested VMX, e.g. -cpu host under KVM or "
		       "a VMX model under Bochs";
	if ((caps.feature_control & FEATURE_CONTROL_LOCKED) &&
	    !(caps.feature_control & FEATURE_CONTROL_VMXON))
		return "the firmware locked VMX off (IA32_FEATURE_CONTROL.lock = 1, VMXON = 0); "
		       "enable VT-x in the firmware's set-up and switch the machine off and on";
	if (VMX_BASIC_SIZE(caps.basic) > PAGE_SIZE)
		return "this CPU's VMCS is bigger than a page; " HINT_MODEL;
	if (!caps.nx)
		return "this CPU offers no execute-disable bit (CPUID.80000001h:EDX.NX = 0); "
		       "enable "
		       "it in the firmware's set-up (IA32_MISC_ENABLE bit 34 hides it)";
	missing = missing_control();
	return missing ? missing : missing_ept_capability();
}
