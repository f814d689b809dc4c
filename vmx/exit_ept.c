/* SPDX-License-Identifier: MIT */
/* EPT violations of L1: a page of a region that was not mapped yet,
 * or memory that does not exist. */
#include "hv/errno.h"
#include "hv/percpu.h"
#include "mm/ept01.h"
#include "vmx/exit.h"
#include "vmx/ops.h"
#include "vmx/vm.h"

/* SDM "Exit Qualification for EPT Violations". */
#define QUALIFICATION_WRITE (1u << 1)
#define QUALIFICATION_FETCH (1u << 2)

static const char *access_name(u64 qualification)
{
	if (qualification & QUALIFICATION_WRITE)
		return "wrote to";
	return qualification & QUALIFICATION_FETCH ? "fetched from" : "read from";
}

enum exit_action exit_ept_violation(struct vcpu *v)
{
	u64 qualification = exit_qualification(v);
	l1_gpa_t gpa = l1_gpa(vmcs_read(VMCS_GUEST_PHYSICAL_ADDR));
	int error;

	v->exit->detail = gpa.raw;
	error = ept01_fault(v->vm->memory, gpa, qualification & QUALIFICATION_WRITE);
	if (!error) {
		counter_inc(CTR_EPT01_FAULTS);
		return EXIT_RESUME;
	}
	vm_stop_l1(v, "%s guest-physical 0x%llx, %s", access_name(qualification),
		   (unsigned long long)gpa.raw,
		   error == -EFAULT ? "which is read-only"
				    : "where this machine has no memory and no device");
	return EXIT_STOP;
}
