/* SPDX-License-Identifier: MIT */
/* VMX operation of L1: IA32_FEATURE_CONTROL, the capability MSRs, VMXON, VMXOFF. */
#include "hv/msr_index.h"
#include "vmx/control_regs.h"
#include "vmx/nested/caps12.h"
#include "vmx/nested/nested.h"
#include "vmx/nested/pointer.h"
#include "vmx/nested_calls.h"
#include "vmx/request.h"
#include "vmx/segment.h"
#include "vmx/vm.h"
#include "vmx/vmcs01.h"

/* What VMX operation fixes and L1 could change without an exit outside it. */
#define CR0_FIXED_IN_OPERATION (CR0_PE | CR0_PG)

bool nested_msr_read(const struct vcpu *v, u32 msr, u64 *value)
{
	if (msr == MSR_IA32_FEATURE_CONTROL) {
		*value = v->nested->feature_control;
		return true;
	}
	return caps12_msr(&v->vm->nested->caps, msr, value);
}

bool nested_msr_write(struct vcpu *v, u32 msr, u64 value)
{
	u64 *control = &v->nested->feature_control;

	if (msr != MSR_IA32_FEATURE_CONTROL || (*control & FEATURE_CONTROL_LOCKED) ||
	    (value & ~(u64)(FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMXON)))
		return false;
	*control = value;
	return true;
}

/* SDM "VMXON": what makes it #GP besides CPL. */
static bool may_begin(const struct vcpu *v)
{
	const struct vmx_caps *caps = &v->vm->nested->caps;
	u64 cr0 = vmcs_read_masked(VMCS_GUEST_CR0, VMCS_CR0_MASK, VMCS_CR0_SHADOW);
	u64 cr4 = vmcs_read_masked(VMCS_GUEST_CR4, VMCS_CR4_MASK, VMCS_CR4_SHADOW);
	u64 wanted = FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMXON;

	return (cr0 & caps->cr0_fixed0) == caps->cr0_fixed0 &&
	       (cr4 & caps->cr4_fixed0) == caps->cr4_fixed0 &&
	       (v->nested->feature_control & wanted) == wanted;
}

/* From now on L1 cannot clear the fixed bits; those that hardware leaves to it become L0's. */
static void begin(struct vcpu *v)
{
	const struct vmx_caps *caps = &v->vm->nested->caps;
	u64 cr0 = vmcs_read_masked(VMCS_GUEST_CR0, VMCS_CR0_MASK, VMCS_CR0_SHADOW);

	v->cr0_fixed = caps->cr0_fixed0;
	v->cr4_fixed = caps->cr4_fixed0;
	vmcs01_write_shadows(v, cr0, v->kept.CR4_SHADOW);
	vmcs_write(VMCS_CR0_MASK, CR0_L0_OWNED | CR0_FIXED_IN_OPERATION);
	v->nested->long_mode = vmcs_read(VMCS_GUEST_EFER) & EFER_LMA;
	v->nested->in_operation = true;
	v->nested->vpid_epoch++;
	shadow_set_operation(v, true);
}

static void end(struct vcpu *v)
{
	struct nested *nested = v->nested;

	if (!nested->in_operation)
		return;
	nested_leave_current(v);
	translations_leave(v);
	nested->in_operation = false;
	v->cr0_fixed = 0;
	v->cr4_fixed = 0;
	vmcs_write(VMCS_CR0_MASK, CR0_L0_OWNED);
	shadow_set_operation(v, false);
}

enum exit_action exit_vmxon(struct vcpu *v)
{
	struct nested *nested = v->nested;
	l1_gpa_t pointer;

	if (!(vmcs_read(VMCS_CR4_SHADOW) & CR4_VMXE)) {
		vmx_fault(v, VECTOR_UD);
		return EXIT_RESUME;
	}
	if (nested->in_operation)
		return vmx_insn_allowed(v) ? vmx_fail(v, VMX_ERROR_VMXON_IN_ROOT) : EXIT_RESUME;
	if (segment_cpl() || !may_begin(v)) {
		vmx_fault(v, VECTOR_GP);
		return EXIT_RESUME;
	}
	if (!vmx_operand_read(v, &pointer.raw, sizeof(pointer.raw)))
		return EXIT_RESUME;
	if (!pointer_is_valid(v, pointer) || pointer_revision(v, pointer) != VMCS12_REVISION)
		return vmx_fail_invalid();
	nested->vmxon_region = pointer;
	begin(v);
	return vmx_succeed();
}

enum exit_action exit_vmxoff(struct vcpu *v)
{
	struct context *context = v->nested->current;

	if (!vmx_insn_allowed(v))
		return EXIT_RESUME;
	if (context) {
		nested_sync(v, context);
		nested_write_back(v->vm, context);
		context->is_clear = true;
	}
	end(v);
	/* An INIT that waited. */
	vcpu_request(v, REQUEST_EVENT);
	return vmx_succeed();
}

bool nested_in_operation(const struct vcpu *v)
{
	return v->nested->in_operation;
}

/* SDM "VMCALL": in root operation, without a dual-monitor treatment of SMIs. */
enum exit_action nested_vmcall(struct vcpu *v)
{
	return vmx_insn_allowed(v) ? vmx_fail(v, VMX_ERROR_VMCALL_IN_ROOT) : EXIT_RESUME;
}

void nested_reset(struct vcpu *v)
{
	if (v->nested)
		end(v);
}
