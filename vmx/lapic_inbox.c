/* SPDX-License-Identifier: MIT */
/*
 * What other CPUs send. A poster first sets its bit, then `posted`; the owner clears `posted` first
 * and fetches the bits afterwards. So a bit that a collect misses was set after its clearing, and
 * that poster is told to kick: nothing is lost, at worst a kick finds nothing.
 */
#include "vmx/lapic_private.h"

/* Sets `posted` after the bits (release), and tells whether the owner has to be told. */
static bool ring(struct lapic_inbox *inbox)
{
	return !__atomic_exchange_n(&inbox->posted, 1, __ATOMIC_ACQ_REL);
}

bool lapic_post(struct lapic *lapic, u8 vector, enum apic_trigger trigger)
{
	struct lapic_inbox *inbox = &lapic->inbox;
	u64 *words = trigger == APIC_LEVEL ? inbox->level : inbox->edge;

	__atomic_fetch_or(&words[vector / 64], BIT(vector % 64), __ATOMIC_RELEASE);
	return ring(inbox);
}

/* INIT wipes out what came before it; of two SIPIs the first one counts; NMIs count up to two. */
u32 lapic_combine_events(u32 earlier, u32 later)
{
	u32 sipi = earlier & LAPIC_EVENT_SIPI ? earlier : later;

	if (later & LAPIC_EVENT_INIT)
		return later;
	if (earlier & later & LAPIC_EVENT_NMI)
		later |= LAPIC_EVENT_NMI_AGAIN;
	return ((earlier | later) & 0xffu) | (sipi & 0xff00u);
}

bool lapic_post_event(struct lapic *lapic, enum lapic_event event, u8 vector)
{
	u32 *events = &lapic->inbox.events;
	u32 later = event | (event == LAPIC_EVENT_SIPI ? (u32)vector << 8 : 0);
	u32 earlier = __atomic_load_n(events, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(events, &earlier, lapic_combine_events(earlier, later),
					    true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	return ring(&lapic->inbox);
}

bool lapic_deliver(struct lapic *lapic, const struct apic_message *message)
{
	switch ((enum apic_delivery)message->mode) {
	case APIC_FIXED:
	case APIC_LOWEST:
		return lapic_post(lapic, message->vector, (enum apic_trigger)message->trigger);
	case APIC_NMI:
		return lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
	case APIC_INIT:
		return lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
	case APIC_STARTUP:
		return lapic_post_event(lapic, LAPIC_EVENT_SIPI, message->vector);
	case APIC_EXTINT:
		return lapic_post_event(lapic, LAPIC_EVENT_EXTINT, 0);
	case APIC_SMI: /* there is no SMM in this machine */
	case APIC_RESERVED:
		break;
	}
	return false;
}

/* One 32-bit piece of the bitmaps. A vector that came both ways is level: its EOI is broadcast. */
static void merge(struct lapic *lapic, u32 i, u32 edge, u32 level)
{
	u32 irr = LAPIC_IRR + i * LAPIC_STRIDE, tmr = LAPIC_TMR + i * LAPIC_STRIDE;
	u32 illegal = i == 0 ? (1u << FIRST_LEGAL_VECTOR) - 1 : 0;
	u32 before = lapic_reg(lapic, tmr), after;

	if (!lapic->enabled)
		return;
	if ((edge | level) & illegal)
		lapic_error(lapic, ESR_RECEIVE_VECTOR);
	edge &= ~illegal;
	level &= ~illegal;
	lapic_set_reg(lapic, irr, lapic_reg(lapic, irr) | edge | level);
	after = (before & ~edge) | level;
	if (after != before) {
		lapic_set_reg(lapic, tmr, after);
		lapic->tmr_changed = true;
	}
}

u32 lapic_collect(struct lapic *lapic)
{
	struct lapic_inbox *inbox = &lapic->inbox;

	if (likely(!__atomic_load_n(&inbox->posted, __ATOMIC_RELAXED)))
		return lapic->events;
	__atomic_exchange_n(&inbox->posted, 0, __ATOMIC_ACQ_REL);
	for (u32 i = 0; i < 4; i++) {
		u64 edge = __atomic_exchange_n(&inbox->edge[i], 0, __ATOMIC_ACQUIRE);
		u64 level = __atomic_exchange_n(&inbox->level[i], 0, __ATOMIC_ACQUIRE);

		merge(lapic, 2 * i, (u32)edge, (u32)level);
		merge(lapic, 2 * i + 1, (u32)(edge >> 32), (u32)(level >> 32));
	}
	lapic->events = lapic_combine_events(
		lapic->events, __atomic_exchange_n(&inbox->events, 0, __ATOMIC_ACQUIRE));
	return lapic->events;
}

static bool take(struct lapic *lapic, enum lapic_event event)
{
	bool waits = lapic->events & event;

	lapic->events &= ~(u32)event;
	return waits;
}

bool lapic_take_nmi(struct lapic *lapic)
{
	return take(lapic, LAPIC_EVENT_NMI_AGAIN) || take(lapic, LAPIC_EVENT_NMI);
}

void lapic_merge_nmis(struct lapic *lapic)
{
	lapic->events &= ~(u32)LAPIC_EVENT_NMI_AGAIN;
}

bool lapic_take_extint(struct lapic *lapic)
{
	return take(lapic, LAPIC_EVENT_EXTINT);
}

/* IA32_APIC_BASE, and with it the mode, survives INIT. */
bool lapic_take_init(struct lapic *lapic)
{
	if (!take(lapic, LAPIC_EVENT_INIT))
		return false;
	lapic_reset_registers(lapic);
	lapic->waits_for_sipi = !(lapic->base & BIT(8));
	return true;
}

void lapic_drop_init(struct lapic *lapic)
{
	(void)take(lapic, LAPIC_EVENT_INIT);
}

int lapic_take_sipi(struct lapic *lapic)
{
	u8 vector = (u8)(lapic->events >> 8);

	if (!take(lapic, LAPIC_EVENT_SIPI) || !lapic->waits_for_sipi)
		return LAPIC_NO_VECTOR;
	lapic->waits_for_sipi = false;
	return vector;
}
