/* SPDX-License-Identifier: MIT */
/* MSRs that a CPU may not have: the #GP becomes a return value. Only after idt_load(). */
#ifndef HV_MSR_SAFE_H
#define HV_MSR_SAFE_H

#include "hv/types.h"

/* false, and *value untouched, when the access faults. */
bool rdmsr_safe(u32 msr, u64 *value);
bool wrmsr_safe(u32 msr, u64 value);

/* For the trap handler: where to go on after a #GP at this
 * RIP; 0 when it is none of the two instructions. */
u64 msr_safe_landing(u64 rip);

#endif
