/* SPDX-License-Identifier: MIT */
/* Events that L0 puts into L1: faults of instructions that it emulates,
 * and events whose delivery an exit cut short. */
#ifndef VMX_INJECT_H
#define VMX_INJECT_H

#include "vmx/event.h"
#include "vmx/vcpu.h"

/* Deliver a fault at the next entry, at the instruction that caused the exit. A fault of L2's that
 * L1 wants to see leaves L2: nothing of the exit in hand is touched afterwards. */
void inject_exception(struct vcpu *v, enum vector vector);
void inject_exception_error(struct vcpu *v, enum vector vector, u32 error_code);
/* #PF: CR2 and the error code. */
void inject_page_fault(struct vcpu *v, u64 linear, u32 error_code);

/* Deliver the #DB that caused this exit, with what its delivery would have done to DR6 and DR7. */
void inject_debug_again(struct vcpu *v);

/* Put a delivery that this exit cut short back into the entry fields;
 * instructions of software events included. */
void inject_requeue(struct vcpu *v);

#endif
