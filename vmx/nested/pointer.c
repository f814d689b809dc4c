/* SPDX-License-Identifier: MIT */
/* The current-VMCS pointer: VMCLEAR, VMPTRLD, VMPTRST. */
#include "vmx/cpu_vmx.h"
#include "vmx/nested/pointer.h"
#include "hv/string.h"
#include "vmx/nested/nested.h"
#include "vmx/request.h"
#include "vmx/vm.h"

#define NO_POINTER (~0ULL)

void nested_write_back(struct vm *vm, const struct context *context)
{
	(void)guest_write(vm->memory, context->vmptr, &context->v12, sizeof(context->v12));
}

void nested_leave_current(struct vcpu *v)
{
	struct context *context = v->nested->current;

	if (!context)
		return;
	shadow_link(v, NULL);
	v->nested->current = NULL;
	context_detach(&v->vm->nested->contexts, context, v->index);
}

/* Another vCPU has to give something up: it is asked, the instruction runs again. Who waits lets
 * the other vCPUs of its CPU run. */
static enum exit_action ask(struct vcpu *v, u32 owner)
{
	vcpu_request(v->vm->vcpus[owner], REQUEST_YIELD);
	return vm_shares_cpus(v->vm) ? EXIT_LEAVE : EXIT_RESUME;
}

/* A VMCS that no context holds: only its launch state has to become "clear". */
static void clear_in_memory(struct vcpu *v, l1_gpa_t pointer)
{
	u32 clear = 0;

	(void)walk_cache_write(&v->walk, l1_gpa_add(pointer, offsetof(struct vmcs12, launched)),
			       &clear, sizeof(clear));
}

/* All that L0 has of it goes to L1's memory; the context stays for who loads it next. */
static void write_and_clear(struct vcpu *v, struct context *context)
{
	nested_sync(v, context);
	context->v12.launched = 0;
	context->is_clear = true;
	nested_write_back(v->vm, context);
	vmcs02_clear(context);
	vmcs_load(v->vmcs01.page);
}

static void clear(struct vcpu *v, struct context *context)
{
	if (context->is_clear)
		clear_in_memory(v, context->vmptr);
	else
		write_and_clear(v, context);
	if (context == v->nested->current)
		nested_leave_current(v);
	else
		context_detach(&v->vm->nested->contexts, context, v->index);
}

enum exit_action exit_vmclear(struct vcpu *v)
{
	struct nested *nested = v->nested;
	struct context_pool *pool = &v->vm->nested->contexts;
	const struct context_user user = { v->index, v->cpu, NULL };
	struct context_claim claim;
	l1_gpa_t pointer;

	if (!vmx_insn_allowed(v) || !vmx_operand_read(v, &pointer.raw, sizeof(pointer.raw)))
		return EXIT_RESUME;
	if (!pointer_is_valid(v, pointer))
		return vmx_fail(v, VMX_ERROR_VMCLEAR_ADDRESS);
	if (pointer.raw == nested->vmxon_region.raw)
		return vmx_fail(v, VMX_ERROR_VMCLEAR_VMXON_POINTER);
	claim = context_claim_used(pool, pointer, &user);
	if (claim.busy_with != CONTEXT_NOBODY)
		return ask(v, claim.busy_with);
	if (claim.context)
		clear(v, claim.context);
	else
		clear_in_memory(v, pointer);
	return vmx_succeed();
}

/*
 * vmcs12 as it stands in L1's memory, which after VMCLEAR is L1's to write: copied once. What did
 * not change since the context had it keeps what was derived from it and checked.
 */
static void read_in(struct vcpu *v, struct context *context)
{
	struct vmcs12 *copy = &v->nested->copy;

	if (guest_read(v->vm->memory, context->vmptr, copy, sizeof(*copy)))
		memset(copy, 0, sizeof(*copy));
	vmcs12_truncate(copy);
	context->v12.launched = copy->launched != 0;
	for (u32 row = 0; row < VMCS12_ROWS; row++) {
		u64 before = context->v12.fields[row];

		context->v12.fields[row] = copy->fields[row];
		nested_field_changed(context, row, before);
	}
	context->is_clear = false;
	context->shadow.may_be_behind = true;
}

/* The context was another VMCS's, or nobody's: nothing of it counts. */
static void forget(const struct vm *vm, struct context *context)
{
	msr_bitmap_forget(vm, context);
	pages_forget(vm, context);
	memset(&context->v12, 0, sizeof(context->v12));
	context->v12.revision = VMCS12_REVISION;
	context->dirty = DERIVE_ALL | DIRTY_PLAN;
	context->violated = 0;
	context->vpid_owner = CONTEXT_NOBODY; /* its VPID02 has another L2's translations */
	context->unchecked = ENTRY_CHECKS_ALL;
	context->lazy = 0;
	context->is_clear = true;
}

enum exit_action exit_vmptrld(struct vcpu *v)
{
	struct nested *nested = v->nested;
	const struct context_user user = { v->index, v->cpu, nested->current };
	struct context_claim claim;
	l1_gpa_t pointer;

	if (!vmx_insn_allowed(v) || !vmx_operand_read(v, &pointer.raw, sizeof(pointer.raw)))
		return EXIT_RESUME;
	if (!pointer_is_valid(v, pointer))
		return vmx_fail(v, VMX_ERROR_VMPTRLD_ADDRESS);
	if (pointer.raw == nested->vmxon_region.raw)
		return vmx_fail(v, VMX_ERROR_VMPTRLD_VMXON_POINTER);
	if (pointer_revision(v, pointer) != VMCS12_REVISION)
		return vmx_fail(v, VMX_ERROR_VMPTRLD_REVISION);
	if (nested->current && nested->current->vmptr.raw == pointer.raw)
		return vmx_succeed();
	claim = context_claim(&v->vm->nested->contexts, pointer, &user);
	if (claim.busy_with != CONTEXT_NOBODY)
		return ask(v, claim.busy_with);
	if (claim.event != CONTEXT_HIT)
		forget(v->vm, claim.context);
	if (claim.context->is_clear)
		read_in(v, claim.context);
	nested->current = claim.context;
	if (claim.context->shadow.may_be_behind) {
		shadow_push(claim.context);
		vmcs_load(v->vmcs01.page);
	}
	shadow_link(v, claim.context);
	return vmx_succeed();
}

enum exit_action exit_vmptrst(struct vcpu *v)
{
	const struct context *context = v->nested->current;
	u64 pointer = context ? context->vmptr.raw : NO_POINTER;

	if (!vmx_insn_allowed(v) || !vmx_operand_write(v, &pointer, sizeof(pointer)))
		return EXIT_RESUME;
	return vmx_succeed();
}
