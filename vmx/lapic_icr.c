/* SPDX-License-Identifier: MIT */
/* Messages: what the ICR sends (SDM "Issuing Interprocessor Interrupts") and whom a message is for
 * ("Determining IPI Destination"). */
#include "vmx/lapic_private.h"

#define MODE(mode) (1u << (mode))

/* SDM "Valid Combinations for the ... Local xAPIC Interrupt Command Register", and NMI to oneself,
 * which processors deliver. SMI is left out: this machine has no SMM. */
static const u8 sendable[] = {
	[APIC_TO_DESTINATION] = MODE(APIC_FIXED) | MODE(APIC_LOWEST) | MODE(APIC_NMI) |
				MODE(APIC_INIT) | MODE(APIC_STARTUP),
	[APIC_TO_SELF] = MODE(APIC_FIXED) | MODE(APIC_NMI),
	[APIC_TO_ALL] = MODE(APIC_FIXED) | MODE(APIC_NMI),
	[APIC_TO_OTHERS] = MODE(APIC_FIXED) | MODE(APIC_LOWEST) | MODE(APIC_NMI) | MODE(APIC_INIT) |
			   MODE(APIC_STARTUP),
};

static bool has_vector(u32 mode)
{
	return mode == APIC_FIXED || mode == APIC_LOWEST;
}

/* INIT level de-assert set arbitration ids on old processors; now it does nothing. */
static bool is_deassert(u32 icr)
{
	return LVT_MODE(icr) == APIC_INIT && (icr & ICR_LEVEL) && !(icr & ICR_ASSERT);
}

/* Without a way round over the inbox: the sender owns this APIC. */
static void send_to_self(struct lapic *lapic, const struct apic_message *message)
{
	if (message->mode == APIC_FIXED)
		lapic_accept(lapic, message->vector, APIC_EDGE);
	else
		lapic->events = lapic_combine_events(lapic->events, LAPIC_EVENT_NMI);
}

/* IPIs are edge-triggered whatever the trigger bit says. */
struct lapic_effect lapic_send(struct lapic *lapic, u32 icr, u32 destination)
{
	struct lapic_effect effect = {
		.kind = LAPIC_SEND,
		.message = {
			.destination = destination,
			.source = lapic->id,
			.vector = (u8)icr,
			.mode = (u8)LVT_MODE(icr),
			.shorthand = (u8)ICR_SHORTHAND(icr),
			.trigger = APIC_EDGE,
			.logical = icr & ICR_LOGICAL,
			.wide = lapic_mode(lapic) == LAPIC_X2APIC,
		},
	};
	const struct apic_message *message = &effect.message;

	if (!(sendable[message->shorthand] & MODE(message->mode)) || is_deassert(icr))
		return lapic_effect(LAPIC_NOTHING);
	if (has_vector(message->mode) && message->vector < FIRST_LEGAL_VECTOR) {
		lapic_error(lapic, ESR_SEND_VECTOR);
		return lapic_effect(LAPIC_NOTHING);
	}
	if (message->shorthand != APIC_TO_SELF)
		return effect;
	send_to_self(lapic, message);
	return lapic_effect(LAPIC_NOTHING);
}

/* SDM "Logical Destination Mode": flat is a set of APICs; a cluster is a number and a set. */
static bool xapic_logical_matches(u64 routing, u32 destination)
{
	u32 ldr = ROUTING_LDR(routing);

	if (ROUTING_MODEL(routing) == 0xf)
		return ldr & destination;
	return ROUTING_MODEL(routing) == 0 && ldr >> 4 == destination >> 4 &&
	       (ldr & destination & 0xf);
}

static bool x2apic_logical_matches(u32 id, u32 destination)
{
	return (id >> 4 & 0xffff) == destination >> 16 && (destination >> (id & 0xf) & 1);
}

static bool destination_matches(const struct lapic *lapic, const struct apic_message *message,
				u64 routing)
{
	bool wide = ROUTING_MODE(routing) == LAPIC_X2APIC;
	u32 destination = message->destination;

	if (destination == (message->wide ? 0xffffffff : 0xff))
		return true;
	if (wide)
		return message->logical ? x2apic_logical_matches(lapic->id, destination)
					: lapic->id == destination;
	if (destination > 0xff)
		return false;
	return message->logical ? xapic_logical_matches(routing, destination)
				: (lapic->id & 0xff) == destination;
}

bool lapic_matches(const struct lapic *lapic, const struct apic_message *message)
{
	u64 routing = __atomic_load_n(&lapic->routing, __ATOMIC_ACQUIRE);
	bool self = lapic->id == message->source;

	if (ROUTING_MODE(routing) == LAPIC_DISABLED)
		return false;
	switch ((enum apic_shorthand)message->shorthand) {
	case APIC_TO_SELF:
		return self;
	case APIC_TO_ALL:
		return true;
	case APIC_TO_OTHERS:
		return !self;
	case APIC_TO_DESTINATION:
		break;
	}
	return destination_matches(lapic, message, routing);
}

bool lapic_is_candidate(const struct lapic *lapic, const struct apic_message *message)
{
	return (__atomic_load_n(&lapic->routing, __ATOMIC_ACQUIRE) & ROUTING_ENABLED) &&
	       lapic_matches(lapic, message);
}

u32 apic_arbitrate(const u8 *priorities, u64 candidates, u32 last)
{
	u32 best = APIC_NOBODY;

	for (u32 turn = 1; turn <= 64; turn++) {
		u32 i = (last + turn) % 64;

		if (!(candidates & BIT(i)))
			continue;
		if (best == APIC_NOBODY || priorities[i] < priorities[best])
			best = i;
	}
	return best;
}
