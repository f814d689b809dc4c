/* SPDX-License-Identifier: MIT */
/* Giving up a context that another vCPU claims, and hardware state that another CPU needs. */
#include "vmx/cpu_vmx.h"
#include "vmx/event.h"
#include "vmx/nested/nested.h"
#include "vmx/nmi_mask.h"
#include "vmx/request.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

/*
 * Two vCPUs made one VMCS current: the one that had it has none now. If it was in L2, its VMLAUNCH
 * or VMRESUME completes with VMfailInvalid; the instruction's facts still stand in vmcs01.
 */
static void leave_l2(struct vcpu *v)
{
	u64 rip, blocked;

	nested_leave_without_exit(v);
	rip = vmcs_read(VMCS_GUEST_RIP);
	vmcs_write(VMCS_GUEST_RIP,
		   insn_next_rip(rip, (u32)vmcs_read(VMCS_EXIT_INSN_LEN), segment_is_64bit_code()));
	blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
		   blocked & ~(u64)(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
	(void)vmx_fail_invalid();
	nmi_mask_apply();
}

/* False: not yet, since an event is on its way into L2. It goes first. */
static bool give_up_current(struct vcpu *v)
{
	if (vcpu_is_in_l2(v)) {
		if (vmcs_read(VMCS_ENTRY_INTR_INFO) & INTR_INFO_VALID) {
			nested_look_again(v);
			return false;
		}
		leave_l2(v);
	}
	nested_leave_current(v);
	if (vm_shares_cpus(v->vm)) /* who asked has its turn before this one can take it back */
		vcpu_request(v, REQUEST_LEAVE);
	return true;
}

void nested_yield(struct vcpu *v)
{
	struct context_pool *pool = &v->vm->nested->contexts;
	struct context *context = v->nested->current;

	if (context && __atomic_load_n(&context->wanted, __ATOMIC_ACQUIRE) && !give_up_current(v))
		return;
	for (context = context_next_wanted(pool, v->cpu); context;
	     context = context_next_wanted(pool, v->cpu)) {
		vmcs02_clear(context);
		context_give(pool, context);
	}
	vmcs_load(v->vmcs->page);
}
