/* SPDX-License-Identifier: MIT */
/*
 * From L2 to L1 (SDM "VM Exits"): record the exit, save L2, store MSRs, load L1, load MSRs. L2's
 * state stays in vmcs02 but for what L1 looks at often.
 */
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "vmx/cpu_vmx.h"
#include "vmx/control_regs.h"
#include "vmx/event.h"
#include "vmx/events.h"
#include "vmx/nested/host_state_values.h"
#include "vmx/nested/insn_info.h"
#include "vmx/nested/nested.h"
#include "vmx/nested/measured.h"
#include "vmx/nmi_mask.h"
#include "vmx/request.h"
#include "vmx/vm.h"
#include "vmx/vmcs01.h"

/* VMX-abort indicators (SDM "VMX Aborts"). */
enum vmx_abort { VMX_ABORT_MSR_STORE = 1, VMX_ABORT_PDPTES = 2, VMX_ABORT_MSR_LOAD = 4 };

/* What an exit tells besides (SDM "Information for VM Exits Due to Vectored Events" and the like);
 * the rest reads as 0. TRAPS: it may leave debug traps pending. */
enum { QUALIFICATION = 1, EVENT = 2, INSN = 4, LINEAR = 8, PHYSICAL = 16, TRAPS = 32 };
#define OPERAND (QUALIFICATION | INSN)

static const u8 info_of[EXIT_REASONS_KNOWN] = {
	[EXIT_EXCEPTION_NMI] = QUALIFICATION | EVENT | TRAPS,
	[EXIT_EXTERNAL_INTERRUPT] = EVENT | TRAPS,
	[EXIT_TRIPLE_FAULT] = TRAPS,
	[EXIT_INIT] = TRAPS,
	[EXIT_INTERRUPT_WINDOW] = TRAPS,
	[EXIT_NMI_WINDOW] = TRAPS,
	[EXIT_PREEMPTION_TIMER] = TRAPS,
	[EXIT_MONITOR_TRAP] = TRAPS,
	[EXIT_TPR_BELOW_THRESHOLD] = TRAPS,
	[EXIT_VIRTUALIZED_EOI] = TRAPS,
	[EXIT_APIC_WRITE] = TRAPS,
	[EXIT_SIPI] = QUALIFICATION | TRAPS,
	[EXIT_TASK_SWITCH] = QUALIFICATION | TRAPS,
	[EXIT_INVLPG] = QUALIFICATION,
	[EXIT_VMCLEAR] = OPERAND,
	[EXIT_VMPTRLD] = OPERAND,
	[EXIT_VMPTRST] = OPERAND,
	[EXIT_VMREAD] = OPERAND,
	[EXIT_VMWRITE] = OPERAND,
	[EXIT_VMXON] = OPERAND,
	[EXIT_CR_ACCESS] = QUALIFICATION | LINEAR,
	[EXIT_MOV_DR] = QUALIFICATION,
	[EXIT_IO] = QUALIFICATION | INSN | LINEAR,
	[EXIT_MWAIT] = QUALIFICATION,
	[EXIT_APIC_ACCESS] = QUALIFICATION | LINEAR | TRAPS,
	[EXIT_GDTR_IDTR] = OPERAND,
	[EXIT_LDTR_TR] = OPERAND,
	[EXIT_EPT_VIOLATION] = QUALIFICATION | LINEAR | PHYSICAL | TRAPS,
	[EXIT_EPT_MISCONFIG] = PHYSICAL | TRAPS,
	[EXIT_INVEPT] = OPERAND,
	[EXIT_INVVPID] = OPERAND,
	[EXIT_RDRAND] = INSN,
	[EXIT_RDSEED] = INSN,
	[EXIT_INVPCID] = OPERAND,
	[EXIT_XSAVES] = OPERAND,
	[EXIT_XRSTORS] = OPERAND,
};

/* Then there is no displacement, and the SDM has 0 stored ("Exit Qualification"); Bochs 2.7 stores
 * what it decoded before. */
static bool is_register_operand(u32 basic, u32 insn_info)
{
	return (basic == EXIT_LDTR_TR || basic == EXIT_VMREAD || basic == EXIT_VMWRITE) &&
	       (insn_info & INSN_INFO_REGISTER);
}

/* What vmcs02 tells of the exit in hand, into vmcs12. */
static inline void record_hardware(struct vcpu *v, struct vmcs12 *v12)
{
	u32 basic = EXIT_REASON_BASIC(v->exit->reason);
	u32 info = basic < EXIT_REASONS_KNOWN ? info_of[basic] : 0;

	v12->EXIT_REASON = v->exit->reason;
	v12->IDT_VECTORING_INFO = vmcs_read(VMCS_IDT_VECTORING_INFO);
	v12->EXIT_INSN_LEN = vmcs_read(VMCS_EXIT_INSN_LEN);
	v12->ENTRY_INTR_INFO &= ~(u64)INTR_INFO_VALID;
	if (unlikely(v12->IDT_VECTORING_INFO & INTR_INFO_ERROR_CODE))
		v12->IDT_VECTORING_ERROR = vmcs_read(VMCS_IDT_VECTORING_ERROR);
	v12->EXIT_QUALIFICATION = info & QUALIFICATION ? exit_qualification(v) : 0;
	v12->EXIT_INTR_INFO = info & EVENT ? vmcs_read(VMCS_EXIT_INTR_INFO) : 0;
	if (v12->EXIT_INTR_INFO & INTR_INFO_ERROR_CODE)
		v12->EXIT_INTR_ERROR = vmcs_read(VMCS_EXIT_INTR_ERROR);
	if (info & INSN)
		v12->EXIT_INSN_INFO = vmcs_read(VMCS_EXIT_INSN_INFO);
	if (info & LINEAR)
		v12->GUEST_LINEAR_ADDR = vmcs_read(VMCS_GUEST_LINEAR_ADDR);
	if (info & PHYSICAL)
		v12->GUEST_PHYSICAL_ADDR = vmcs_read(VMCS_GUEST_PHYSICAL_ADDR);
	if (unlikely(is_register_operand(basic, (u32)v12->EXIT_INSN_INFO)))
		v12->EXIT_QUALIFICATION = 0;
}

static void record(struct vmcs12 *v12, const struct exit12 *e)
{
	v12->EXIT_REASON = e->reason;
	v12->EXIT_QUALIFICATION = e->qualification;
	v12->EXIT_INTR_INFO = e->intr_info;
	v12->EXIT_INTR_ERROR = e->intr_error;
	v12->IDT_VECTORING_INFO = 0;
	v12->EXIT_INSN_LEN = e->insn_length;
	v12->GUEST_LINEAR_ADDR = e->linear;
	v12->GUEST_PHYSICAL_ADDR = e->physical;
	v12->ENTRY_INTR_INFO &= ~(u64)INTR_INFO_VALID;
}

static void vmx_abort(struct vcpu *v, struct context *context, enum vmx_abort indicator)
{
	context->v12.abort = indicator;
	nested_write_back(v->vm, context);
	vm_stop_l1(v, "VMX abort %u: an exit of the L2 of VMCS 0x%llx cannot be completed",
		   (unsigned int)indicator, (unsigned long long)context->vmptr.raw);
}

/* SDM "Loading Host Page-Directory-Pointer-Table Entries": for L1s with PAE paging. */
static bool load_pdptes(struct vcpu *v, const struct vmcs12 *v12)
{
	u64 pdptes[4];

	if (walk_cache_read(&v->walk, l1_gpa(v12->HOST_CR3 & BITS(31, 5)), pdptes, sizeof(pdptes)))
		return false;
	if (pdptes_are_invalid(pdptes, v->vm->nested->caps.physical_bits))
		return false;
	vmcs_write_pdptes(pdptes);
	return true;
}

/* One VMWRITE after the other. vmcs01 is current. */
static void write_host_state(struct vcpu *v, const struct host_state_inputs *in)
{
	u64 new;

	counter_add(CTR_VMWRITE, HOST_STATE_LOADED);
#define LOAD(field, value) vmcs_write_uncounted(VMCS_##field, (value));
#define KEEP(field, value)                     \
	new = (value);                         \
	if (unlikely(v->kept.field != new)) {  \
		v->kept.field = new;           \
		vmcs_write(VMCS_##field, new); \
	}
#include "vmx/nested/host_state.def"
#undef LOAD
#undef KEEP
}

/*
 * SDM "Loading Host State": an NMI's exit blocks NMIs; otherwise the blocking is what it was, which
 * with virtual NMIs is not what L2's state shows: they never block any.
 */
static inline u64 nmi_blocking(const struct vcpu *v, const struct vmcs12 *v12)
{
	if (unlikely(v12->EXIT_REASON & EXIT_REASON_ENTRY_FAILURE)) /* L2 was not entered */
		return v->kept.GUEST_INTERRUPTIBILITY & BLOCKED_BY_NMI;
	if (unlikely(v12->EXIT_REASON == EXIT_EXCEPTION_NMI &&
		     INTR_INFO_TYPE(v12->EXIT_INTR_INFO) == INTR_NMI))
		return BLOCKED_BY_NMI;
	return v12->PIN_CONTROLS & PIN_VIRTUAL_NMI ? 0
						   : v12->GUEST_INTERRUPTIBILITY & BLOCKED_BY_NMI;
}

/* The VMCS that is left is current. What its EFER and PAT are counts where the exit loads none. */
static inline void load_host_state(struct vcpu *v, struct context *context)
{
	const struct vmcs12 *v12 = &context->v12;
	const struct nested_vm *vm = v->vm->nested;
	struct host_state_inputs in = {
		.v12 = v12,
		.cr0_fixed0 = vm->derive.cr0_fixed0 & ~(u64)(CR0_PE | CR0_PG),
		.cr4_fixed0 = vm->derive.cr4_fixed0,
		.blocked = nmi_blocking(v, v12),
		.l2_cr0 = (v12->GUEST_CR0 & v12->CR0_MASK) | (context->cr0_shadow & ~v12->CR0_MASK),
	};

	context->efer = ~0ULL;
	context->pat = ~0ULL;
	if (unlikely(v->l2_wrote_debugctl))
		context->debugctl = ~0ULL;
	v->l2_wrote_debugctl = false;
	if (!(v12->EXIT_CONTROLS & EXIT_CTL_LOAD_EFER))
		in.l2_efer = context->efer = vmcs_read(VMCS_GUEST_EFER);
	if (!(v12->EXIT_CONTROLS & EXIT_CTL_LOAD_PAT))
		in.l2_pat = context->pat = vmcs_read(VMCS_GUEST_PAT);
	shadow_push(context);
	if (likely(vcpu_is_in_l2(v))) {
		vcpu_switch_vmcs(v, &v->vmcs01);
	} else {
		context->efer = context->pat = ~0ULL; /* they were L1's */
		vmcs_load(v->vmcs01.page);
	}
	write_host_state(v, &in);
	if (unlikely(!(v12->EXIT_CONTROLS & EXIT_CTL_HOST_64BIT)) &&
	    is_pae_paging(v12->HOST_CR0, v12->HOST_CR4, 0) && !load_pdptes(v, v12))
		vmx_abort(v, context, VMX_ABORT_PDPTES);
}

/* L1 goes on: what L2 did to what they share. */
static inline void resume_l1(struct vcpu *v, const struct context *context)
{
	v->activity = VCPU_ACTIVE;
	v->l2_tsc_offset = 0;
	if (unlikely(context->tsc_offset != v->tsc_offset))
		vmcs_write(VMCS_TSC_OFFSET, v->tsc_offset);
	if (context->plan.extras & ENTRY_FLUSHES)
		vcpu_flush_linear(v);
	if (unlikely(v->nested->deliver_in_l1)) {
		v->nested->deliver_in_l1 = false;
		vcpu_request(v, REQUEST_EVENT);
	}
}

static inline void arrive_in_l1(struct vcpu *v, struct context *context)
{
	const struct vmcs12 *v12 = &context->v12;

	resume_l1(v, context);
	if (v12->EXIT_MSR_LOAD_COUNT &&
	    msr_list_load(v, l1_gpa(v12->EXIT_MSR_LOAD_ADDR), (u32)v12->EXIT_MSR_LOAD_COUNT))
		vmx_abort(v, context, VMX_ABORT_MSR_LOAD);
	nmi_mask_apply();
}

/*
 * Debug traps are pending at an exit only if it goes before them, as INIT does, or a shadow of MOV
 * SS holds them back (SDM "Saving Non-Register State"): an instruction that exits has none behind
 * it. Bochs 2.7 saves a single step whenever RFLAGS.TF is set.
 */
static inline void save_pending_debug(struct context *context)
{
	struct vmcs12 *v12 = &context->v12;
	u32 basic = EXIT_REASON_BASIC((u32)v12->EXIT_REASON);
	bool shadowed = v12->GUEST_INTERRUPTIBILITY & (BLOCKED_BY_MOV_SS | BLOCKED_BY_STI);

	v12->GUEST_PENDING_DEBUG = 0;
	if (unlikely(shadowed || basic >= EXIT_REASONS_KNOWN || (info_of[basic] & TRAPS))) {
		v12->GUEST_PENDING_DEBUG = vmcs_read(VMCS_GUEST_PENDING_DEBUG);
		if (!shadowed && basic != EXIT_INIT)
			v12->GUEST_PENDING_DEBUG &= ~(u64)PENDING_DEBUG_BS;
	}
	if (unlikely(v12->GUEST_RFLAGS & RFLAGS_TF))
		context->dirty |= 1u << DERIVE_RUN;
}

/* What vmcs02's virtual NMIs make of it is not L2's. */
static void save_own_nmis(struct vcpu *v, struct context *context)
{
	struct vmcs12 *v12 = &context->v12;

	v12->GUEST_INTERRUPTIBILITY &= ~(u64)BLOCKED_BY_NMI;
	if (v->nested->blocks_nmis)
		v12->GUEST_INTERRUPTIBILITY |= BLOCKED_BY_NMI;
	v->nested->blocks_nmis = false;
	context->dirty |= 1u << DERIVE_RUN;
}

/* What not every L1 asks for. */
static void __attribute__((noinline))
save_extras(struct vcpu *v, struct context *context, u64 left_at)
{
	if (context->plan.extras & ENTRY_OWN_NMIS)
		save_own_nmis(v, context);
	if (context->plan.extras & ENTRY_TIMER)
		l2_timer_stop(v, &context->v12, left_at);
}

static inline void save_l2(struct vcpu *v, struct context *context, u64 left_at)
{
	struct vmcs12 *v12 = &context->v12;

	vmcs02_save(context);
	if (unlikely(context->plan.extras & (ENTRY_OWN_NMIS | ENTRY_TIMER)))
		save_extras(v, context, left_at);
	save_pending_debug(context);
	v12->GUEST_ACTIVITY = v->activity == VCPU_HALTED ? ACTIVITY_HLT : ACTIVITY_ACTIVE;
	nmi_mask_note_blocked(v12->GUEST_INTERRUPTIBILITY & BLOCKED_BY_NMI);
}

/* The exit is recorded. */
static inline void leave(struct vcpu *v, struct context *context, u64 left_at)
{
	struct vmcs12 *v12 = &context->v12;

	save_l2(v, context, left_at);
	measured_reach(v, context);
	if (unlikely(v12->EXIT_MSR_STORE_COUNT) &&
	    msr_list_store(v, l1_gpa(v12->EXIT_MSR_STORE_ADDR), (u32)v12->EXIT_MSR_STORE_COUNT)) {
		vmx_abort(v, context, VMX_ABORT_MSR_STORE);
		return;
	}
	load_host_state(v, context);
	arrive_in_l1(v, context);
}

/* Outside an exit nobody else does: vmcs01's timer still has what it had when L2 was entered. */
static void arm_timer_of_l1(const struct vcpu *v)
{
	if (v->deadline != LAPIC_NEVER)
		events_arm_timer(v, rdtsc());
}

void nested_reflect(struct vcpu *v, const struct exit12 *exit)
{
	struct context *context = v->nested->current;

	context->v12.GUEST_RIP = vmcs_read(VMCS_GUEST_RIP);
	record(&context->v12, exit);
	leave(v, context, rdtsc());
	arm_timer_of_l1(v);
}

void nested_reflect_hardware(struct vcpu *v)
{
	struct context *context = v->nested->current;

	context->v12.GUEST_RIP = v->exit->rip;
	record_hardware(v, &context->v12);
	leave(v, context, v->exit->tsc);
}

void nested_reflect_ept(struct vcpu *v, u32 reason, u64 qualification)
{
	struct vmcs12 *v12 = &v->nested->current->v12;

	v12->GUEST_RIP = v->exit->rip;
	record_hardware(v, v12);
	v12->EXIT_REASON = reason;
	v12->EXIT_QUALIFICATION = qualification;
	leave(v, v->nested->current, v->exit->tsc);
}

void nested_entry_fails(struct vcpu *v, u32 reason, u64 qualification)
{
	struct context *context = v->nested->current;

	context->v12.EXIT_REASON = reason | EXIT_REASON_ENTRY_FAILURE;
	context->v12.EXIT_QUALIFICATION = qualification;
	events_set_l2_timer(v, LAPIC_NEVER);
	load_host_state(v, context);
	arrive_in_l1(v, context);
}

void nested_leave_without_exit(struct vcpu *v)
{
	struct context *context = v->nested->current;

	context->v12.GUEST_RIP = vmcs_read(VMCS_GUEST_RIP);
	context->v12.ENTRY_INTR_INFO &= ~(u64)INTR_INFO_VALID;
	save_l2(v, context, rdtsc());
	context->efer = context->pat = context->debugctl = ~0ULL;
	context->shadow.may_be_behind = true;
	vcpu_switch_vmcs(v, &v->vmcs01);
	resume_l1(v, context);
	arm_timer_of_l1(v);
}
