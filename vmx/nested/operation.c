/* SPDX-License-Identifier: MIT */
/* VMX operation of L1: VMXON, VMXOFF, and the pointers VMCLEAR, VMPTRLD, VMPTRST. */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "vmx/control_regs.h"
#include "vmx/inject.h"
#include "vmx/nested/nested.h"
#include "vmx/ops.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

#define RFLAGS_ARITHMETIC \
	(RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)
#define REVISION_SHADOW (1u << 31)
#define NO_POINTER      (~0ULL)

static enum exit_action end(u64 flag)
{
	vmcs_write(VMCS_GUEST_RFLAGS,
		   (vmcs_read(VMCS_GUEST_RFLAGS) & ~(u64)RFLAGS_ARITHMETIC) | flag);
	return EXIT_SKIP_INSN;
}

enum exit_action vmx_succeed(void)
{
	return end(0);
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

static bool fault(struct vcpu *v, enum vector vector)
{
	if (vector == VECTOR_UD)
		inject_exception(v, vector);
	else
		inject_exception_error(v, vector, 0);
	return false;
}

/* Real-address, virtual-8086 and compatibility mode have no VMX instructions. */
static bool has_vmx_insns(void)
{
	bool long_mode = vmcs_read(VMCS_GUEST_EFER) & EFER_LMA;

	return (vmcs_read(VMCS_GUEST_CR0) & CR0_PE) && !(vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_VM) &&
	       (!long_mode || (vmcs_read(VMCS_GUEST_AR_CS) & AR_L));
}

bool vmx_insn_allowed(struct vcpu *v)
{
	if (!v->nested || !v->nested->in_operation || !has_vmx_insns())
		return fault(v, VECTOR_UD);
	return segment_cpl() == 0 || fault(v, VECTOR_GP);
}

static bool is_valid_pointer(const struct vcpu *v, l1_gpa_t pointer)
{
	return IS_ALIGNED(pointer.raw, PAGE_SIZE) &&
	       !(pointer.raw >> v->vm->nested->caps.physical_bits);
}

/* The revision identifier at a VMCS pointer; a page that is not there has none of ours. */
static u32 revision_at(struct vcpu *v, l1_gpa_t pointer)
{
	u32 revision;

	return walk_cache_read(&v->walk, pointer, &revision, sizeof(revision)) ? 0 : revision;
}

/* SDM "VMXON": what makes it #GP besides CPL. */
static bool may_enter_operation(const struct vcpu *v)
{
	const struct vmx_caps *caps = &v->vm->nested->caps;
	u64 cr0 = vmcs_read(VMCS_CR0_SHADOW), cr4 = vmcs_read(VMCS_CR4_SHADOW);
	u64 wanted = FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMXON;

	cr0 = (vmcs_read(VMCS_GUEST_CR0) & ~(u64)CR0_L0_OWNED) | (cr0 & CR0_L0_OWNED);
	cr4 |= vmcs_read(VMCS_GUEST_CR4) & ~vmcs_read(VMCS_CR4_MASK);
	return (cr0 & caps->cr0_fixed0) == caps->cr0_fixed0 &&
	       (cr4 & caps->cr4_fixed0) == caps->cr4_fixed0 &&
	       (v->nested->feature_control & wanted) == wanted;
}

enum exit_action exit_vmxon(struct vcpu *v)
{
	struct nested *nested = v->nested;
	l1_gpa_t pointer;

	if (!nested || !(vmcs_read(VMCS_CR4_SHADOW) & CR4_VMXE) || !has_vmx_insns()) {
		fault(v, VECTOR_UD);
		return EXIT_RESUME;
	}
	if (nested->in_operation)
		return vmx_insn_allowed(v) ? vmx_fail(v, VMX_ERROR_VMXON_IN_ROOT) : EXIT_RESUME;
	if (segment_cpl() || !may_enter_operation(v)) {
		fault(v, VECTOR_GP);
		return EXIT_RESUME;
	}
	if (!vmx_operand_read(v, &pointer.raw, sizeof(pointer.raw)))
		return EXIT_RESUME;
	if (!is_valid_pointer(v, pointer) || revision_at(v, pointer) != VMCS12_REVISION)
		return vmx_fail_invalid();
	nested->in_operation = true;
	nested->vmxon_region = pointer;
	return vmx_succeed();
}

void nested_write_back(struct vm *vm, const struct context *context)
{
	(void)guest_write(vm->memory, context->vmptr, &context->v12, sizeof(context->v12));
}

void nested_leave_current(struct vcpu *v)
{
	struct context *context = v->nested->current;

	if (!context)
		return;
	v->nested->current = NULL;
	context_detach(&v->vm->nested->contexts, context, v->index);
}

enum exit_action exit_vmxoff(struct vcpu *v)
{
	if (!vmx_insn_allowed(v))
		return EXIT_RESUME;
	if (v->nested->current)
		nested_write_back(v->vm, v->nested->current);
	nested_leave_current(v);
	v->nested->in_operation = false;
	return vmx_succeed();
}

enum exit_action exit_vmclear(struct vcpu *v)
{
	struct nested *nested = v->nested;
	struct context *context;
	l1_gpa_t pointer;

	if (!vmx_insn_allowed(v) || !vmx_operand_read(v, &pointer.raw, sizeof(pointer.raw)))
		return EXIT_RESUME;
	if (!is_valid_pointer(v, pointer))
		return vmx_fail(v, VMX_ERROR_VMCLEAR_ADDRESS);
	if (pointer.raw == nested->vmxon_region.raw)
		return vmx_fail(v, VMX_ERROR_VMCLEAR_VMXON_POINTER);
	context = context_find(&v->vm->nested->contexts, pointer);
	if (context) {
		context->v12.launched = 0;
		nested_write_back(v->vm, context);
	} else {
		u32 clear = 0;

		(void)walk_cache_write(&v->walk,
				       l1_gpa_add(pointer, offsetof(struct vmcs12, launched)),
				       &clear, sizeof(clear));
	}
	if (context && context == nested->current)
		nested_leave_current(v);
	return vmx_succeed();
}
