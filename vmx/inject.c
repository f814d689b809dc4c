/* SPDX-License-Identifier: MIT */
/* Injection of events at VM entry. */
#include "vmx/inject.h"
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "vmx/ops.h"

/*
 * All that L0 injects are faults. A fault pushes RFLAGS with RF set (SDM "Resume Flag"), which the
 * CPU does for its own, and VM entry does not.
 */
static void inject_fault(enum vector vector, u32 flags)
{
	vmcs_write(VMCS_GUEST_RFLAGS, vmcs_read(VMCS_GUEST_RFLAGS) | RFLAGS_RF);
	vmcs_write(VMCS_ENTRY_INTR_INFO,
		   INTR_INFO_VALID | flags | (u32)INTR_HARDWARE_EXCEPTION << 8 | (u32)vector);
}

void inject_exception(struct vcpu *v, enum vector vector)
{
	(void)v;
	inject_fault(vector, 0);
}

void inject_exception_error(struct vcpu *v, enum vector vector, u32 error_code)
{
	/* An error code is delivered in protected mode only. */
	bool protected_mode = vmcs_read(VMCS_GUEST_CR0) & CR0_PE;

	(void)v;
	vmcs_write(VMCS_ENTRY_ERROR_CODE, error_code);
	inject_fault(vector, protected_mode ? INTR_INFO_ERROR_CODE : 0);
}

void inject_page_fault(struct vcpu *v, u64 linear, u32 error_code)
{
	write_cr2(linear); /* L0 takes no page faults: the guest's CR2 stays in the register */
	inject_exception_error(v, VECTOR_PF, error_code);
}

void inject_requeue(struct vcpu *v)
{
	u32 info = inject_requeue_info((u32)vmcs_read(VMCS_IDT_VECTORING_INFO));

	if (!info)
		return;
	info = apicv_event_cut_short(v, info);
	switch ((enum intr_type)INTR_INFO_TYPE(info)) {
	case INTR_SOFTWARE_INTERRUPT:
	case INTR_PRIVILEGED_SOFTWARE:
	case INTR_SOFTWARE_EXCEPTION:
		vmcs_write(VMCS_ENTRY_INSN_LEN, vmcs_read(VMCS_EXIT_INSN_LEN));
		break;
	case INTR_NMI: {
		/* Its delivery blocked NMIs; injecting it again wants them unblocked. */
		u64 blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, blocked & ~(u64)BLOCKED_BY_NMI);
		break;
	}
	case INTR_EXTERNAL:
	case INTR_HARDWARE_EXCEPTION:
	case INTR_OTHER:
		break;
	}
	if (info & INTR_INFO_ERROR_CODE)
		vmcs_write(VMCS_ENTRY_ERROR_CODE, vmcs_read(VMCS_IDT_VECTORING_ERROR));
	vmcs_write(VMCS_ENTRY_INTR_INFO, info);
}
