/* SPDX-License-Identifier: MIT */
/* Giving up a context that another vCPU claims, and hardware state that another CPU needs. */
#include "vmx/cpu_vmx.h"
#include "vmx/event.h"
#include "vmx/nested/nested.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

/*
 * Two vCPUs made one VMCS current: the one that had it has none now. If it was in L2, its VMLAUNCH
 * or VMRESUME completes with VMfailInvalid; the instruction's facts still stand in vmcs01.
 */
static void leave_l2(struct vcpu *v)
{
	u64 rip;

	vmcs02_save(v->nested->current);
	v->nested->current->shadow.may_be_behind = true;
	vcpu_switch_vmcs(v, &v->vmcs01);
	v->activity = VCPU_ACTIVE;
	v->l2_tsc_offset = 0;
	rip = vmcs_read(VMCS_GUEST_RIP);
	vmcs_write(VMCS_GUEST_RIP, insn_next_rip(rip, (u32)vmcs_read(VMCS_EXIT_INSN_LEN),
						 segment_is_64bit_code()));
	(void)vmx_fail_invalid();
}

void nested_yield(struct vcpu *v)
{
	struct context_pool *pool = &v->vm->nested->contexts;
	struct context *context = v->nested->current;

	if (context && __atomic_load_n(&context->wanted, __ATOMIC_ACQUIRE)) {
		if (vcpu_is_in_l2(v))
			leave_l2(v);
		nested_leave_current(v);
	}
	for (context = context_next_wanted(pool, v->cpu); context;
	     context = context_next_wanted(pool, v->cpu)) {
		vmcs02_clear(context);
		context_give(pool, context);
	}
	vmcs_load(v->vmcs->page);
}
