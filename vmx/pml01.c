/* SPDX-License-Identifier: MIT */
/* vmcs01's part in PML: its fields, the exit of a full buffer, and how it ends. */
#include "vmx/pml01.h"
#include "hv/log.h"
#include "mm/ept_entry.h"
#include "mm/page.h"
#include "vmx/caps.h"
#include "vmx/exit.h"
#include "vmx/ops.h"
#include "vmx/qualification.h"

static bool cpu_has_pml(void)
{
	return vmx_has_controls(CONTROL_SET_CPU2, CPU2_ENABLE_PML) &&
	       vmx_has_ept_caps(EPT_CAP_MASK(ACCESSED_DIRTY));
}

void pml01_init_vm(struct vm *vm)
{
	vm->has_pml = cpu_has_pml() && !vm->config->write_protect;
	log_line("L1", "dirty logs: by %s",
		 vm->has_pml ? "page-modification logging" : "write protection");
	if (vm->has_pml)
		pml_enable(vm->memory);
}

int pml01_create(struct vcpu *v)
{
	int error;

	if (!v->vm->has_pml)
		return 0;
	error = pml_attach(v->vm->memory, &v->pml);
	if (error)
		return error;
	vmcs_write(VMCS_PML_ADDR, page_to_hpa(v->pml.entries).raw);
	vmcs_write(VMCS_GUEST_PML_INDEX, PML_ENTRIES - 1);
	vmcs_write(VMCS_CPU_CONTROLS2, vmcs_read(VMCS_CPU_CONTROLS2) | CPU2_ENABLE_PML);
	return 0;
}

/* Nothing of the access has happened: it comes again. */
enum exit_action exit_pml_full(struct vcpu *v)
{
	if (unlikely(exit_qualification(v) & EPT_VIOLATION_NMI_UNBLOCKING))
		exit_block_nmi_again();
	pml_restart(v->vm->memory, &v->pml);
	vmcs_write(VMCS_GUEST_PML_INDEX, PML_ENTRIES - 1);
	return EXIT_RESUME;
}

/*
 * Each vCPU meets its own violation. Those that keep the flags meanwhile do no harm: what they log
 * is dirty already.
 */
bool pml01_walk_was_refused(struct vcpu *v, u32 qualification)
{
	const u32 kind = qualification & (EPT_VIOLATION_LINEAR | EPT_VIOLATION_OPERAND);
	u64 eptp = vmcs_read(VMCS_EPT_POINTER);

	if (kind != EPT_VIOLATION_LINEAR || !(eptp & EPTP_AD_ENABLE))
		return false;
	if (pml_give_up(v->vm->memory))
		log_line("L1",
			 "vCPU %u has paging structures in read-only memory, so dirty logs go by "
			 "write protection, and EPT without accessed and dirty flags",
			 v->index);
	vmcs_write(VMCS_EPT_POINTER, eptp & ~EPTP_AD_ENABLE);
	vmx_invept(vmx_invept_type(), eptp);
	return true;
}
