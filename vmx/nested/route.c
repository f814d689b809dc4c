/* SPDX-License-Identifier: MIT */
/* The table of exit reasons: whose each one is, when L2 exits with it. */
#include "vmx/nested/route.h"
#include "vmx/event.h"
#include "vmx/exit_reasons.h"
#include "vmx/nested/route_rules.h"

enum owner { OWNER_UNKNOWN, OWNER_L0, OWNER_L1, OWNER_BY_CONTROL, OWNER_BY_RULE };

/* BY_CONTROL: L1's if one of these controls is on. BY_RULE: L1's if the rule says so. What the row
 * says of L0 comes before: see l0_wants(). */
struct route_row {
	u8 owner; /* enum owner */
	u8 set;   /* enum control_set */
	u32 mask;
	bool (*rule)(const struct route_case *c);
};

#define ROW(owner, set, mask, rule)            \
	{                                      \
		(owner), (set), (mask), (rule) \
	}
#define L0            ROW(OWNER_L0, 0, 0, NULL)
#define L1            ROW(OWNER_L1, 0, 0, NULL)
#define PIN(control)  ROW(OWNER_BY_CONTROL, CONTROL_SET_PIN, PIN_##control, NULL)
#define CPU(control)  ROW(OWNER_BY_CONTROL, CONTROL_SET_CPU, CPU_##control, NULL)
#define CPU2(control) ROW(OWNER_BY_CONTROL, CONTROL_SET_CPU2, CPU2_##control, NULL)
#define RULE(name)    ROW(OWNER_BY_RULE, 0, 0, route_##name)

/* SDM "Instructions That Cause VM Exits", "Other Causes of VM Exits". */
static const struct route_row table[EXIT_REASONS_KNOWN] = {
	[EXIT_EXCEPTION_NMI] = RULE(exception),
	[EXIT_EXTERNAL_INTERRUPT] = PIN(EXT_INT_EXITING),
	[EXIT_TRIPLE_FAULT] = L1,
	[EXIT_INIT] = L1,
	[EXIT_SIPI] = L1,
	[EXIT_IO_SMI] = L0, /* SMM's monitor: none is offered */
	[EXIT_OTHER_SMI] = L0,
	[EXIT_INTERRUPT_WINDOW] = CPU(INTERRUPT_WINDOW),
	[EXIT_NMI_WINDOW] = CPU(NMI_WINDOW),
	[EXIT_TASK_SWITCH] = L1,
	[EXIT_CPUID] = L1,
	[EXIT_GETSEC] = L1,
	[EXIT_HLT] = CPU(HLT_EXITING),
	[EXIT_INVD] = L1,
	[EXIT_INVLPG] = CPU(INVLPG_EXITING),
	[EXIT_RDPMC] = CPU(RDPMC_EXITING),
	[EXIT_RDTSC] = CPU(RDTSC_EXITING),
	[EXIT_RSM] = L0,
	[EXIT_VMCALL] = L1,
	[EXIT_VMCLEAR] = L1,
	[EXIT_VMLAUNCH] = L1,
	[EXIT_VMPTRLD] = L1,
	[EXIT_VMPTRST] = L1,
	[EXIT_VMREAD] = RULE(vmread),
	[EXIT_VMRESUME] = L1,
	[EXIT_VMWRITE] = RULE(vmwrite),
	[EXIT_VMXOFF] = L1,
	[EXIT_VMXON] = L1,
	[EXIT_CR_ACCESS] = RULE(cr_access),
	[EXIT_MOV_DR] = CPU(MOV_DR_EXITING),
	[EXIT_IO] = RULE(io),
	[EXIT_RDMSR] = RULE(rdmsr),
	[EXIT_WRMSR] = RULE(wrmsr),
	[EXIT_ENTRY_GUEST_STATE] = L1,
	[EXIT_ENTRY_MSR_LOAD] = L1,
	[EXIT_MWAIT] = CPU(MWAIT_EXITING),
	[EXIT_MONITOR_TRAP] = RULE(monitor_trap),
	[EXIT_MONITOR] = CPU(MONITOR_EXITING),
	[EXIT_PAUSE] = RULE(pause),
	[EXIT_ENTRY_MACHINE_CHECK] = L0,
	[EXIT_TPR_BELOW_THRESHOLD] = L1, /* only L1 uses the controls that lead here: so 45, 56 */
	[EXIT_APIC_ACCESS] = CPU2(APIC_ACCESSES),
	[EXIT_VIRTUALIZED_EOI] = L1,
	[EXIT_GDTR_IDTR] = CPU2(DESCRIPTOR_TABLE),
	[EXIT_LDTR_TR] = CPU2(DESCRIPTOR_TABLE),
	[EXIT_EPT_VIOLATION] = L0, /* its walk of EPT12 says whether L1 gets one */
	[EXIT_EPT_MISCONFIG] = L0,
	[EXIT_INVEPT] = L1,
	[EXIT_RDTSCP] = CPU(RDTSC_EXITING),
	[EXIT_PREEMPTION_TIMER] = PIN(PREEMPTION_TIMER),
	[EXIT_INVVPID] = L1,
	[EXIT_WBINVD] = CPU2(WBINVD_EXITING),
	[EXIT_XSETBV] = L1,
	[EXIT_APIC_WRITE] = L1,
	[EXIT_RDRAND] = CPU2(RDRAND_EXITING),
	[EXIT_INVPCID] = CPU(INVLPG_EXITING),
	[EXIT_VMFUNC] = RULE(vmfunc),
	[EXIT_ENCLS] = RULE(encls),
	[EXIT_RDSEED] = CPU2(RDSEED_EXITING),
	[EXIT_PML_FULL] = L0, /* L1's log is kept by software, which tells when it is full */
	[EXIT_XSAVES] = RULE(xsaves),
	[EXIT_XRSTORS] = RULE(xsaves),
	[EXIT_PCONFIG] = RULE(pconfig),
	[EXIT_SPP_EVENT] = CPU2(SUBPAGE_WRITE),
	[EXIT_UMWAIT] = CPU(RDTSC_EXITING),
	[EXIT_TPAUSE] = CPU(RDTSC_EXITING),
	[EXIT_LOADIWKEY] = RULE(loadiwkey),
	[EXIT_ENCLV] = RULE(enclv),
	[EXIT_ENQCMD_PASID] = CPU2(PASID_TRANSLATION),
	[EXIT_ENQCMDS_PASID] = CPU2(PASID_TRANSLATION),
	[EXIT_BUS_LOCK] = L0,
	[EXIT_NOTIFY] = L0,
	[EXIT_SEAMCALL] = L0, /* L1's CPU does not have it: #UD */
	[EXIT_TDCALL] = L0,
};

static const struct route_row *row_of(u32 reason)
{
	static const struct route_row unknown = { .owner = OWNER_UNKNOWN };
	u32 basic = EXIT_REASON_BASIC(reason);

	return basic < EXIT_REASONS_KNOWN ? &table[basic] : &unknown;
}

bool route_is_known(u32 reason)
{
	return row_of(reason)->owner != OWNER_UNKNOWN;
}

/* An NMI or a machine check of the physical CPU; L1's own NMIs come from its APIC. */
static bool is_for_host(u32 intr_info)
{
	if (INTR_INFO_TYPE(intr_info) == INTR_NMI)
		return true;
	return INTR_INFO_TYPE(intr_info) == INTR_HARDWARE_EXCEPTION &&
	       INTR_INFO_VECTOR(intr_info) == VECTOR_MC;
}

bool l0_wants(const struct exit02 *exit)
{
	u32 basic = EXIT_REASON_BASIC(exit->reason);

	if (basic == EXIT_EXCEPTION_NMI)
		return is_for_host(exit->intr_info);
	if (basic == EXIT_EXTERNAL_INTERRUPT)
		return true;
	if (basic == EXIT_PREEMPTION_TIMER)
		return !exit->timer_of_l1;
	return row_of(basic)->owner == OWNER_L0;
}

bool l1_wants(const struct exit02 *exit, const struct vmcs12 *v12,
	      const struct bitmap_source *bitmaps)
{
	const struct route_row *row = row_of(exit->reason);
	const struct route_case c = { exit, v12, bitmaps };

	switch ((enum owner)row->owner) {
	case OWNER_L0:
		return false;
	case OWNER_BY_CONTROL:
		return route_has_control(v12, (enum control_set)row->set, row->mask);
	case OWNER_BY_RULE:
		return row->rule(&c);
	case OWNER_L1:
	case OWNER_UNKNOWN:
		break;
	}
	return true;
}
