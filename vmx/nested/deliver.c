/* SPDX-License-Identifier: MIT */
/*
 * What L1's local APIC has while L2 runs: it ends L2's turn where L1 asked for that, else it goes
 * into L2 (SDM "Event Delivery": external-interrupt and NMI exiting). An event that the entry under
 * way delivers goes first; the next look is then taken right behind it.
 */
#include "hv/x86.h"
#include "vmx/event.h"
#include "vmx/events.h"
#include "vmx/inject.h"
#include "vmx/nested/nested.h"
#include "vmx/nested_calls.h"
#include "vmx/request.h"
#include "vmx/vm.h"

static bool is_event_under_way(void)
{
	return vmcs_read(VMCS_ENTRY_INTR_INFO) & INTR_INFO_VALID;
}

/* Window exits that L0 wants beside those that L1 asked for. */
static void set_window(struct vcpu *v, u32 window, bool on)
{
	u32 of_l1 = (u32)v->nested->current->v12.CPU_CONTROLS & window;
	u32 controls = (v->vmcs->cpu_controls & ~window) | of_l1 | (on ? window : 0);

	if (controls == v->vmcs->cpu_controls)
		return;
	v->vmcs->cpu_controls = controls;
	vmcs_write(VMCS_CPU_CONTROLS, controls);
}

void nested_look_again(struct vcpu *v)
{
	v->nested->looks_again = true;
	events_expire_now(v);
	v->activity = VCPU_ACTIVE;
}

/* A window that L1 asked for opens before what comes through it (SDM "Priority of VM Exits"). */
static bool window_exits(struct vcpu *v, u32 window, u32 reason, bool is_open)
{
	const struct exit12 exit = { .reason = reason };

	if (!(v->nested->current->v12.CPU_CONTROLS & window) || !is_open)
		return false;
	nested_reflect(v, &exit);
	return true;
}

static void exit_with(struct vcpu *v, u32 reason, u32 intr_info)
{
	const struct exit12 exit = { .reason = reason, .intr_info = intr_info };

	nested_reflect(v, &exit);
}

/* L1 wants NMIs: they wait where they are blocked for all of L2's turn. */
static bool nmi_exits(struct vcpu *v, bool under_way)
{
	if (v->nested->blocks_nmis)
		return false;
	if (under_way) {
		nested_look_again(v);
		return false;
	}
	if (window_exits(v, CPU_NMI_WINDOW, EXIT_NMI_WINDOW,
			 may_take_nmi(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY))))
		return true;
	lapic_take_nmi(&v->lapic);
	exit_with(v, EXIT_EXCEPTION_NMI, INTR_INFO_VALID | (u32)INTR_NMI << 8 | VECTOR_NMI);
	return true;
}

static void inject_nmi(struct vcpu *v, bool under_way)
{
	if (!under_way && may_take_nmi(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY))) {
		lapic_take_nmi(&v->lapic);
		vmcs_write(VMCS_ENTRY_INTR_INFO, INTR_INFO_VALID | (u32)INTR_NMI << 8 | VECTOR_NMI);
		v->activity = VCPU_ACTIVE;
	}
	set_window(v, CPU_NMI_WINDOW, v->lapic.events & LAPIC_EVENT_NMI);
}

static void interrupt_exits(struct vcpu *v, bool under_way)
{
	u32 info = 0;
	u8 vector;

	if (!events_interrupt_waits(v))
		return;
	if (under_way) {
		nested_look_again(v);
		return;
	}
	if (window_exits(v, CPU_INTERRUPT_WINDOW, EXIT_INTERRUPT_WINDOW,
			 may_take_interrupt(vmcs_read(VMCS_GUEST_RFLAGS),
					    vmcs_read(VMCS_GUEST_INTERRUPTIBILITY))))
		return;
	if (v->nested->current->v12.EXIT_CONTROLS & EXIT_CTL_ACK_INT) {
		if (!events_take_interrupt(v, &vector))
			return;
		info = INTR_INFO_VALID | (u32)INTR_EXTERNAL << 8 | vector;
	}
	exit_with(v, EXIT_EXTERNAL_INTERRUPT, info);
}

static void inject_interrupt(struct vcpu *v, bool under_way)
{
	u8 vector;

	if (!under_way &&
	    may_take_interrupt(vmcs_read(VMCS_GUEST_RFLAGS),
			       vmcs_read(VMCS_GUEST_INTERRUPTIBILITY)) &&
	    events_interrupt_waits(v) && events_take_interrupt(v, &vector)) {
		vmcs_write(VMCS_ENTRY_INTR_INFO,
			   INTR_INFO_VALID | (u32)INTR_EXTERNAL << 8 | vector);
		v->activity = VCPU_ACTIVE;
	}
	set_window(v, CPU_INTERRUPT_WINDOW, events_interrupt_waits(v));
}

/* Window exits wake a halted L2, which hardware does not run. */
static void halted_windows(struct vcpu *v)
{
	u64 blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	if (!window_exits(v, CPU_NMI_WINDOW, EXIT_NMI_WINDOW, may_take_nmi(blocked)))
		(void)window_exits(v, CPU_INTERRUPT_WINDOW, EXIT_INTERRUPT_WINDOW,
				   may_take_interrupt(vmcs_read(VMCS_GUEST_RFLAGS), blocked));
}

/* INIT ends L2's turn whatever L1's controls are; a SIPI has nobody who waits for it. */
static bool init_exits(struct vcpu *v, u32 events, bool under_way)
{
	if (events & LAPIC_EVENT_SIPI)
		(void)lapic_take_sipi(&v->lapic);
	if (!(events & LAPIC_EVENT_INIT))
		return false;
	if (under_way) {
		nested_look_again(v);
		return true;
	}
	lapic_drop_init(&v->lapic);
	exit_with(v, EXIT_INIT, 0);
	return true;
}

/*
 * L1's VMX-preemption timer goes before windows, NMIs and interrupts, and behind debug traps (SDM
 * "VMX-Preemption Timer"), whose delivery is the CPU's, as that of the event under way: it is then
 * the CPU's timer, at 0, that exits.
 */
static bool timer_exits(struct vcpu *v, bool under_way)
{
	if (likely(!l2_timer_is_due(v, rdtsc())))
		return false;
	if (under_way || is_debug_trap(vmcs_read(VMCS_GUEST_PENDING_DEBUG)))
		nested_look_again(v);
	else
		exit_with(v, EXIT_PREEMPTION_TIMER, 0);
	return true;
}

void nested_deliver(struct vcpu *v)
{
	const struct vmcs12 *v12 = &v->nested->current->v12;
	u32 events = lapic_collect(&v->lapic);
	bool under_way = is_event_under_way();

	v->nested->deliver_in_l1 = true;
	if (init_exits(v, events, under_way) || timer_exits(v, under_way))
		return;
	if (events & LAPIC_EVENT_NMI) {
		if (!(v12->PIN_CONTROLS & PIN_NMI_EXITING))
			inject_nmi(v, under_way);
		else if (nmi_exits(v, under_way))
			return;
		under_way = is_event_under_way();
	}
	if (v12->PIN_CONTROLS & PIN_EXT_INT_EXITING)
		interrupt_exits(v, under_way);
	else
		inject_interrupt(v, under_way);
	if (v->activity == VCPU_HALTED)
		halted_windows(v);
}

void nested_handle_requests(struct vcpu *v, u32 requests)
{
	if (requests & REQUEST_FLUSH_EPT)
		translations_flush(v);
	if (requests & REQUEST_YIELD)
		nested_yield(v);
	if ((requests & REQUEST_PAGE) && vcpu_is_in_l2(v))
		pages_again(v);
}
