/* SPDX-License-Identifier: MIT */
/* An exit of L2: whose it is, and what L0 does with its own. */
#include "vmx/cpu_vmx.h"
#include "vmx/event.h"
#include "vmx/events.h"
#include "vmx/msr_bitmap.h"
#include "vmx/nested/nested.h"
#include "vmx/nested/route.h"
#include "vmx/nested_calls.h"
#include "vmx/request.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

/* A byte of one of L1's bitmaps; of the MSR bitmap as vmcs02 has it. */
static int read_byte(void *vcpu, l1_gpa_t at, u8 *byte)
{
	struct vcpu *v = vcpu;
	const struct context *context = v->nested->current;

	if (at.raw - context->v12.MSR_BITMAP < PAGE_SIZE) {
		*byte = context->l1_msr_bitmap->bits[at.raw % PAGE_SIZE];
		return 0;
	}
	return walk_cache_read(&v->walk, at, byte, 1);
}

/* What the routing has to know of this exit: few reasons need more than their number. */
static struct exit02 facts(struct vcpu *v)
{
	struct exit02 e = { .reason = v->exit->reason, .regs = v->regs };

	switch (EXIT_REASON_BASIC(e.reason)) {
	case EXIT_EXCEPTION_NMI:
		e.intr_info = (u32)vmcs_read(VMCS_EXIT_INTR_INFO);
		e.intr_error = (u32)vmcs_read(VMCS_EXIT_INTR_ERROR);
		break;
	case EXIT_CR_ACCESS:
		v->regs[GPR_RSP] = vmcs_read(VMCS_GUEST_RSP);
		e.long_code = segment_is_64bit_code();
		e.qualification = exit_qualification(v);
		break;
	case EXIT_IO:
		e.qualification = exit_qualification(v);
		break;
	case EXIT_VMREAD:
	case EXIT_VMWRITE:
		e.insn_info = (u32)vmcs_read(VMCS_EXIT_INSN_INFO);
		break;
	case EXIT_PREEMPTION_TIMER:
		e.timer_of_l1 =
			l2_timer_is_due(v, v->exit->tsc) && !(v->lapic.events & LAPIC_EVENT_INIT);
		break;
	default:
		break;
	}
	return e;
}

static enum exit_action reflect(struct vcpu *v)
{
	nested_reflect_hardware(v);
	return EXIT_RESUME;
}

bool nested_exception(struct vcpu *v, u32 info, u32 error_code, u64 linear)
{
	const struct bitmap_source bitmaps = { read_byte, v };
	struct exit12 exit = {
		.reason = EXIT_EXCEPTION_NMI,
		.intr_info = INTR_INFO_VALID | (u32)INTR_HARDWARE_EXCEPTION << 8 | info,
		.intr_error = error_code,
		.qualification = linear,
	};
	const struct exit02 e = { .reason = exit.reason,
				  .intr_info = exit.intr_info,
				  .intr_error = error_code };

	if (!l1_wants(&e, &v->nested->current->v12, &bitmaps))
		return false;
	exit.insn_length = (u32)vmcs_read(VMCS_EXIT_INSN_LEN);
	nested_reflect(v, &exit);
	return true;
}

/* The CPU refuses what our rules let pass: L1 is told what the CPU says. */
static enum exit_action entry_refused(struct vcpu *v)
{
	struct context *context = v->nested->current;

	counter_inc(CTR_L2_ENTRIES_REFUSED);
	v->launched = 0;
	context->v12.launched = v->nested->was_launched;
	context->dirty = DERIVE_ALL;
	nested_entry_fails(v, EXIT_REASON_BASIC(v->exit->reason), exit_qualification(v));
	vmcs02_clear(context);
	vmcs_load(v->vmcs01.page);
	return EXIT_RESUME;
}

/* MSRs that L1 lets its L2 have and L0 does not. */
static inline bool is_l0_msr(const struct vcpu *v, enum msr_access access)
{
	const struct context *context = v->nested->current;

	return (context->v12.CPU_CONTROLS & CPU_MSR_BITMAPS) &&
	       !msr_bitmap_exits(context->l1_msr_bitmap, (u32)v->regs[GPR_RCX], access);
}

static enum exit_action handle(struct vcpu *v)
{
	switch (EXIT_REASON_BASIC(v->exit->reason)) {
	case EXIT_CR_ACCESS:
		return exit02_cr_access(v);
	case EXIT_EPT_VIOLATION:
	case EXIT_EPT_MISCONFIG:
		return exit02_ept(v);
	default:
		return exit_handle(v);
	}
}

static enum exit_action route(struct vcpu *v)
{
	const struct bitmap_source bitmaps = { read_byte, v };
	const struct exit02 e = facts(v);

	if (unlikely(e.reason & EXIT_REASON_ENTRY_FAILURE))
		return entry_refused(v);
	if (!l0_wants(&e) && l1_wants(&e, &v->nested->current->v12, &bitmaps))
		return reflect(v);
	return handle(v);
}

static void __attribute__((noinline)) look_again(struct vcpu *v)
{
	v->nested->looks_again = false;
	events_new_deadline(v);
	vcpu_request(v, REQUEST_EVENT | REQUEST_YIELD);
}

enum exit_action nested_exit(struct vcpu *v)
{
	if (unlikely(v->nested->looks_again))
		look_again(v);
	switch (v->exit->reason) {
	case EXIT_RDMSR:
		return is_l0_msr(v, MSR_READ) ? exit_rdmsr(v) : route(v);
	case EXIT_WRMSR:
		return is_l0_msr(v, MSR_WRITE) ? exit_wrmsr(v) : route(v);
	case EXIT_EPT_VIOLATION:
		return exit02_ept(v);
	case EXIT_CPUID:
	case EXIT_VMCALL:
		return reflect(v); /* whatever L1's controls are */
	default:
		return route(v);
	}
}
