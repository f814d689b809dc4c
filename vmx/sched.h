/* SPDX-License-Identifier: MIT */
/* Which vCPU runs where: vCPU n on CPU n, for its whole life. */
#ifndef VMX_SCHED_H
#define VMX_SCHED_H

#include "vmx/vm.h"

/*
 * Run this CPU's vCPU until the VM stops: its guest while it is active, idle in root while it halts
 * or waits for a SIPI. A CPU without a vCPU returns at once.
 */
void sched_run(struct vm *vm);

#endif
