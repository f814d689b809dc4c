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
#include "vmx/exit.h"
#include "vmx/inject.h"
#include "vmx/ops.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

static void __attribute__((noinline)) flush_ept(struct vcpu *v, u64 generation)
{
	v->ept_generation = generation;
	vmx_invept(INVEPT_SINGLE, ept01_pointer(v->vm->memory));
}

/* When EPT01 lost or changed a present leaf since this CPU flushed, its cached translations are
 * stale. */
static inline void flush_stale_ept(struct vcpu *v)
{
	u64 generation = __atomic_load_n(v->ept_generation_now, __ATOMIC_ACQUIRE);

	if (unlikely(v->ept_generation != generation))
		flush_ept(v, generation);
}

/* Take the next entry of the flight recorder for the exit that has just happened. */
static struct exit_record *record_exit(struct cpu *cpu, const struct vcpu *v, u32 reason)
{
	struct exit_record *record = &cpu->records[cpu->record_next++ % EXIT_RECORDS];

	*record = (struct exit_record){
		.tsc = rdtsc(),
		.rip = vmcs_read(VMCS_GUEST_RIP),
		.reason = reason,
		.vcpu = (u16)v->index,
	};
	return record;
}

static void unhandled(struct vcpu *v)
{
	vm_stop_l1(v, "exit that nothing handles: %s (reason 0x%x)",
		   exit_reason_name(EXIT_REASON_BASIC(v->exit->reason)), v->exit->reason);
}

/*
 * Move RIP behind the exit's instruction, as its completion would: blocking by STI and MOV SS ends,
 * and a single step is due where RFLAGS.TF is set. Inline: one of its callers is the hot path.
 */
static inline __attribute__((always_inline)) void skip_insn(struct vcpu *v, u32 length)
{
	u64 rip = v->exit->rip;
	u64 blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	/* An instruction that ends below 4 GiB wraps in no mode: no need to look at CS.L. */
	bool long_code = rip < BITS(31, 5) || segment_is_64bit_code();

	vmcs_write(VMCS_GUEST_RIP, insn_next_rip(rip, length, long_code));
	if (unlikely(blocked & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)))
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
			   blocked & ~(u64)(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
	if (unlikely(vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF))
		vmcs_write(VMCS_GUEST_PENDING_DEBUG,
			   vmcs_read(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
}

static enum exit_action __attribute__((noinline)) skip_decoded(struct vcpu *v)
{
	skip_insn(v, v->insn_length);
	return EXIT_RESUME;
}

bool vcpu_handle_exit(struct vcpu *v)
{
	u32 reason = (u32)vmcs_read(VMCS_EXIT_REASON);
	u32 row_number = MIN(EXIT_REASON_BASIC(reason), EXIT_REASONS_MAX - 1);
	const struct exit_row *row = &exit_table[row_number];
	enum exit_action action = EXIT_STOP;
	struct cpu *cpu = this_cpu();

	v->exit = record_exit(cpu, v, reason);
	cpu->exits[row_number]++;
	counter_inc(CTR_EXITS);
	if (unlikely(row->during_delivery))
		inject_requeue(v);
	if (likely(row->handle))
		action = row->handle(v);
	else
		unhandled(v);
	if (likely(action == EXIT_SKIP_INSN))
		skip_insn(v, (u32)vmcs_read(VMCS_EXIT_INSN_LEN));
	else if (action == EXIT_SKIP_DECODED)
		action = skip_decoded(v);
	flush_stale_ept(v);
	return action != EXIT_STOP;
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
	v->ept_generation_now = ept01_generation(v->vm->memory);
	flush_stale_ept(v);
	v->vm->first_entry_tsc = rdtsc();
	status = vcpu_loop(v);
	if (status != VMX_SUCCEED)
		entry_refused(status);
	this_cpu()->vcpu = NULL;
}
