/* SPDX-License-Identifier: MIT */
/*
 * Page-modification logging in vmcs01 (mm/pml.h). A CPU logs while its EPTP has the accessed and
 * dirty flags on, and then takes each access of a page walk for a write (SDM "Accessed and Dirty
 * Flags for EPT"). So a vCPU whose paging structures lie in read-only memory goes without the
 * flags, from its first such walk on, and the VM without PML.
 */
#ifndef VMX_PML01_H
#define VMX_PML01_H

#include "vmx/vm.h"

/* Once, before a vCPU has a CPU: whether the VM's dirty logs go by PML. */
void pml01_init_vm(struct vm *vm);
/* vmcs01 is current. 0 or -ENOMEM. */
int pml01_create(struct vcpu *v);
/* An EPT violation in read-only memory: true where it was a walk that only the flags made a write;
 * the vCPU goes without them, and may try again. */
bool pml01_walk_was_refused(struct vcpu *v, u32 qualification);

#endif
