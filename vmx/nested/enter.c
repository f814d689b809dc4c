/* SPDX-License-Identifier: MIT */
/*
 * VMLAUNCH and VMRESUME of L1, in the SDM's order ("VM Entries"): the VMCS itself, controls and
 * host state (VMfail), guest state (exit 33), MSRs (exit 34). What has passed before and did not
 * change is not checked again.
 */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "vmx/cpu_vmx.h"
#include "vmx/event.h"
#include "vmx/events.h"
#include "vmx/nested/identity_ept.h"
#include "vmx/nested/nested.h"
#include "vmx/nested/measured.h"
#include "vmx/nmi_mask.h"
#include "vmx/request.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

/* Sections that read no lazy guest state but what tells L2's mode. */
#define CHECKS_OF_MODE                                                                   \
	(ENTRY_CHECKS_CONTROLS | ENTRY_CHECKS_HOST | ENTRY_CHECK_MASK(rip) |             \
	 ENTRY_CHECK_MASK(rflags) | ENTRY_CHECK_MASK(activity) | ENTRY_CHECK_MASK(ssp) | \
	 ENTRY_CHECK_MASK(interruptibility) | ENTRY_CHECK_MASK(nmi_after_sti))

/* What the rules look at in L1's memory, which has to be looked at again at each entry. The PDPTEs
 * that are checked are those that L2 will have. */
static void read_memory(struct vcpu *v, struct context *context, struct entry_check_context *c)
{
	const struct vmcs12 *v12 = c->v12;
	u32 need = entry_checks_need(c);

	context->unchecked |= entry_checks_of_memory(need);
	if (need & NEED_LINK_HEADER) {
		c->link_header = ~0u;
		(void)walk_cache_read(&v->walk, l1_gpa(v12->LINK_POINTER), &c->link_header,
				      sizeof(c->link_header));
	}
	if (need & NEED_VTPR) {
		c->vtpr = 0xff;
		(void)walk_cache_read(&v->walk, l1_gpa(v12->VIRTUAL_APIC_ADDR + LAPIC_TPR),
				      &c->vtpr, sizeof(c->vtpr));
	}
	if ((need & NEED_PDPTES) && walk_cache_read(&v->walk, l1_gpa(v12->GUEST_CR3 & BITS(31, 5)),
						    c->pdptes, sizeof(c->pdptes)))
		memset(c->pdptes, 0xff, sizeof(c->pdptes));
	v->nested->loads_pdptes = need & NEED_PDPTES;
	memcpy(v->nested->pdptes, c->pdptes, sizeof(c->pdptes));
}

static void __attribute__((noinline)) plan(const struct vcpu *v, struct context *context)
{
	context->plan = plan_make(&context->v12, identity_eptp(&v->vm->nested->identity_caps));
	context->dirty &= ~DIRTY_PLAN;
	pages_replanned(context);
}

/* Run what has not passed; what passes is not run again until a field changes. */
static struct entry_check_failure __attribute__((noinline))
check(struct vcpu *v, struct context *context)
{
	struct entry_check_context c = {
		.v12 = &context->v12,
		.cpu = &v->vm->nested->check_cpu,
		.current = context->vmptr,
		.long_mode = v->nested->long_mode,
	};
	struct entry_check_failure failure;

	if (context->plan.extras & ENTRY_READS_MEMORY)
		read_memory(v, context, &c);
	failure = entry_checks_run(&c, context->unchecked);
	if (!failure.rule)
		context->unchecked = 0;
	return failure;
}

/* Whether something waits for L1 that its own VMCS held back: it may end L2's turn at once. */
static bool has_events(const struct vcpu *v)
{
	if ((v->vmcs01.cpu_controls & (CPU_INTERRUPT_WINDOW | CPU_NMI_WINDOW)) ||
	    (v->lapic.events & LAPIC_EVENT_INIT)) /* root operation latched it */
		return true;
	return apicv_delivers(&v->apicv) && (u8)vmcs_read(VMCS_GUEST_INTR_STATUS);
}

/* What of L1 the entry has to know: vmcs01 is current, for the last time before L2. */
static void note_l1(struct vcpu *v, const struct vmcs12 *v12)
{
	v->nested->has_events = has_events(v);
	shared_note_l1(v, v12);
}

/* Activity state HLT is L0's to emulate; an event that the entry injects ends it. */
static void enter_halted(struct vcpu *v, const struct vmcs12 *v12)
{
	if (v12->GUEST_ACTIVITY != ACTIVITY_HLT || (v12->ENTRY_INTR_INFO & INTR_INFO_VALID))
		return;
	v->activity = VCPU_HALTED;
	vcpu_request(v, REQUEST_EVENT); /* to leave the loop, if nothing ends it */
}

/* SDM "Changes to Instruction Behavior in VMX Non-Root Operation": L2's IRET does not unblock NMIs
 * that exit, unless they are virtual. vmcs02 has virtual ones. */
static bool blocks_nmis(const struct vmcs12 *v12)
{
	return (v12->GUEST_INTERRUPTIBILITY & BLOCKED_BY_NMI) ||
	       ((v12->ENTRY_INTR_INFO & INTR_INFO_VALID) &&
		INTR_INFO_TYPE(v12->ENTRY_INTR_INFO) == INTR_NMI);
}

void nested_update(struct vcpu *v, struct context *context)
{
	v->nested->derive.l1_tsc_offset = v->tsc_offset;
	v->nested->derive.lost_virtual_apic = pages_lost_virtual_apic(&context->pages);
	context->tsc_offset = v->tsc_offset;
	vmcs02_update(v, context, &v->nested->derive);
	events_timer_control(v);
}

static void enter_l2(struct vcpu *v, struct context *context)
{
	const struct vmcs12 *v12 = &context->v12;

	v->nested->derive.v12 = v12;
	if (unlikely(context->tsc_offset != v->tsc_offset))
		context->dirty |= 1u << DERIVE_TSC;
	vcpu_switch_vmcs(v, &context->vmcs02);
	if (context->dirty || unlikely(context->cpu != v->cpu))
		nested_update(v, context);
	if (context->plan.extras & ENTRY_SHARES)
		shared_enter(v, context);
	if (unlikely(v->nested->loads_pdptes))
		vmcs_write_pdptes(v->nested->pdptes);
	v->l2_tsc_offset = context->plan.tsc_offset;
	measured_reach(v, context);
	msr_bitmap_merge(v, context);
	translations_enter(v, context);
	if (context->plan.extras & ENTRY_PAGES)
		pages_write(context);
	if (unlikely(context->violated))
		exit02_ept_ahead(v, context);
	if (unlikely(v12->GUEST_ACTIVITY))
		enter_halted(v, v12);
	nmi_mask_apply();
	if (unlikely(v->nested->has_events))
		vcpu_request(v, REQUEST_EVENT);
}

/* The entry's list of MSRs is loaded last; what fails there leaves L2 again. */
static void load_msrs(struct vcpu *v, struct context *context)
{
	const struct vmcs12 *v12 = &context->v12;
	u32 failed;

	context->dirty |= LAZY_GROUPS; /* the list may write what vmcs02 keeps */
	failed = msr_list_load(v, l1_gpa(v12->ENTRY_MSR_LOAD_ADDR), (u32)v12->ENTRY_MSR_LOAD_COUNT);
	if (failed)
		nested_entry_fails(v, EXIT_ENTRY_MSR_LOAD, failed);
}

/* SDM "Basic VM-Entry Checks": 0, or the VM-instruction error. */
static u32 basic_error(const struct context *context, bool launches, u64 blocked)
{
	if (blocked & BLOCKED_BY_MOV_SS)
		return VMX_ERROR_ENTRY_MOV_SS;
	if (launches && context->v12.launched)
		return VMX_ERROR_VMLAUNCH_NOT_CLEAR;
	if (!launches && !context->v12.launched)
		return VMX_ERROR_VMRESUME_NOT_LAUNCHED;
	return 0;
}

/* What not every L1 asks for, before vmcs02 is current. */
static void __attribute__((noinline)) begin_extras(struct vcpu *v, const struct context *context)
{
	if (context->plan.extras & ENTRY_OWN_NMIS)
		v->nested->blocks_nmis = blocks_nmis(&context->v12);
	if (context->plan.extras & ENTRY_TIMER)
		l2_timer_start(v, &context->v12);
}

static enum exit_action enter_checked(struct vcpu *v, struct context *context)
{
	bool loads_msrs = context->plan.extras & ENTRY_LOADS_MSRS;

	v->nested->was_launched = context->v12.launched;
	if (unlikely(context->lazy && (loads_msrs || (context->dirty & LAZY_GROUPS)))) {
		vmcs_load(context->vmcs02.page);
		vmcs02_save_lazy(v, context);
	}
	if (unlikely(context->plan.extras & (ENTRY_OWN_NMIS | ENTRY_TIMER)))
		begin_extras(v, context);
	enter_l2(v, context);
	if (unlikely(loads_msrs))
		load_msrs(v, context);
	if (vcpu_is_in_l2(v))
		context->v12.launched = 1;
	return EXIT_RESUME;
}

static enum exit_action refuse(struct vcpu *v, const struct entry_check_failure *failure)
{
	vmcs_load(v->vmcs01.page);
	v->exit->rule = failure->rule;
	v->exit->vcpu |= EXIT_RECORD_RULE;
	if (failure->kind == ENTRY_CHECK_CONTROLS)
		return vmx_fail(v, VMX_ERROR_ENTRY_CONTROLS);
	if (failure->kind == ENTRY_CHECK_HOST)
		return vmx_fail(v, VMX_ERROR_ENTRY_HOST_STATE);
	nested_entry_fails(v, EXIT_ENTRY_GUEST_STATE, failure->qualification);
	return EXIT_RESUME;
}

/* The pages that the CPU would use cannot be had: the instruction runs again, or fails where there
 * is no memory. */
static enum exit_action __attribute__((noinline))
without_pages(struct vcpu *v, struct context *context)
{
	static const struct entry_check_failure no_virtual_apic = {
		.rule = "virtual-APIC page: no memory",
		.kind = ENTRY_CHECK_CONTROLS,
	};

	if (context->pages.missing & 1u << L2_PAGE_VIRTUAL_APIC)
		return refuse(v, &no_virtual_apic);
	vmcs_load(v->vmcs01.page);
	if (context->pages.missing && pages_wait(v, context))
		return EXIT_STOP;
	return EXIT_RESUME;
}

static void save_for_checks(struct vcpu *v, struct context *context)
{
	vmcs_load(context->vmcs02.page);
	if (context->unchecked & ~(u32)CHECKS_OF_MODE)
		vmcs02_save_lazy(v, context);
	else if (context->lazy & LAZY_MODE)
		vmcs02_save_mode(context);
}

static enum exit_action enter(struct vcpu *v, bool launches)
{
	struct context *context = v->nested->current;
	u64 blocked;
	u32 error;

	if (!vmx_insn_allowed(v))
		return EXIT_RESUME;
	if (!context)
		return vmx_fail_invalid();
	blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	error = basic_error(context, launches, blocked);
	if (unlikely(error))
		return vmx_fail(v, (enum vmx_error)error);
	v->kept.GUEST_INTERRUPTIBILITY = blocked;
	nmi_mask_note_blocked(blocked & BLOCKED_BY_NMI);
	note_l1(v, &context->v12);
	shadow_pull(context);
	if (unlikely(context->dirty & DIRTY_PLAN))
		plan(v, context);
	v->nested->loads_pdptes = false;
	if (unlikely(context->unchecked || (context->plan.extras & ENTRY_READS_MEMORY))) {
		struct entry_check_failure failure;

		if (context->lazy)
			save_for_checks(v, context);
		failure = check(v, context);
		if (failure.rule)
			return refuse(v, &failure);
	}
	if ((context->plan.extras & ENTRY_PAGES) && unlikely(pages_look(v, context) != PAGES_READY))
		return without_pages(v, context);
	return enter_checked(v, context);
}

enum exit_action exit_vmlaunch(struct vcpu *v)
{
	return enter(v, true);
}

enum exit_action exit_vmresume(struct vcpu *v)
{
	return enter(v, false);
}
