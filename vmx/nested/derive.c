/* SPDX-License-Identifier: MIT */
/* The table of what vmcs02 gets, and the few values that are more than a copy. */
#include "vmx/nested/derive.h"
#include "hv/msr_index.h"
#include "vmx/control_regs.h"

#define V12(field) (in->v12->field)

/* Of L1's controls, what takes effect in hardware as it stands. The rest is L0's to emulate, or
 * L0's own. */
#define CPU_OF_L1                                                                               \
	(CPU_INTERRUPT_WINDOW | CPU_HLT_EXITING | CPU_INVLPG_EXITING | CPU_MWAIT_EXITING |      \
	 CPU_RDPMC_EXITING | CPU_RDTSC_EXITING | CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING | \
	 CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING | CPU_NMI_WINDOW | CPU_MOV_DR_EXITING |   \
	 CPU_MONITOR_EXITING | CPU_PAUSE_EXITING)
#define CPU2_OF_L1                                                                                \
	(CPU2_APIC_ACCESSES | CPU2_DESCRIPTOR_TABLE | CPU2_WBINVD_EXITING | CPU2_RDRAND_EXITING | \
	 CPU2_RDSEED_EXITING | CPU2_PAUSE_LOOP_EXITING)
/* These change what an instruction does rather than who sees it: they are L1's alone. */
#define CPU2_ONLY_L1 \
	(CPU2_ENABLE_RDTSCP | CPU2_ENABLE_INVPCID | CPU2_ENABLE_XSAVES | CPU2_UNRESTRICTED_GUEST)

static u32 cpu2_of_l1(const struct derive_inputs *in)
{
	return V12(CPU_CONTROLS) & CPU_SECONDARY ? (u32)V12(CPU_CONTROLS2) : 0;
}

static u64 pin_controls(const struct derive_inputs *in)
{
	return in->l0_controls[CONTROL_SET_PIN];
}

static bool has_tpr_shadow(const struct derive_inputs *in)
{
	return (V12(CPU_CONTROLS) & CPU_TPR_SHADOW) && !in->lost_virtual_apic;
}

/* With a TPR shadow L2's CR8 is its virtual-APIC page's; without one it is L1's local APIC's, so L0
 * has to see each access. */
static u64 cpu_controls(const struct derive_inputs *in)
{
	u32 l0 = in->l0_controls[CONTROL_SET_CPU];

	if (has_tpr_shadow(in))
		l0 = (l0 & ~(u32)(CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING)) | CPU_TPR_SHADOW;
	return l0 | (V12(CPU_CONTROLS) & CPU_OF_L1);
}

static u64 tpr_threshold(const struct derive_inputs *in)
{
	return has_tpr_shadow(in) ? V12(TPR_THRESHOLD) : 0;
}

static u64 cpu2_controls(const struct derive_inputs *in)
{
	u32 l0 = in->l0_controls[CONTROL_SET_CPU2];
	u32 l1 = cpu2_of_l1(in);

	return (l0 & ~(u32)CPU2_ONLY_L1) | (l1 & (CPU2_OF_L1 | CPU2_ONLY_L1));
}

static u64 exit_controls(const struct derive_inputs *in)
{
	return in->l0_controls[CONTROL_SET_EXIT];
}

static u64 entry_controls(const struct derive_inputs *in)
{
	return (in->l0_controls[CONTROL_SET_ENTRY] & ~(u32)ENTRY_CTL_IA32E_MODE) |
	       (V12(ENTRY_CONTROLS) & ENTRY_CTL_IA32E_MODE);
}

static u64 exception_bitmap(const struct derive_inputs *in)
{
	return in->l0_exceptions | V12(EXCEPTION_BITMAP);
}

static u64 xss_exit_bitmap(const struct derive_inputs *in)
{
	return cpu2_of_l1(in) & CPU2_ENABLE_XSAVES ? V12(XSS_EXIT_BITMAP) : 0;
}

static u64 guest_cr0(const struct derive_inputs *in)
{
	u64 fixed0 = in->cr0_fixed0;

	if (cpu2_of_l1(in) & CPU2_UNRESTRICTED_GUEST)
		fixed0 &= ~(u64)(CR0_PE | CR0_PG);
	return (V12(GUEST_CR0) & ~(u64)(CR0_CD | CR0_NW)) | fixed0;
}

static u64 guest_cr4(const struct derive_inputs *in)
{
	return V12(GUEST_CR4) | CR4_L0_ON | in->cr4_fixed0;
}

static u64 cr0_mask(const struct derive_inputs *in)
{
	return V12(CR0_MASK) | CR0_L0_OWNED;
}

static u64 cr4_mask(const struct derive_inputs *in)
{
	return V12(CR4_MASK) | ~in->cr4_guest;
}

/* L1's shadow for the bits that L1 owns, the register itself for those that only L0 does. */
static u64 cr0_shadow(const struct derive_inputs *in)
{
	return (V12(CR0_SHADOW) & V12(CR0_MASK)) | (V12(GUEST_CR0) & ~V12(CR0_MASK));
}

static u64 cr4_shadow(const struct derive_inputs *in)
{
	return (V12(CR4_SHADOW) & V12(CR4_MASK)) | (V12(GUEST_CR4) & ~V12(CR4_MASK));
}

static u64 guest_efer(const struct derive_inputs *in)
{
	return V12(ENTRY_CONTROLS) & ENTRY_CTL_LOAD_EFER ? V12(GUEST_EFER)
							 : derive_shared_efer(in->v12, in->l1_efer);
}

static u64 guest_pat(const struct derive_inputs *in)
{
	return V12(ENTRY_CONTROLS) & ENTRY_CTL_LOAD_PAT ? V12(GUEST_PAT) : in->l1_pat;
}

static u64 guest_dr7(const struct derive_inputs *in)
{
	return V12(ENTRY_CONTROLS) & ENTRY_CTL_LOAD_DEBUG ? V12(GUEST_DR7) : in->l1_dr7;
}

static u64 guest_debugctl(const struct derive_inputs *in)
{
	return V12(ENTRY_CONTROLS) & ENTRY_CTL_LOAD_DEBUG ? V12(GUEST_DEBUGCTL) : in->l1_debugctl;
}

static u64 tsc_offset(const struct derive_inputs *in)
{
	u64 of_l1 = V12(CPU_CONTROLS) & CPU_USE_TSC_OFFSETTING ? V12(TSC_OFFSET) : 0;

	return in->l1_tsc_offset + of_l1;
}

const struct derive_row derive_rows[] = {
#define COPY(name, group_)            { VMCS_##name, DERIVE_##group_, VMCS12_ROW_##name, NULL },
#define VALUE(name, group_, function) { VMCS_##name, DERIVE_##group_, 0, function },
#define GROUP(group_)
#include "vmx/nested/derive.def"
#undef COPY
#undef VALUE
#undef GROUP
};

/* A group's marker has the number of the row behind it. */
enum {
#define GROUP(group)                 MARK_##group, BEFORE_##group = MARK_##group - 1,
#define COPY(name, group)            ROW_##name,
#define VALUE(name, group, function) COPY(name, group)
#include "vmx/nested/derive.def"
#undef COPY
#undef VALUE
#undef GROUP
	ROWS
};
_Static_assert(ARRAY_SIZE(derive_rows) == ROWS && ROWS <= 0xff, "rows have numbers");

const u8 derive_first[DERIVE_GROUPS + 1] = {
#define GROUP(group) [DERIVE_##group] = MARK_##group,
#define COPY(name, group)
#define VALUE(name, group, function)
#include "vmx/nested/derive.def"
#undef COPY
#undef VALUE
#undef GROUP
	[DERIVE_GROUPS] = ROWS,
};

_Static_assert(DERIVE_ALL <= 0xffff, "16 bits for a mask of groups");

const u16 derive_own_group[VMCS12_ROWS] = {
#define COPY(name, group)            [VMCS12_ROW_##name] = 1u << DERIVE_##group,
#define VALUE(name, group, function) COPY(name, group)
#define GROUP(group)
#include "vmx/nested/derive.def"
#undef COPY
#undef VALUE
#undef GROUP
};

const u16 derive_other_groups[VMCS12_ROWS] = {
	[VMCS12_ROW_CPU_CONTROLS] = 1u << DERIVE_CR | 1u << DERIVE_TSC | 1u << DERIVE_APIC,
	[VMCS12_ROW_CPU_CONTROLS2] = 1u << DERIVE_CR,
	[VMCS12_ROW_ENTRY_CONTROLS] = 1u << DERIVE_MSRS,
	[VMCS12_ROW_GUEST_CR0] = 1u << DERIVE_MSRS,
};

u64 derive_cr0_of_l2(const struct vmcs12 *v12, u64 hardware_cr0, u64 shadow)
{
	u64 of_l0 = CR0_L0_OWNED & ~v12->CR0_MASK;
	u64 of_l2 = ~(v12->CR0_MASK | CR0_L0_OWNED);

	return (v12->GUEST_CR0 & v12->CR0_MASK) | (shadow & of_l0) | (hardware_cr0 & of_l2);
}

u64 derive_cr4_of_l2(const struct derive_inputs *in, u64 hardware_cr4, u64 shadow)
{
	u64 of_l0 = ~in->cr4_guest & ~V12(CR4_MASK);
	u64 of_l2 = in->cr4_guest & ~V12(CR4_MASK);

	return (V12(GUEST_CR4) & V12(CR4_MASK)) | (shadow & of_l0) | (hardware_cr4 & of_l2);
}
