/* SPDX-License-Identifier: MIT */
/* What reaches a vCPU from its local APIC: interrupts, NMIs, INIT and SIPI, and the timer's
 * deadline. The vCPU's own CPU only. */
#ifndef VMX_EVENTS_H
#define VMX_EVENTS_H

#include "vmx/vcpu.h"

/*
 * Bring what waits to the guest: INIT and SIPI change its activity, NMIs and interrupts are
 * injected where the guest takes them, else a window exit is asked for. Its VMCS is current.
 */
void events_deliver(struct vcpu *v);

/* The APIC timer is due. */
void events_timer(struct vcpu *v);

/* Take the timer's next deadline over from the APIC: after what it called LAPIC_TIMER. */
void events_new_deadline(struct vcpu *v);

/* When L1's VMX-preemption timer ends its L2's turn; LAPIC_NEVER. The VMCS that the vCPU is entered
 * with is about to become another one, whose timer control follows. */
void events_set_l2_timer(struct vcpu *v, u64 due);

/* When a vCPU that waits has to be looked at. */
static inline u64 events_wait_until(const struct vcpu *v)
{
	return MIN(v->timer_due, v->l2_timer_due);
}

/* Until when the guest may run before another vCPU of its CPU has its turn; LAPIC_NEVER. */
void events_set_slice(struct vcpu *v, u64 end);

/* The VMCS that the vCPU is entered with runs the preemption timer or not, as the deadline asks. */
void events_switch_timer(struct vcpu *v);
static inline void events_timer_control(struct vcpu *v)
{
	bool on = v->vmcs->pin_controls & PIN_PREEMPTION_TIMER;

	if (unlikely(on != (v->deadline != LAPIC_NEVER)))
		events_switch_timer(v);
}

/* The guest is left right behind its next entry; events_new_deadline() ends that. */
void events_expire_now(struct vcpu *v);

/* Before an entry with a deadline: how long the guest may run. The time that L0 took since the exit
 * in hand is not the guest's, unless its timer runs on meanwhile. */
void events_arm_timer(const struct vcpu *v, u64 now);
void events_arm_timer_after_exit(const struct vcpu *v);

/* An interrupt for the vCPU, from the 8259s or its local APIC: whether one waits, and taking it. */
bool events_interrupt_waits(struct vcpu *v);
bool events_take_interrupt(struct vcpu *v, u8 *vector);

/* Deliver a message to every local APIC that it is for, and kick who must notice. */
struct apic_message;
void events_send(struct vm *vm, const struct apic_message *message);

/* Carry out what an access to the local APIC leads to elsewhere. False: the access faults with
 * #GP(0). */
bool lapic_apply(struct vcpu *v, const struct lapic_effect *effect);

/* Whether the guest takes an external interrupt now (SDM "Interrupt-window exiting" lists the
 * conditions). Pure. */
bool may_take_interrupt(u64 rflags, u64 interruptibility);
/* Likewise for an NMI. */
bool may_take_nmi(u64 interruptibility);

/*
 * The VMX-preemption timer's value for a deadline, 0 where that has passed; and the deadline of a
 * value. It counts down each time that this bit of the TSC changes (SDM "VMX-Preemption Timer").
 * Pure.
 */
u32 preemption_timer_value(u64 deadline, u64 now, u32 shift);
u64 preemption_timer_deadline(u32 value, u64 now, u32 shift);

#endif
