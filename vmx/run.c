/* SPDX-License-Identifier: MIT */
/*
 * What happens between an exit and the next entry: record, dispatch, act. Only this file moves RIP
 * and ends the loop. An exit's facts live in its entry of the flight recorder, so that recording is
 * where the handlers read from, not a second copy.
 */
#include "vmx/run.h"
#include "hv/msr_index.h"
#include "hv/panic.h"
#include "hv/x86.h"
#include "mm/ept01.h"
#include "vmx/events.h"
#include "vmx/exit.h"
#include "vmx/inject.h"
#include "vmx/nested_calls.h"
#include "vmx/ops.h"
#include "vmx/request.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

/* Take the next entry of the flight recorder for the exit that has just happened. */
static struct exit_record *record_exit(struct cpu *cpu, const struct vcpu *v, u32 reason)
{
	struct exit_record *record = &cpu->records[cpu->counters[CTR_EXITS]++ % EXIT_RECORDS];

	record->tsc = rdtsc();
	record->rip = vmcs_read(VMCS_GUEST_RIP);
	record->qualification = 0;
	record->detail = 0;
	record->reason = reason;
	record->vcpu = v->index;
	return record;
}

static void unhandled(struct vcpu *v)
{
	vm_stop_l1(v, "exit that nothing handles: %s (reason 0x%x)",
		   exit_reason_name(EXIT_REASON_BASIC(v->exit->reason)), v->exit->reason);
}

static u32 row_of(u32 reason)
{
	return MIN(EXIT_REASON_BASIC(reason), EXIT_REASONS_MAX - 1);
}

/* L0's part of an exit. Inline: one of its callers is the hot path. */
static inline __attribute__((always_inline)) enum exit_action handle(struct vcpu *v, u32 number)
{
	const struct exit_row *row = &exit_table[number];

	if (unlikely(row->during_delivery))
		inject_requeue(v);
	if (likely(row->handle))
		return row->handle(v);
	unhandled(v);
	return EXIT_STOP;
}

enum exit_action exit_handle(struct vcpu *v)
{
	return handle(v, row_of(v->exit->reason));
}

/* What the end of an instruction does with a single step or a resume flag; with BTF, only branches
 * are steps, and none is emulated. */
static void __attribute__((noinline)) end_flags(u64 rflags)
{
	if (rflags & RFLAGS_RF)
		vmcs_write(VMCS_GUEST_RFLAGS, rflags & ~(u64)RFLAGS_RF);
	if ((rflags & RFLAGS_TF) && !(vmcs_read(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF))
		vmcs_write(VMCS_GUEST_PENDING_DEBUG,
			   vmcs_read(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
}

/*
 * What the end of an instruction, or of one iteration of a repeated one, does: blocking by STI and
 * MOV SS ends, RFLAGS.RF goes, and a single step is due where RFLAGS.TF is set. Flags of `clear`
 * are cleared by it.
 */
static inline __attribute__((always_inline)) void end_insn(u64 clear)
{
	u64 blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	u64 rflags = vmcs_read(VMCS_GUEST_RFLAGS);

	if (unlikely(blocked & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)))
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
			   blocked & ~(u64)(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
	if (unlikely(rflags & clear)) {
		rflags &= ~clear;
		vmcs_write(VMCS_GUEST_RFLAGS, rflags);
	}
	if (unlikely(rflags & (RFLAGS_TF | RFLAGS_RF)))
		end_flags(rflags);
}

/*
 * Move RIP behind the exit's instruction, as its completion would. Inline: one of its callers is
 * the hot path.
 */
static inline __attribute__((always_inline)) void skip_insn(struct vcpu *v, u32 length, u64 clear)
{
	u64 rip = v->exit->rip;
	/* An instruction that ends below 4 GiB wraps in no mode: no need to look at CS.L. */
	bool long_code = rip < BITS(31, 5) || segment_is_64bit_code();

	vmcs_write(VMCS_GUEST_RIP, insn_next_rip(rip, length, long_code));
	end_insn(clear);
}

/* What the actions off the hot path ask for. */
static enum exit_action __attribute__((noinline)) act(struct vcpu *v, enum exit_action action)
{
	if (action == EXIT_SKIP_DECODED)
		skip_insn(v, v->insn_length, 0);
	else if (action == EXIT_NEXT_ITERATION)
		end_insn(0);
	return action;
}

bool vcpu_handle_exit(struct vcpu *v)
{
	u32 reason = (u32)vmcs_read(VMCS_EXIT_REASON);
	u32 row = row_of(reason);
	enum exit_action action;
	struct cpu *cpu = this_cpu();

	v->exit = record_exit(cpu, v, reason);
	if (vcpu_is_in_l2(v)) {
		cpu->exits_l2[row]++;
		action = nested_exit(v);
	} else {
		cpu->exits[row]++;
		action = handle(v, row);
	}
	if (likely(action == EXIT_SKIP_INSN || action == EXIT_SKIP_SUCCEED))
		skip_insn(v, (u32)vmcs_read(VMCS_EXIT_INSN_LEN),
			  action == EXIT_SKIP_SUCCEED ? RFLAGS_ARITHMETIC : 0);
	else if (action != EXIT_RESUME)
		action = act(v, action);
	if (unlikely(v->deadline != LAPIC_NEVER))
		events_arm_timer_after_exit(v);
	return action < EXIT_LEAVE;
}

/* L1's memory changed: drop what this CPU may have of it. */
static void flush(const struct vcpu *v)
{
	vmx_invept(vmx_invept_type(), ept01_pointer(v->vm->memory));
	window_pay_debts();
}

bool vcpu_handle_requests(struct vcpu *v)
{
	u32 requests = vcpu_take_requests(v);

	counter_inc(CTR_GATE_CANCELS);
	if (requests & REQUEST_FLUSH_EPT)
		flush(v);
	if (requests & REQUEST_DEADLINE)
		events_new_deadline(v);
	if (requests & REQUEST_EVENT)
		events_deliver(v);
	if (unlikely(requests & (REQUEST_YIELD | REQUEST_FLUSH_EPT | REQUEST_PAGE)))
		nested_handle_requests(v, requests);
	return v->activity == VCPU_ACTIVE && !(requests & REQUEST_LEAVE);
}

_Noreturn static void entry_refused(enum vmx_status status)
{
	if (status == VMX_FAIL_INVALID)
		panic("VM entry: no current VMCS");
	panic("VM entry refused: VM-instruction error %llu",
	      (unsigned long long)vmcs_read(VMCS_INSN_ERROR));
}

void vcpu_run(struct vcpu *v)
{
	enum vmx_status status;

	this_cpu()->vcpu = v;
	if (!v->vm->first_entry_tsc)
		v->vm->first_entry_tsc = rdtsc();
	if (v->deadline != LAPIC_NEVER)
		events_arm_timer(v, rdtsc());
	status = vcpu_loop(v);
	if (status != VMX_SUCCEED)
		entry_refused(status);
	this_cpu()->vcpu = NULL;
}
