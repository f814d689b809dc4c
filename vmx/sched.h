/* SPDX-License-Identifier: MIT */
/* Which vCPU runs where: vCPU n on CPU n modulo the number of CPUs, for its whole life. */
#ifndef VMX_SCHED_H
#define VMX_SCHED_H

#include "vmx/vm.h"

/*
 * Run this CPU's vCPUs in turn until the VM stops: their guests while they are active, idle in root
 * while all of them halt or wait for a SIPI. A CPU without a vCPU returns at once.
 */
void sched_run(struct vm *vm);

#endif
