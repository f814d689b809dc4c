/* SPDX-License-Identifier: MIT */
/*
 * The lists of MSRs that VM entries load, VM exits store and VM exits load: what their own rules
 * refuse (SDM "Loading MSRs", "Saving MSRs"), before RDMSR and WRMSR have a say. A refused entry
 * makes VM entry fail with exit 34 and the entry's number, counted from 1, as qualification; at VM
 * exit it is a VMX abort. The same is due behind VMX_MISC_MSR_LIST_MAX entries. Pure.
 */
#ifndef VMX_NESTED_MSR_LIST_H
#define VMX_NESTED_MSR_LIST_H

#include "hv/types.h"

/* As in memory (SDM "VM-Exit Controls for MSRs"). */
struct msr_list_entry {
	u32 index;
	u32 reserved;
	u64 data;
};

enum msr_list_use { MSR_LIST_LOAD = 1, MSR_LIST_STORE = 2 };

/* The name of the rule that refuses this entry, or NULL. */
const char *msr_list_refusal(const struct msr_list_entry *entry, enum msr_list_use use);

#endif
