/* SPDX-License-Identifier: MIT */
/*
 * A CPU's loop around its vCPUs: those whose number is its own modulo the number of CPUs. They take
 * turns; one that waits (HLT, or for a SIPI) is looked at between turns, and the CPU idles when all
 * of them wait. A vCPU never leaves its CPU.
 */
#include "vmx/sched.h"
#include "hv/apic.h"
#include "hv/nmi.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "hv/tsc.h"
#include "hv/x86.h"
#include "mm/change.h"
#include "mm/epoch.h"
#include "vmx/cpu_vmx.h"
#include "vmx/events.h"
#include "vmx/nmi_mask.h"
#include "vmx/request.h"
#include "vmx/run.h"
#include "vmx/vmcs01.h"

/* How long one vCPU keeps a CPU that another one waits for. */
#define SLICES_PER_SECOND 1000

/* The vCPU after this one on its CPU; after the last comes the first. */
static struct vcpu *next_on_cpu(const struct vcpu *v)
{
	const struct vm *vm = v->vm;
	u32 next = v->index + vm->cpu_count;

	return vm->vcpus[next < vm->vcpu_count ? next : v->index % vm->cpu_count];
}

static bool is_any_request_pending(const struct vm *vm)
{
	for (u32 i = 0; i < vm->vcpu_count; i++)
		if (__atomic_load_n(&vm->vcpus[i]->requests, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

/* What the vCPUs of an idle CPU wait for. */
struct wait {
	u64 deadline; /* the first of theirs; LAPIC_NEVER */
	u32 count;    /* of vCPUs */
	bool requested;
};

static struct wait sum_up(struct vcpu *first)
{
	struct wait wait = { .deadline = LAPIC_NEVER };
	struct vcpu *v = first;

	do {
		wait.deadline = MIN(wait.deadline, events_wait_until(v));
		wait.count++;
		wait.requested |= __atomic_load_n(&v->requests, __ATOMIC_SEQ_CST) != 0;
		v = next_on_cpu(v);
	} while (v != first);
	return wait;
}

/*
 * Whether this CPU was the last to go idle in a VM that nothing can wake: all vCPUs wait without a
 * deadline, and no request is under way. Then the VM stops.
 */
static bool is_hopeless(struct vcpu *v, const struct wait *wait)
{
	struct vm *vm = v->vm;

	if (wait->deadline != LAPIC_NEVER)
		return false;
	if (__atomic_add_fetch(&vm->hopeless, wait->count, __ATOMIC_SEQ_CST) != vm->vcpu_count ||
	    is_any_request_pending(vm))
		return false;
	vm_stop_l1(v, "every vCPU waits (HLT, or for a SIPI) and nothing is left to wake one");
	return true;
}

/*
 * Wait in root until a request comes or a deadline passes; all vCPUs of this CPU wait, v is the one
 * whose VMCS is current. Interrupts are off but in the one HLT, so the requester either sees `idle`
 * and sends the vector, or its request is seen here (both sides with full fences, see
 * vmx/request.h).
 */
static void idle(struct vcpu *v)
{
	struct cpu *cpu = this_cpu();
	struct wait wait;

	epoch_assert_quiescent();
	window_pay_debts();
	__atomic_store_n(&cpu->idle, 1, __ATOMIC_SEQ_CST);
	wait = sum_up(v);
	if (!wait.requested) {
		if (!is_hopeless(v, &wait)) {
			apic_timer_start(wait.deadline);
			__asm__ volatile("sti; hlt; cli" ::: "memory");
			apic_timer_stop();
		}
		if (wait.deadline == LAPIC_NEVER)
			__atomic_fetch_sub(&v->vm->hopeless, wait.count, __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&cpu->idle, 0, __ATOMIC_RELEASE);
	nmi_report();
}

/* Put the vCPU's state into this CPU. */
static void take_over(struct vcpu *v)
{
	struct cpu *cpu = this_cpu();

	vmcs_load(v->vmcs->page);
	if (cpu->guest == v)
		return;
	if (cpu->guest) {
		guest_registers_store(cpu->guest);
		counter_inc(CTR_VCPU_SWITCHES);
	}
	guest_registers_load(v);
	cpu->guest = v;
	nmi_mask_apply();
}

/* Bring a vCPU that waits what has come for it. From an L2 that may be an exit to L1, which stores
 * and loads MSRs. */
static void serve(struct vcpu *v)
{
	u64 now = rdtsc();
	bool is_due = now >= v->timer_due;

	if (now >= v->l2_timer_due)
		vcpu_request(v, REQUEST_EVENT);
	if (!is_due && !__atomic_load_n(&v->requests, __ATOMIC_ACQUIRE))
		return;
	if (vcpu_is_in_l2(v))
		take_over(v);
	else
		vmcs_load(v->vmcs->page);
	if (is_due)
		events_timer(v);
	vcpu_handle_requests(v);
}

/* Who has the next turn after v, which may be v again; NULL: all of this CPU's vCPUs wait. */
static struct vcpu *pick(struct vcpu *v)
{
	struct vcpu *next = v;

	do {
		next = next_on_cpu(next);
		if (next->activity != VCPU_ACTIVE)
			serve(next);
		if (next->activity == VCPU_ACTIVE)
			return next;
	} while (next != v);
	return NULL;
}

/* One turn: until the vCPU waits, its slice ends, or the VM stops. */
static void run_turn(struct vcpu *v)
{
	take_over(v);
	if (next_on_cpu(v) == v) {
		vcpu_run(v);
		return;
	}
	events_set_slice(v, rdtsc() + tsc_hz() / SLICES_PER_SECOND);
	vcpu_run(v);
	nmi_mask_note();
}

/* Make this CPU the vCPU's home. */
static void attach(struct vcpu *v)
{
	vcpu_reset(v);
	if (guest_registers_create(v) || vmcs01_create(v))
		panic("no memory for the state of vCPU %u", v->index);
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
	struct vcpu *v, *next;

	if (index >= vm->cpu_count)
		return;
	for (u32 i = index; i < vm->vcpu_count; i += vm->cpu_count)
		attach(vm->vcpus[i]);
	v = vm->vcpus[index];
	while (!__atomic_load_n(&vm->stopping, __ATOMIC_ACQUIRE)) {
		next = pick(v);
		if (next) {
			v = next;
			run_turn(v);
		} else {
			vmcs_load(v->vmcs->page);
			idle(v);
		}
	}
	for (u32 i = index; i < vm->vcpu_count; i += vm->cpu_count)
		walk_cache_deactivate(&vm->vcpus[i]->walk);
	change_cpu_leaves(vm->memory);
}
