/* SPDX-License-Identifier: MIT */
/* L1's paging mode and paging structures, as they are at an exit. */
#include "vmx/linear_now.h"
#include "hv/msr_index.h"
#include "vmx/ops.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

static int read_l1(void *memory, l1_gpa_t gpa, void *dst, size_t bytes)
{
	return guest_read(memory, gpa, dst, bytes);
}

struct paging_mode linear_mode_now(void)
{
	return (struct paging_mode){
		.cr0 = vmcs_read(VMCS_GUEST_CR0),
		.cr3 = vmcs_read(VMCS_GUEST_CR3),
		.cr4 = vmcs_read(VMCS_GUEST_CR4),
		.efer = vmcs_read(VMCS_GUEST_EFER),
		.cpl = segment_cpl(),
		.alignment_check = vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_AC,
	};
}

struct linear_source linear_source_of(const struct vcpu *v)
{
	return (struct linear_source){ read_l1, v->vm->memory };
}
