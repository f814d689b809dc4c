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
#include "vmx/nested/nested.h"
#include "vmx/nmi_mask.h"
#include "vmx/request.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

/* Sections that read nothing but what each exit saves. */
#define CHECKS_OF_SAVED                                                                   \
	(ENTRY_CHECKS_CONTROLS | ENTRY_CHECKS_HOST | ENTRY_CHECK_MASK(rip) |              \
	 ENTRY_CHECK_MASK(rflags) | ENTRY_CHECK_MASK(activity) | ENTRY_CHECK_MASK(ssp) | \
	 ENTRY_CHECK_MASK(interruptibility) | ENTRY_CHECK_MASK(nmi_after_sti))

#define LOADS (ENTRY_CTL_LOAD_DEBUG | ENTRY_CTL_LOAD_PAT | ENTRY_CTL_LOAD_EFER)
#define SAVES (EXIT_CTL_SAVE_DEBUG | EXIT_CTL_SAVE_PAT | EXIT_CTL_SAVE_EFER)

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
	if ((need & NEED_PDPTES) &&
	    walk_cache_read(&v->walk, l1_gpa(v12->GUEST_CR3 & BITS(31, 5)), c->pdptes,
			    sizeof(c->pdptes)))
		memset(c->pdptes, 0xff, sizeof(c->pdptes));
	v->nested->loads_pdptes = need & NEED_PDPTES;
	memcpy(v->nested->pdptes, c->pdptes, sizeof(c->pdptes));
}

/* Whether the rules have to look at L1's memory: rare, and told by what an exit always saves. */
static bool may_need_memory(const struct vmcs12 *v12)
{
	return v12->LINK_POINTER != ~0ULL || !(v12->ENTRY_CONTROLS & ENTRY_CTL_IA32E_MODE);
}

/* Run what has not passed; what passes is not run again until a field changes. */
static struct entry_check_failure check(struct vcpu *v, struct context *context)
{
	struct entry_check_context c = {
		.v12 = &context->v12,
		.cpu = &v->vm->nested->check_cpu,
		.current = context->vmptr,
	};
	struct entry_check_failure failure = { 0 };

	v->nested->loads_pdptes = false;
	if (unlikely(may_need_memory(c.v12)))
		read_memory(v, context, &c);
	if (likely(!context->unchecked))
		return failure;
	c.long_mode = vmcs_read(VMCS_GUEST_EFER) & EFER_LMA; /* VMX operation fixes it */
	failure = entry_checks_run(&c, context->unchecked);
	if (!failure.rule)
		context->unchecked = 0;
	return failure;
}

static void fill_inputs(const struct vcpu *v, const struct context *context,
			struct derive_inputs *in)
{
	*in = v->vm->nested->derive;
	in->v12 = &context->v12;
	in->l1_tsc_offset = v->tsc_offset;
	if (likely((context->v12.ENTRY_CONTROLS & LOADS) == LOADS))
		return;
	in->l1_efer = vmcs_read(VMCS_GUEST_EFER);
	in->l1_pat = vmcs_read(VMCS_GUEST_PAT);
	in->l1_dr7 = vmcs_read(VMCS_GUEST_DR7);
	in->l1_debugctl = vmcs_read(VMCS_GUEST_DEBUGCTL);
}

/* Where an entry does not load what the exit saves, vmcs02 cannot keep it. */
static void write_not_kept(const struct context *context, const struct derive_inputs *in)
{
	u32 first = derive_first(DERIVE_MSRS);

	if (likely((context->v12.ENTRY_CONTROLS & LOADS) == LOADS &&
		   (context->v12.EXIT_CONTROLS & SAVES) == SAVES))
		return;
	for (u32 i = first; i < first + DERIVE_MSRS_LOADED; i++)
		vmcs_write(derive_rows[i].field, derive_value(&derive_rows[i], in));
}

static void write_pdptes(const u64 pdptes[4])
{
	for (u32 i = 0; i < 4; i++)
		vmcs_write((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i), pdptes[i]);
}

/* Whether something waits for L1 that its own VMCS held back: it may end L2's turn at once. */
static bool has_events(const struct vcpu *v)
{
	if (v->vmcs01.cpu_controls & (CPU_INTERRUPT_WINDOW | CPU_NMI_WINDOW))
		return true;
	return apicv_delivers(&v->apicv) && (u8)vmcs_read(VMCS_GUEST_INTR_STATUS);
}

/* The activity state: HLT is L0's to emulate; an event that the entry injects ends it. */
static void enter_activity(struct vcpu *v, const struct vmcs12 *v12)
{
	bool halts = v12->GUEST_ACTIVITY == ACTIVITY_HLT &&
		     !(v12->ENTRY_INTR_INFO & INTR_INFO_VALID);

	v->activity = halts ? VCPU_HALTED : VCPU_ACTIVE;
	if (halts)
		vcpu_request(v, REQUEST_EVENT); /* to leave the loop, if nothing ends it */
}

static void enter_l2(struct vcpu *v, struct context *context)
{
	struct derive_inputs in;
	bool waits = has_events(v);

	fill_inputs(v, context, &in);
	if (unlikely(context->tsc_offset != v->tsc_offset)) {
		context->tsc_offset = v->tsc_offset;
		context->dirty |= 1u << DERIVE_TSC;
	}
	vcpu_switch_vmcs(v, &context->vmcs02);
	if (context->dirty || unlikely(context->cpu != v->cpu))
		vmcs02_update(v, context, &in);
	write_not_kept(context, &in);
	if (unlikely(v->nested->loads_pdptes))
		write_pdptes(v->nested->pdptes);
	v->l2_tsc_offset = context->v12.CPU_CONTROLS & CPU_USE_TSC_OFFSETTING
				   ? context->v12.TSC_OFFSET
				   : 0;
	msr_bitmap_merge(v, context);
	translations_enter(v, context);
	enter_activity(v, &context->v12);
	nmi_mask_apply();
	if (unlikely(waits))
		vcpu_request(v, REQUEST_EVENT);
}

/* The entry's list of MSRs is loaded last; what fails there leaves L2 again. */
static void load_msrs(struct vcpu *v, struct context *context)
{
	const struct vmcs12 *v12 = &context->v12;
	u32 failed;

	context->dirty |= LAZY_GROUPS; /* the list may write what vmcs02 keeps */
	failed = msr_list_load(v, l1_gpa(v12->ENTRY_MSR_LOAD_ADDR),
			       (u32)v12->ENTRY_MSR_LOAD_COUNT);
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

static enum exit_action enter_checked(struct vcpu *v, struct context *context)
{
	bool loads_msrs = context->v12.ENTRY_MSR_LOAD_COUNT;

	v->nested->was_launched = context->v12.launched;
	if (context->is_lazy && (loads_msrs || (context->dirty & LAZY_GROUPS)))
		nested_sync(v, context);
	enter_l2(v, context);
	if (unlikely(loads_msrs))
		load_msrs(v, context);
	if (vcpu_is_in_l2(v))
		context->v12.launched = 1;
	return EXIT_RESUME;
}

static enum exit_action enter(struct vcpu *v, bool launches)
{
	struct context *context = v->nested->current;
	struct entry_check_failure failure;
	u64 blocked;
	u32 error;

	if (!vmx_insn_allowed(v))
		return EXIT_RESUME;
	if (!context)
		return vmx_fail_invalid();
	blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	error = basic_error(context, launches, blocked);
	if (error)
		return vmx_fail(v, (enum vmx_error)error);
	nmi_mask_note_blocked(blocked & BLOCKED_BY_NMI);
	shadow_pull(context);
	if (context->is_lazy && (context->unchecked & ~(u32)CHECKS_OF_SAVED)) {
		vmcs_load(context->vmcs02.page);
		vmcs02_save_lazy(v, context);
	}
	vmcs_load(v->vmcs01.page);
	failure = check(v, context);
	if (likely(!failure.rule))
		return enter_checked(v, context);
	v->exit->detail = (uintptr_t)failure.rule;
	if (failure.kind == ENTRY_CHECK_CONTROLS)
		return vmx_fail(v, VMX_ERROR_ENTRY_CONTROLS);
	if (failure.kind == ENTRY_CHECK_HOST)
		return vmx_fail(v, VMX_ERROR_ENTRY_HOST_STATE);
	nested_entry_fails(v, EXIT_ENTRY_GUEST_STATE, failure.qualification);
	return EXIT_RESUME;
}

enum exit_action exit_vmlaunch(struct vcpu *v)
{
	return enter(v, true);
}

enum exit_action exit_vmresume(struct vcpu *v)
{
	return enter(v, false);
}
