/* SPDX-License-Identifier: MIT */
/* How a change of L1's memory (mm/change.h) reaches the vCPUs. */
#ifndef VMX_VM_CHANGE_H
#define VMX_VM_CHANGE_H

#include "vmx/vm.h"

/* Once, when the VM has its vCPUs and before one of them has a CPU. */
void vm_change_init(const struct vm *vm);

#endif
