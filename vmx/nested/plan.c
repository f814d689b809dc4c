/* SPDX-License-Identifier: MIT */
/* The plan of a vmcs12's entries, and what it is made of. */
#include "vmx/nested/plan.h"
#include "vmx/nested/check_rules.h"
#include "vmx/nested/pages.h"

/* The checks look at L1's memory where there is a link pointer, for the PDPTEs of L2s without EPT
 * (with IA-32e paging, too: it has none, but L2 may change that without an exit), and for the
 * virtual TPR. */
static bool reads_memory(const struct vmcs12 *v)
{
	return has_link(v) || !HAS(CPU2, ENABLE_EPT) || (v->TPR_THRESHOLD && reads_vtpr(v));
}

static u32 pages_used(const struct vmcs12 *v)
{
	return (HAS(CPU, TPR_SHADOW) ? 1u << L2_PAGE_VIRTUAL_APIC : 0) |
	       (HAS(CPU2, APIC_ACCESSES) ? 1u << L2_PAGE_APIC_ACCESS : 0);
}

#define LOADS (ENTRY_CTL_LOAD_DEBUG | ENTRY_CTL_LOAD_PAT | ENTRY_CTL_LOAD_EFER)
#define SAVES (EXIT_CTL_SAVE_DEBUG | EXIT_CTL_SAVE_PAT | EXIT_CTL_SAVE_EFER)

/* Not so where what vmcs02 has is L2's own. */
static bool shares_registers(const struct vmcs12 *v)
{
	return (v->ENTRY_CONTROLS & LOADS) != LOADS || (v->EXIT_CONTROLS & SAVES) != SAVES;
}

struct entry_plan plan_make(const struct vmcs12 *v, u64 identity_eptp)
{
	struct entry_plan plan = {
		.eptp12 = HAS(CPU2, ENABLE_EPT) ? v->EPT_POINTER : identity_eptp,
		.pages = pages_used(v),
		.tsc_offset = HAS(CPU, USE_TSC_OFFSETTING) ? v->TSC_OFFSET : 0,
	};

	if (reads_memory(v))
		plan.extras |= ENTRY_READS_MEMORY;
	if (v->ENTRY_MSR_LOAD_COUNT)
		plan.extras |= ENTRY_LOADS_MSRS;
	if (shares_registers(v))
		plan.extras |= ENTRY_SHARES;
	if (!HAS(CPU2, ENABLE_VPID))
		plan.extras |= ENTRY_FLUSHES;
	if (!HAS(CPU, MSR_BITMAPS))
		plan.extras |= ENTRY_NO_BITMAP;
	if (HAS(PIN, NMI_EXITING) && !HAS(PIN, VIRTUAL_NMI))
		plan.extras |= ENTRY_OWN_NMIS;
	if (HAS(PIN, PREEMPTION_TIMER))
		plan.extras |= ENTRY_TIMER;
	if (plan.pages)
		plan.extras |= ENTRY_PAGES;
	return plan;
}

const bool plan_reads[VMCS12_ROWS] = {
	[VMCS12_ROW_PIN_CONTROLS] = true,      [VMCS12_ROW_CPU_CONTROLS] = true,
	[VMCS12_ROW_CPU_CONTROLS2] = true,     [VMCS12_ROW_ENTRY_CONTROLS] = true,
	[VMCS12_ROW_EXIT_CONTROLS] = true,     [VMCS12_ROW_ENTRY_MSR_LOAD_COUNT] = true,
	[VMCS12_ROW_EPT_POINTER] = true,       [VMCS12_ROW_TSC_OFFSET] = true,
	[VMCS12_ROW_LINK_POINTER] = true,      [VMCS12_ROW_TPR_THRESHOLD] = true,
	[VMCS12_ROW_VIRTUAL_APIC_ADDR] = true, [VMCS12_ROW_APIC_ACCESS_ADDR] = true,
};
