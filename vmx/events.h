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

/* Before an entry with a deadline: how long the guest may run. */
void events_arm_timer(const struct vcpu *v, u64 now);

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

/* The VMX-preemption timer's value for a deadline, in its own ticks; 0 where it has passed. Pure.
 */
u32 preemption_timer_value(u64 deadline, u64 now, u32 shift);

#endif
