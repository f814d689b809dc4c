/* SPDX-License-Identifier: MIT */
/* EPT violations of L1: a page of a region that was not mapped yet, or an access for vmx/mmio.c. */
#include "hv/errno.h"
#include "mm/change.h"
#include "mm/ept01.h"
#include "vmx/event.h"
#include "vmx/exit.h"
#include "vmx/mmio.h"
#include "vmx/ops.h"
#include "vmx/pml01.h"
#include "vmx/vm.h"

/*
 * An IRET that faults here has ended blocking by NMI and will run again: until then NMIs stay
 * blocked (SDM "Exit Qualification for EPT Violations", "NMI unblocking due to IRET", which has no
 * meaning in an event's delivery). An IRET that faults by an exception has ended it for good.
 */
void exit_block_nmi_again(void)
{
	if (!(vmcs_read(VMCS_IDT_VECTORING_INFO) & INTR_INFO_VALID))
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
			   vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) | BLOCKED_BY_NMI);
}

enum exit_action exit_ept_violation(struct vcpu *v)
{
	struct ept_violation violation = {
		.gpa = l1_gpa(vmcs_read(VMCS_GUEST_PHYSICAL_ADDR)),
		.qualification = (u32)exit_qualification(v),
	};
	int error;

	v->exit->detail = violation.gpa.raw;
	if (unlikely(violation.qualification & EPT_VIOLATION_NMI_UNBLOCKING))
		exit_block_nmi_again();
	error = ept01_fault(v->vm->memory, violation.gpa,
			    violation.qualification & EPT_VIOLATION_WRITE);
	if (!error)
		return EXIT_RESUME;
	if (error == -EACCES) {
		change_page_written(v->vm->memory, l1_gpa_to_l1_gfn(violation.gpa));
		return EXIT_RESUME;
	}
	if (error == -EFAULT && pml01_walk_was_refused(v, violation.qualification))
		return EXIT_RESUME;
	if (error == -ENOENT || error == -EFAULT) {
		violation.read_only = error == -EFAULT;
		return mmio_access(v, &violation);
	}
	vm_stop_l1(v, "%s guest-physical 0x%llx, and no page is left for a table that maps it",
		   mmio_access_name(violation.qualification),
		   (unsigned long long)violation.gpa.raw);
	return EXIT_STOP;
}
