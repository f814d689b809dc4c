/* SPDX-License-Identifier: MIT */
/* A CPU's loop around its vCPU: guest, events, idle. */
#include "vmx/sched.h"
#include "hv/apic.h"
#include "hv/nmi.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "hv/x86.h"
#include "mm/change.h"
#include "mm/epoch.h"
#include "vmx/events.h"
#include "vmx/request.h"
#include "vmx/run.h"
#include "vmx/vmcs01.h"

static bool is_any_request_pending(const struct vm *vm)
{
	for (u32 i = 0; i < vm->vcpu_count; i++)
		if (__atomic_load_n(&vm->vcpus[i]->requests, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

/*
 * Whether this vCPU was the last to go idle in a VM that nothing can wake: all vCPUs wait without a
 * deadline, and no request is under way. Then the VM stops.
 */
static bool is_hopeless(struct vcpu *v)
{
	struct vm *vm = v->vm;

	if (v->deadline != LAPIC_NEVER)
		return false;
	if (__atomic_add_fetch(&vm->hopeless, 1, __ATOMIC_SEQ_CST) != vm->vcpu_count ||
	    is_any_request_pending(vm))
		return false;
	vm_stop_l1(v, "every vCPU waits (HLT, or for a SIPI) and nothing is left to wake one");
	return true;
}

/*
 * Wait in root until a request comes or the deadline passes. Interrupts are off but in the one HLT,
 * so the requester either sees `idle` and sends the vector, or its request is seen here (both sides
 * with full fences, see vmx/request.h).
 */
static void idle(struct vcpu *v)
{
	struct cpu *cpu = this_cpu();

	epoch_assert_quiescent();
	__atomic_store_n(&cpu->idle, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&v->requests, __ATOMIC_SEQ_CST) && !is_hopeless(v)) {
		apic_timer_start(v->deadline);
		__asm__ volatile("sti; hlt; cli" ::: "memory");
		apic_timer_stop();
	}
	if (v->deadline == LAPIC_NEVER)
		__atomic_fetch_sub(&v->vm->hopeless, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&cpu->idle, 0, __ATOMIC_RELEASE);
	nmi_report();
}

static void wait_for_event(struct vcpu *v)
{
	idle(v);
	if (rdtsc() >= v->deadline)
		events_timer(v);
	vcpu_handle_requests(v);
}

/* Make this CPU the vCPU's home. */
static void attach(struct vcpu *v)
{
	vcpu_reset(v);
	if (vmcs01_create(v))
		panic("no memory for the VMCS of vCPU %u", v->index);
	if (v->index == 0)
		vmcs01_start(v, &v->vm->start);
	else
		vmcs01_reset(v);
	/*
	 * In this order: a change of L1's memory that tells this CPU nothing, since it had not
	 * joined or the vCPU had no CPU, took its leaves away before the flush is asked for here.
	 */
	change_cpu_joins(v->vm->memory);
	__atomic_store_n(&v->cpu, this_cpu(), __ATOMIC_SEQ_CST);
	/* What this CPU cached of an EPT01 at the same place; and messages that came before there
	 * was a CPU to kick. */
	vcpu_request(v, REQUEST_FLUSH_EPT | REQUEST_EVENT | REQUEST_DEADLINE);
}

void sched_run(struct vm *vm)
{
	u32 index = this_cpu()->index;
	struct vcpu *v;

	if (index >= vm->vcpu_count)
		return;
	v = vm->vcpus[index];
	attach(v);
	while (!__atomic_load_n(&vm->stopping, __ATOMIC_ACQUIRE)) {
		if (v->activity == VCPU_ACTIVE)
			vcpu_run(v);
		else
			wait_for_event(v);
	}
	change_cpu_leaves(vm->memory);
}
