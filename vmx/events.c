/* SPDX-License-Identifier: MIT */
/* Delivery of events to a vCPU. */
#include "vmx/events.h"
#include "hv/x86.h"
#include "vmx/apic_message.h"
#include "vmx/caps.h"
#include "vmx/inject.h"
#include "vmx/nested_calls.h"
#include "vmx/nmi_mask.h"
#include "vmx/ops.h"
#include "vmx/request.h"
#include "vmx/vm.h"
#include "vmx/vmcs01.h"

/* Switch controls of the primary set, where that changes them. */
static void set_controls(struct vcpu *v, u32 mask, bool on)
{
	u32 controls = on ? v->vmcs->cpu_controls | mask : v->vmcs->cpu_controls & ~mask;

	if (controls == v->vmcs->cpu_controls)
		return;
	v->vmcs->cpu_controls = controls;
	vmcs_write(VMCS_CPU_CONTROLS, controls);
}

static void take_init(struct vcpu *v)
{
	bool was_entered_last = this_cpu()->guest == v;

	if (was_entered_last)
		nmi_mask_note();
	nested_reset(v);
	vmcs01_init(v);
	if (was_entered_last)
		nmi_mask_apply();
	apicv_mode_changed(v);
	v->cpuid.cr4 = 0;
	v->activity = v->lapic.waits_for_sipi ? VCPU_WAIT_FOR_SIPI : VCPU_ACTIVE;
	events_new_deadline(v);
}

static void take_sipi(struct vcpu *v)
{
	int vector = lapic_take_sipi(&v->lapic);

	if (vector == LAPIC_NO_VECTOR || v->activity != VCPU_WAIT_FOR_SIPI)
		return;
	vmcs01_sipi((u8)vector);
	v->activity = VCPU_ACTIVE;
}

/* Nothing can be injected at this entry: something is, or the instruction before made a debug trap,
 * which goes first (SDM, "Priority Among Concurrent Events"). */
static bool is_event_under_way(void)
{
	return (vmcs_read(VMCS_ENTRY_INTR_INFO) & INTR_INFO_VALID) ||
	       is_debug_trap(vmcs_read(VMCS_GUEST_PENDING_DEBUG));
}

/* An NMI that waits goes first; true when nothing else can be injected at this entry. */
static bool deliver_nmi(struct vcpu *v)
{
	u64 blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	bool waits = v->lapic.events & LAPIC_EVENT_NMI;

	if (blocked & BLOCKED_BY_NMI)
		lapic_merge_nmis(&v->lapic);
	if (waits && !is_event_under_way() && may_take_nmi(blocked)) {
		lapic_take_nmi(&v->lapic);
		vmcs_write(VMCS_ENTRY_INTR_INFO, INTR_INFO_VALID | (u32)INTR_NMI << 8 | VECTOR_NMI);
		v->activity = VCPU_ACTIVE;
		waits = v->lapic.events & LAPIC_EVENT_NMI;
	}
	set_controls(v, CPU_NMI_WINDOW, waits);
	return is_event_under_way();
}

static bool pic_waits(struct vcpu *v)
{
	return v->index == 0 && __atomic_load_n(&v->vm->pic_asserted, __ATOMIC_ACQUIRE) &&
	       lapic_accepts_pic(&v->lapic);
}

static bool acknowledge_pic(struct vm *vm, u8 *vector)
{
	bool pending;

	vm_devices_begin(vm, rdtsc());
	pending = vm->board->acknowledge(vector);
	vm_devices_end(vm);
	return pending;
}

/* What the local APIC has to inject: nothing where the CPU delivers its interrupts itself, which is
 * in L1 only. */
static int pending_vector(struct vcpu *v)
{
	return apicv_delivers(&v->apicv) && !vcpu_is_in_l2(v) ? LAPIC_NO_VECTOR
							      : lapic_pending_vector(&v->lapic);
}

/* The vector that the guest shall take now: from the 8259s, or from its local APIC. */
bool events_take_interrupt(struct vcpu *v, u8 *vector)
{
	int pending;

	if (pic_waits(v) && acknowledge_pic(v->vm, vector))
		return true;
	pending = pending_vector(v);
	if (pending == LAPIC_NO_VECTOR)
		return false;
	*vector = lapic_acknowledge(&v->lapic, (u8)pending);
	return true;
}

bool events_interrupt_waits(struct vcpu *v)
{
	return pic_waits(v) || pending_vector(v) != LAPIC_NO_VECTOR;
}

static void deliver_interrupt(struct vcpu *v, bool injected)
{
	bool waits = events_interrupt_waits(v);
	u8 vector;

	if (waits && !injected &&
	    may_take_interrupt(vmcs_read(VMCS_GUEST_RFLAGS),
			       vmcs_read(VMCS_GUEST_INTERRUPTIBILITY)) &&
	    events_take_interrupt(v, &vector)) {
		vmcs_write(VMCS_ENTRY_INTR_INFO,
			   INTR_INFO_VALID | (u32)INTR_EXTERNAL << 8 | vector);
		v->activity = VCPU_ACTIVE;
		waits = events_interrupt_waits(v);
	}
	set_controls(v, CPU_INTERRUPT_WINDOW, waits);
	if (v->apicv.level != APICV_NONE)
		apicv_before_entry(v);
}

/* What waits for L1. */
static void deliver_to_l1(struct vcpu *v)
{
	u32 events = lapic_collect(&v->lapic);

	if (unlikely(events & LAPIC_EVENT_INIT) && !nested_in_operation(v) &&
	    lapic_take_init(&v->lapic))
		take_init(v);
	if (unlikely(events & LAPIC_EVENT_SIPI))
		take_sipi(v);
	if (v->activity == VCPU_WAIT_FOR_SIPI) {
		lapic_merge_nmis(&v->lapic);
		return;
	}
	deliver_interrupt(v, deliver_nmi(v));
}

void events_deliver(struct vcpu *v)
{
	if (unlikely(vcpu_is_in_l2(v)))
		nested_deliver(v);
	else
		deliver_to_l1(v);
}

void events_switch_timer(struct vcpu *v)
{
	v->vmcs->pin_controls ^= PIN_PREEMPTION_TIMER;
	vmcs_write(VMCS_PIN_CONTROLS, v->vmcs->pin_controls);
}

/* What the guest may run for is the earliest of them; without any the timer is off. */
static u64 nearest_deadline(const struct vcpu *v)
{
	return MIN(events_wait_until(v), v->slice_end);
}

static void set_deadline(struct vcpu *v, u64 now)
{
	v->deadline = nearest_deadline(v);
	events_timer_control(v);
	if (v->deadline != LAPIC_NEVER)
		events_arm_timer(v, now); /* this may run behind the exit's own arming */
}

void events_new_deadline(struct vcpu *v)
{
	u64 now = rdtsc();
	u64 due = lapic_timer_deadline(&v->lapic, now);

	if (v->index == 0)
		due = MIN(due, __atomic_load_n(&v->vm->board_deadline, __ATOMIC_RELAXED));
	v->timer_due = due;
	set_deadline(v, now);
}

void events_expire_now(struct vcpu *v)
{
	v->deadline = 0;
	events_timer_control(v);
	events_arm_timer(v, rdtsc());
}

void events_set_slice(struct vcpu *v, u64 end)
{
	v->slice_end = end;
	set_deadline(v, rdtsc());
}

void events_set_l2_timer(struct vcpu *v, u64 due)
{
	v->l2_timer_due = due;
	v->deadline = nearest_deadline(v);
}

void events_timer(struct vcpu *v)
{
	u64 now = rdtsc();

	lapic_timer_expire(&v->lapic, now);
	if (v->index == 0 && now >= v->vm->board_deadline) {
		vm_devices_begin(v->vm, now);
		vm_devices_end(v->vm);
	}
	events_new_deadline(v);
	vcpu_request(v, REQUEST_EVENT);
}

void events_arm_timer(const struct vcpu *v, u64 now)
{
	vmcs_write(
		VMCS_PREEMPTION_TIMER,
		preemption_timer_value(v->deadline, now, VMX_MISC_TIMER_SHIFT(vmx_caps()->misc)));
}

void events_arm_timer_after_exit(const struct vcpu *v)
{
	bool runs_on = v->l2_timer_due != LAPIC_NEVER && v->l2_timer_start != v->exit->tsc;

	events_arm_timer(v, unlikely(runs_on) ? rdtsc() : v->exit->tsc);
}

static void deliver_to(struct vcpu *v, const struct apic_message *message)
{
	if (lapic_deliver(&v->lapic, message))
		vcpu_request(v, REQUEST_EVENT);
}

/* One of the candidates gets it: the lowest priority, in turn among equals. */
static void send_lowest(struct vm *vm, const struct apic_message *message)
{
	u8 priorities[VCPUS_MAX] = { 0 };
	u64 candidates = 0;
	u32 winner;

	for (u32 i = 0; i < vm->vcpu_count; i++) {
		struct lapic *lapic = &vm->vcpus[i]->lapic;

		if (!lapic_matches(lapic, message) || !lapic_is_candidate(lapic, message))
			continue;
		candidates |= BIT(i);
		priorities[i] = lapic_arbitration_priority(lapic);
	}
	winner = apic_arbitrate(priorities, candidates,
				__atomic_load_n(&vm->last_arbitrated, __ATOMIC_RELAXED));
	if (winner == APIC_NOBODY)
		return;
	__atomic_store_n(&vm->last_arbitrated, winner, __ATOMIC_RELAXED);
	deliver_to(vm->vcpus[winner], message);
}

void events_send(struct vm *vm, const struct apic_message *message)
{
	if (message->mode == APIC_LOWEST) {
		send_lowest(vm, message);
		return;
	}
	for (u32 i = 0; i < vm->vcpu_count; i++)
		if (lapic_matches(&vm->vcpus[i]->lapic, message))
			deliver_to(vm->vcpus[i], message);
}

bool lapic_apply(struct vcpu *v, const struct lapic_effect *effect)
{
	switch (effect->kind) {
	case LAPIC_FAULT:
		return false;
	case LAPIC_SEND:
		events_send(v->vm, &effect->message);
		break;
	case LAPIC_TIMER:
		events_new_deadline(v);
		break;
	case LAPIC_MODE:
		v->cpuid.has_apic = lapic_is_in_cpuid(&v->lapic);
		apicv_mode_changed(v);
		events_new_deadline(v);
		break;
	case LAPIC_EOI_LEVEL:
		vm_devices_begin(v->vm, rdtsc());
		v->vm->board->eoi(effect->vector);
		vm_devices_end(v->vm);
		break;
	case LAPIC_NOTHING:
		break;
	}
	vcpu_request(v, REQUEST_EVENT);
	return true;
}
