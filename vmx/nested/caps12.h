/* SPDX-License-Identifier: MIT */
/* What L1 sees of VMX: the capability MSRs, computed from the host's and the table of controls. */
#ifndef VMX_NESTED_CAPS12_H
#define VMX_NESTED_CAPS12_H

#include "vmx/caps.h"

/*
 * L1's capabilities on this host. cr4_allowed: the bits that L1 may set in CR4 without VMX. Not
 * offered at all (vmx = false) where the host lacks what an L2 of Nestor's needs.
 */
void caps12_build(struct vmx_caps *l1, const struct vmx_caps *host, u64 cr4_allowed);

/* MSRs 480h to 491h and IA32_FEATURE_CONTROL. False: this MSR does not exist for L1. */
bool caps12_msr(const struct vmx_caps *l1, u32 msr, u64 *value);

#endif
