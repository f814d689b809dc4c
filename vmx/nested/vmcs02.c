/* SPDX-License-Identifier: MIT */
/* vmcs02: what runs L2. It follows vmcs12 by groups of fields, and keeps the guest state that an
 * exit leaves there until somebody wants to know. */
#include "hv/errno.h"
#include "mm/ept01.h"
#include "mm/page.h"
#include "vmx/cpu_vmx.h"
#include "vmx/nested/nested.h"
#include "vmx/vm.h"
#include "vmx/vmcs01.h"

int vmcs02_create(struct context *context)
{
	context->vmcs02.page = vmcs_alloc();
	context->msr_bitmap = page_alloc(0);
	context->l1_msr_bitmap = page_alloc(0);
	return context->vmcs02.page && context->msr_bitmap && context->l1_msr_bitmap ? 0 : -ENOMEM;
}

void vmcs02_clear(struct context *context)
{
	vmcs_clear(context->vmcs02.page);
	context->vmcs02.launched = 0;
	context->cpu = NULL;
}

/* What does not depend on vmcs12, for the CPU that uses it from now on. */
static void write_own(struct context *context)
{
	vmcs01_write_host_state();
	vmcs_write(VMCS_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write(VMCS_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
	vmcs_write(VMCS_GUEST_ACTIVITY, 0);
	vmcs_write(VMCS_LINK_POINTER, ~0ULL);
	vmcs_write(VMCS_MSR_BITMAP, page_to_hpa(context->msr_bitmap).raw);
	if (context->vpid02)
		vmcs_write(VMCS_VPID, context->vpid02);
}

/* Derived groups forget what hw_vmcs remembers: here it is told. */
static void remember(struct context *context, enum vmcs_field field, u64 value)
{
	if (field == VMCS_CPU_CONTROLS)
		context->vmcs02.cpu_controls = (u32)value;
	else if (field == VMCS_PIN_CONTROLS)
		context->vmcs02.pin_controls = (u32)value;
	else if (field == VMCS_CR0_SHADOW)
		context->cr0_shadow = value;
	else if (field == VMCS_CR4_SHADOW)
		context->cr4_shadow = value;
	else if (field == VMCS_GUEST_EFER)
		context->efer = value;
	else if (field == VMCS_GUEST_PAT)
		context->pat = value;
	else if (field == VMCS_GUEST_DEBUGCTL)
		context->debugctl = value;
}

/* Fields that not every CPU has. */
static bool is_missing(enum vmcs_field field)
{
	if (field == VMCS_XSS_EXIT_BITMAP)
		return !vmx_has_controls(CONTROL_SET_CPU2, CPU2_ENABLE_XSAVES);
	if (field == VMCS_PLE_GAP || field == VMCS_PLE_WINDOW)
		return !vmx_has_controls(CONTROL_SET_CPU2, CPU2_PAUSE_LOOP_EXITING);
	return field == VMCS_TPR_THRESHOLD && !vmx_has_controls(CONTROL_SET_CPU, CPU_TPR_SHADOW);
}

static void write_group(struct context *context, u32 group, const struct derive_inputs *in)
{
	u32 end = derive_first[group + 1];

	for (u32 i = derive_first[group]; i < end; i++) {
		const struct derive_row *row = &derive_rows[i];
		u64 value = derive_value(row, in);

		if (is_missing(row->field))
			continue;
		vmcs_write(row->field, value);
		if (group == DERIVE_CONTROLS || group == DERIVE_CR || group == DERIVE_MSRS)
			remember(context, row->field, value);
	}
}

void vmcs02_update(struct vcpu *v, struct context *context, const struct derive_inputs *in)
{
	ASSERT(!(context->dirty & DIRTY_PLAN));
	if (unlikely(context->cpu != v->cpu)) {
		context->cpu = v->cpu;
		context->dirty = DERIVE_ALL;
		write_own(context);
	}
	for (u32 groups = context->dirty; groups; groups &= groups - 1)
		write_group(context, (u32)__builtin_ctz(groups), in);
	context->dirty = 0;
}

void vmcs02_save(struct context *context)
{
	struct vmcs12 *v12 = &context->v12;

	v12->GUEST_RSP = vmcs_read(VMCS_GUEST_RSP);
	v12->GUEST_RFLAGS = vmcs_read(VMCS_GUEST_RFLAGS);
	v12->GUEST_INTERRUPTIBILITY = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	context->lazy = LAZY_MODE | LAZY_REST;
}

void vmcs02_save_mode(struct context *context)
{
	struct vmcs12 *v12 = &context->v12;

	v12->GUEST_AR_CS = vmcs_read(VMCS_GUEST_AR_CS);
	v12->GUEST_AR_SS = vmcs_read(VMCS_GUEST_AR_SS);
	v12->GUEST_CR0 = derive_cr0_of_l2(v12, vmcs_read(VMCS_GUEST_CR0), context->cr0_shadow);
	v12->ENTRY_CONTROLS = (v12->ENTRY_CONTROLS & ~(u64)ENTRY_CTL_IA32E_MODE) |
			      (vmcs_read(VMCS_ENTRY_CONTROLS) & ENTRY_CTL_IA32E_MODE);
	context->lazy &= ~(u32)LAZY_MODE;
}

/* Whether L1's controls, as they were at the exit, have this field saved. */
static bool is_saved(const struct vmcs12 *v12, enum vmcs_field field)
{
	if (field == VMCS_GUEST_EFER)
		return v12->EXIT_CONTROLS & EXIT_CTL_SAVE_EFER;
	if (field == VMCS_GUEST_PAT)
		return v12->EXIT_CONTROLS & EXIT_CTL_SAVE_PAT;
	if (field == VMCS_GUEST_DR7 || field == VMCS_GUEST_DEBUGCTL)
		return v12->EXIT_CONTROLS & EXIT_CTL_SAVE_DEBUG;
	return true;
}

static void save_group(struct context *context, u32 group)
{
	u32 end = derive_first[group + 1];

	for (u32 i = derive_first[group]; i < end; i++) {
		const struct vmcs_field_info *info = vmcs_field_find(derive_rows[i].field);

		if (is_saved(&context->v12, derive_rows[i].field))
			context->v12.fields[info - vmcs_field_table] =
				vmcs_read(derive_rows[i].field);
	}
}

void vmcs02_save_lazy(struct vcpu *v, struct context *context)
{
	struct vmcs12 *v12 = &context->v12;
	struct derive_inputs in = v->vm->nested->derive;

	in.v12 = v12;
	if (context->lazy & LAZY_MODE)
		vmcs02_save_mode(context);
	save_group(context, DERIVE_SEGMENTS);
	save_group(context, DERIVE_MSRS);
	v12->GUEST_CR3 = vmcs_read(VMCS_GUEST_CR3);
	v12->GUEST_CR4 = derive_cr4_of_l2(&in, vmcs_read(VMCS_GUEST_CR4), context->cr4_shadow);
	context->lazy = 0;
}

void nested_sync(struct vcpu *v, struct context *context)
{
	if (!context->lazy && !context->shadow.page)
		return;
	shadow_pull(context);
	if (context->lazy) {
		vmcs_load(context->vmcs02.page);
		vmcs02_save_lazy(v, context);
	}
	vmcs_load(v->vmcs01.page);
}
