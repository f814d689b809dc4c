/* SPDX-License-Identifier: MIT */
/* EPT violations and misconfigurations of L2: EPT02 gets the leaf, or L1 the exit. */
#include "hv/errno.h"
#include "hv/pte.h"
#include "mm/change.h"
#include "mm/ept01.h"
#include "vmx/event.h"
#include "vmx/inject.h"
#include "vmx/mmio.h"
#include "vmx/nested/ept02.h"
#include "vmx/nested/l2_memory.h"
#include "vmx/nested_calls.h"
#include "vmx/qualification.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

/* Only what L0 resolves is due again; what L1 gets keeps its IDT-vectoring information. */
static enum exit_action resume(struct vcpu *v, u64 qualification)
{
	inject_requeue(v);
	if (unlikely(qualification & EPT_VIOLATION_NMI_UNBLOCKING))
		exit_block_nmi_again();
	return EXIT_RESUME;
}

static enum exit_action reflect(struct vcpu *v, u32 reason, u64 qualification)
{
	nested_reflect_ept(v, reason, qualification);
	return EXIT_RESUME;
}

/* Exceptions that make a double fault with a page fault (SDM "Double Fault Exception"). */
#define DOUBLES                                                                                    \
	(1u << VECTOR_DE | 1u << VECTOR_TS | 1u << VECTOR_NP | 1u << VECTOR_SS | 1u << VECTOR_GP | \
	 1u << VECTOR_PF)

/*
 * L2's paging structures lie where L1 has no memory: entries of all ones, whose reserved bits make
 * a page fault. Of its error code the exit does not tell whether the access was a write or a fetch.
 */
static enum exit_action walk_of_ones(struct vcpu *v)
{
	u32 event = (u32)vmcs_read(VMCS_IDT_VECTORING_INFO);
	u32 user = segment_cpl() == 3 ? PF_USER : 0;

	if ((event & INTR_INFO_VALID) && INTR_INFO_TYPE(event) == INTR_HARDWARE_EXCEPTION) {
		if (INTR_INFO_VECTOR(event) == VECTOR_DF)
			return reflect(v, EXIT_TRIPLE_FAULT, 0);
		if (DOUBLES >> INTR_INFO_VECTOR(event) & 1) {
			inject_exception_error(v, VECTOR_DF, 0);
			return EXIT_RESUME;
		}
	}
	inject_page_fault(v, vmcs_read(VMCS_GUEST_LINEAR_ADDR), PF_PRESENT | PF_RESERVED | user);
	return EXIT_RESUME;
}

/* L1 has no memory there, or only read-only memory: its device, or a hole. */
static enum exit_action device(struct vcpu *v, l1_gpa_t gpa, bool read_only)
{
	const struct ept_violation violation = {
		.gpa = gpa,
		.qualification = (u32)exit_qualification(v),
		.read_only = read_only,
	};
	u32 linear_access = EPT_VIOLATION_LINEAR | EPT_VIOLATION_OPERAND;

	if ((violation.qualification & linear_access) == EPT_VIOLATION_LINEAR)
		return walk_of_ones(v);
	return mmio_access(v, &violation);
}

/* EPT02 has no leaf for want of one in EPT01: a page that is protected, a device, or a hole. */
static enum exit_action fault_ept01(struct vcpu *v, l1_gpa_t gpa, u64 qualification)
{
	struct vm_memory *memory = v->vm->memory;
	int error = ept01_fault(memory, gpa, qualification & EPT_VIOLATION_WRITE);

	if (error == -ENOENT || error == -EFAULT)
		return device(v, gpa, error == -EFAULT);
	if (error == -EACCES)
		change_page_written(memory, l1_gpa_to_l1_gfn(gpa));
	return resume(v, qualification);
}

/*
 * L1 was told of an EPT violation and resumes L2, which will do the same access again: what L1 has
 * mapped meanwhile is mapped in EPT02 right away, without that exit. Not where L1 would see flags
 * in EPT12 of an access that L2 may not come to do.
 */
void exit02_ept_ahead(struct vcpu *v, struct context *context)
{
	const struct ept12 ept = l2_ept12(v);
	struct ept02_fault fault = {
		.access = ept12_access_of_exit(l2_gpa(context->violated - 1), context->violation),
	};

	context->violated = 0;
	if (!(ept.eptp & EPTP_AD_ENABLE))
		(void)ept02_fault(v->vm->nested->ept02, v->nested->root, &ept, &fault);
}

static enum exit_action fault_ept02(struct vcpu *v, l2_gpa_t gpa)
{
	u64 qualification = exit_qualification(v);
	const struct ept12 ept = l2_ept12(v);
	struct ept02_fault fault = { .access = ept12_access_of_exit(gpa, qualification) };

	switch (ept02_fault(v->vm->nested->ept02, v->nested->root, &ept, &fault)) {
	case EPT02_REFLECT_VIOLATION:
		v->nested->current->violated = gpa.raw + 1;
		v->nested->current->violation = qualification;
		return reflect(v, EXIT_EPT_VIOLATION, fault.qualification);
	case EPT02_REFLECT_MISCONFIGURATION:
		return reflect(v, EXIT_EPT_MISCONFIG, fault.qualification);
	case EPT02_EPT01_FAULT:
		return fault_ept01(v, fault.l1, qualification);
	case EPT02_MAPPED:
	case EPT02_BUSY:
		break;
	}
	return resume(v, qualification);
}

/* SDM "Exit Qualification for APIC-Access VM Exits from Linear Accesses and Guest-Physical
 * Accesses". */
static u64 apic_access(const struct l2_access *access)
{
	u64 offset = access->gpa.raw % PAGE_SIZE;

	if (access->paging_structure)
		return offset | APIC_ACCESS_GUEST_PHYSICAL;
	if (access->fetch)
		return offset | APIC_ACCESS_FETCH;
	return offset | (access->write ? APIC_ACCESS_WRITE : APIC_ACCESS_READ);
}

void nested_refuse(struct vcpu *v, const struct l2_access *access)
{
	const struct ept12_access walked = {
		.gpa = l2_gpa(access->gpa.raw),
		.read = !access->write && !access->fetch,
		.write = access->write,
		.fetch = access->fetch,
		.paging_structure = access->paging_structure,
		.qualification = EPT_VIOLATION_LINEAR |
				 (access->paging_structure ? 0u : EPT_VIOLATION_OPERAND),
	};
	const struct ept12 ept = l2_ept12(v);
	struct ept12_walk walk = ept12_translate(&ept, &walked);
	struct exit12 exit = {
		.reason = walk.outcome == EPT12_VIOLATION ? EXIT_EPT_VIOLATION : EXIT_EPT_MISCONFIG,
		.qualification = walk.qualification,
		.linear = access->linear,
		.physical = access->gpa.raw,
	};

	if (walk.outcome == EPT12_OK) {
		if (!l2_is_apic_access(v, walk.to))
			return;
		exit.reason = EXIT_APIC_ACCESS;
		exit.qualification = apic_access(access);
	}
	nested_reflect(v, &exit);
}

enum exit_action exit02_ept(struct vcpu *v)
{
	u64 gpa = vmcs_read(VMCS_GUEST_PHYSICAL_ADDR);

	v->exit->detail = gpa;
	return fault_ept02(v, l2_gpa(gpa));
}
