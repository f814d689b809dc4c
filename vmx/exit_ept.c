/* SPDX-License-Identifier: MIT */
/* EPT violations of L1: a page of a region that was not mapped yet, or an access for vmx/mmio.c. */
#include "hv/errno.h"
#include "mm/ept01.h"
#include "vmx/mmio.h"
#include "vmx/ops.h"
#include "vmx/vm.h"

enum exit_action exit_ept_violation(struct vcpu *v)
{
	struct ept_violation violation = {
		.gpa = l1_gpa(vmcs_read(VMCS_GUEST_PHYSICAL_ADDR)),
		.qualification = (u32)exit_qualification(v),
	};
	int error;

	v->exit->detail = violation.gpa.raw;
	error = ept01_fault(v->vm->memory, violation.gpa,
			    violation.qualification & EPT_VIOLATION_WRITE);
	if (!error)
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
