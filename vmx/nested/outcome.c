/* SPDX-License-Identifier: MIT */
/* How VMX instructions end. */
#include "hv/msr_index.h"
#include "vmx/inject.h"
#include "vmx/nested/nested.h"
#include "vmx/segment.h"

static enum exit_action end(u64 flag)
{
	u64 before = vmcs_read(VMCS_GUEST_RFLAGS);
	u64 after = (before & ~(u64)RFLAGS_ARITHMETIC) | flag;

	if (before != after)
		vmcs_write(VMCS_GUEST_RFLAGS, after);
	return EXIT_SKIP_INSN;
}

enum exit_action vmx_fail_invalid(void)
{
	return end(RFLAGS_CF);
}

enum exit_action vmx_fail(struct vcpu *v, enum vmx_error error)
{
	if (!v->nested->current)
		return vmx_fail_invalid();
	v->nested->current->v12.INSN_ERROR = error;
	return end(RFLAGS_ZF);
}

bool vmx_fault(struct vcpu *v, enum vector vector)
{
	if (vector == VECTOR_UD)
		inject_exception(v, vector);
	else
		inject_exception_error(v, vector, 0);
	return false;
}

bool vmx_insn_refused(struct vcpu *v)
{
	return vmx_fault(v, v->nested->in_operation ? VECTOR_GP : VECTOR_UD);
}
