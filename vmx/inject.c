/* SPDX-License-Identifier: MIT */
/* Injection of events at VM entry. */
#include "vmx/inject.h"
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "vmx/exit.h"
#include "vmx/nested_calls.h"
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
	if (unlikely(vcpu_is_in_l2(v)) && nested_exception(v, (u32)vector, 0, 0))
		return;
	inject_fault(vector, 0);
}

static void inject_error(struct vcpu *v, enum vector vector, u32 error_code, u64 linear)
{
	/* An error code is delivered in protected mode only. */
	u32 flags = vmcs_read(VMCS_GUEST_CR0) & CR0_PE ? INTR_INFO_ERROR_CODE : 0;

	if (unlikely(vcpu_is_in_l2(v)) &&
	    nested_exception(v, (u32)vector | flags, error_code, linear))
		return;
	if (vector == VECTOR_PF)
		write_cr2(linear); /* L0 takes no page faults: the guest's CR2 stays there */
	vmcs_write(VMCS_ENTRY_ERROR_CODE, error_code);
	inject_fault(vector, flags);
}

void inject_exception_error(struct vcpu *v, enum vector vector, u32 error_code)
{
	inject_error(v, vector, error_code, 0);
}

void inject_page_fault(struct vcpu *v, u64 linear, u32 error_code)
{
	inject_error(v, VECTOR_PF, error_code, linear);
}

/* SDM "Debug Exceptions": what delivery does besides pushing a frame. RF is in the saved RFLAGS. */
static void take_debug_state(struct vcpu *v)
{
	u64 debugctl = vmcs_read(VMCS_GUEST_DEBUGCTL);
	u64 dr7 = vmcs_read(VMCS_GUEST_DR7);

	write_dr6(debug_dr6_after(read_dr6(), exit_qualification(v)));
	if (dr7 & DR7_GENERAL_DETECT)
		vmcs_write(VMCS_GUEST_DR7, dr7 & ~(u64)DR7_GENERAL_DETECT);
	if (debugctl & (DEBUGCTL_LBR | DEBUGCTL_BTF))
		vmcs_write(VMCS_GUEST_DEBUGCTL, debugctl & ~(u64)(DEBUGCTL_LBR | DEBUGCTL_BTF));
}

void inject_debug_again(struct vcpu *v)
{
	u32 info = (u32)vmcs_read(VMCS_EXIT_INTR_INFO);
	u64 blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	if (INTR_INFO_TYPE(info) == INTR_PRIVILEGED_SOFTWARE)
		vmcs_write(VMCS_ENTRY_INSN_LEN, vmcs_read(VMCS_EXIT_INSN_LEN));
	else
		take_debug_state(v);
	/*
	 * A delivery ends this blocking. Left in place with RFLAGS.TF it would ask for a pending
	 * single step (SDM "Checks on Guest Non-Register State"), which a #DB's exit does not save.
	 */
	if (blocked & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS))
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
			   blocked & ~(u64)(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
	vmcs_write(VMCS_ENTRY_INTR_INFO, INTR_INFO_VALID | INTR_INFO_TYPE(info) << 8 | VECTOR_DB);
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
