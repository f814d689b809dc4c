/* SPDX-License-Identifier: MIT */
/* The MSRs that lists cannot have. */
#include "vmx/nested/msr_list.h"
#include "hv/msr_index.h"

_Static_assert(sizeof(struct msr_list_entry) == 16, "the layout is the architecture's");

/* The two of microcode updates are those that the SDM lets a CPU refuse. */
static const struct {
	u32 first, last;
	u32 uses;
	const char *rule;
} refused[] = {
	{ MSR_X2APIC_FIRST, MSR_X2APIC_LAST, MSR_LIST_LOAD | MSR_LIST_STORE, "x2APIC register" },
	{ MSR_IA32_FS_BASE, MSR_IA32_GS_BASE, MSR_LIST_LOAD, "base of FS or GS" },
	{ MSR_IA32_SMM_MONITOR_CTL, MSR_IA32_SMM_MONITOR_CTL, MSR_LIST_LOAD,
	  "IA32_SMM_MONITOR_CTL outside SMM" },
	{ MSR_IA32_SMBASE, MSR_IA32_SMBASE, MSR_LIST_STORE, "IA32_SMBASE outside SMM" },
	{ MSR_IA32_BIOS_UPDT_TRIG, MSR_IA32_BIOS_UPDT_TRIG, MSR_LIST_LOAD, "microcode update" },
	{ MSR_IA32_BIOS_SIGN_ID, MSR_IA32_BIOS_SIGN_ID, MSR_LIST_LOAD, "microcode signature" },
};

const char *msr_list_refusal(const struct msr_list_entry *entry, enum msr_list_use use)
{
	for (u32 i = 0; i < ARRAY_SIZE(refused); i++)
		if ((refused[i].uses & use) && entry->index >= refused[i].first &&
		    entry->index <= refused[i].last)
			return refused[i].rule;
	return entry->reserved ? "reserved bits" : NULL;
}
