/* SPDX-License-Identifier: MIT */
/*
 * The run loop: enter, record, dispatch, act. Only this file moves RIP or ends the loop. An exit's facts live in its
 * entry of the flight recorder, so that recording is where the handlers read from, not a second copy.
 */
#include "vmx/run.h"
#include "hv/panic.h"
#include "hv/x86.h"
#include "mm/ept01.h"
#include "vmx/exit.h"
#include "vmx/inject.h"
#include "vmx/ops.h"
#include "vmx/vm.h"

/* EPT01 lost or changed a present leaf since this CPU flushed: its cached translations are stale. */
static void flush_stale_ept(struct vcpu *v)
{
	u64 generation = ept01_generation(v->vm->memory);

	if (likely(v->ept_generation == generation))
		return;
	v->ept_generation = generation;
	vmx_invept(INVEPT_SINGLE, ept01_pointer(v->vm->memory));
}

static struct exit_record *record_exit(const struct vcpu *v)
{
	struct cpu *cpu = this_cpu();
	struct exit_record *record = &cpu->records[cpu->record_next++ % EXIT_RECORDS];
	u32 reason = (u32)vmcs_read(VMCS_EXIT_REASON);
	u32 basic = reason & 0xffff;

	record->tsc = rdtsc();
	record->rip = vmcs_read(VMCS_GUEST_RIP);
	record->qualification = 0;
	record->detail = 0;
	record->reason = reason;
	record->vcpu = (u16)v->index;
	record->flags = 0;
	cpu->exits[MIN(basic, EXIT_REASONS_MAX - 1)]++;
	counter_inc(CTR_EXITS);
	return record;
}

static void entry_refused(enum vmx_status status)
{
	if (status == VMX_FAIL_INVALID)
		panic("VM entry: no current VMCS");
	panic("VM entry refused: VM-instruction error %llu",
	      (unsigned long long)vmcs_read(VMCS_INSN_ERROR));
}

void vcpu_run(struct vcpu *v)
{
	this_cpu()->vcpu = v;
	v->vm->first_entry_tsc = rdtsc();
	for (;;) {
		enum vmx_status status;

		flush_stale_ept(v);
		status = vcpu_enter(v);
		if (unlikely(status != VMX_SUCCEED))
			entry_refused(status);
		v->exit = record_exit(v);
		switch (exit_dispatch(v)) {
		case EXIT_SKIP_INSN:
			vcpu_skip_insn(v);
			break;
		case EXIT_RESUME:
			break;
		case EXIT_STOP:
			this_cpu()->vcpu = NULL;
			return;
		}
	}
}
