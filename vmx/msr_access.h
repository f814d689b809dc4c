/* SPDX-License-Identifier: MIT */
/* RDMSR and WRMSR of the guest whose VMCS is current, carried out by L0: for the lists of MSRs of
 * an L1's VM entries and exits. */
#ifndef VMX_MSR_ACCESS_H
#define VMX_MSR_ACCESS_H

#include "vmx/vcpu.h"

/* False: the access would fault. */
bool msr_read(struct vcpu *v, u32 msr, u64 *value);
bool msr_write(struct vcpu *v, u32 msr, u64 value);

#endif
