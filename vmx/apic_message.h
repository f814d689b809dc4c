/* SPDX-License-Identifier: MIT */
/*
 * Messages between local APICs, and from I/O APICs and MSIs to them: the same for all senders. Who
 * gets one is decided per receiver (lapic_matches), by the receiver's own mode.
 */
#ifndef VMX_APIC_MESSAGE_H
#define VMX_APIC_MESSAGE_H

#include "hv/types.h"

/* SDM "Interrupt Command Register (ICR)": delivery modes; those of local vectors too. */
enum apic_delivery {
	APIC_FIXED = 0,
	APIC_LOWEST = 1,
	APIC_SMI = 2,
	APIC_RESERVED = 3,
	APIC_NMI = 4,
	APIC_INIT = 5,
	APIC_STARTUP = 6, /* local vectors: reserved */
	APIC_EXTINT = 7,  /* not from an ICR: ask the 8259 pair for the vector */
};

enum apic_shorthand { APIC_TO_DESTINATION, APIC_TO_SELF, APIC_TO_ALL, APIC_TO_OTHERS };

enum apic_trigger { APIC_EDGE, APIC_LEVEL };

#define APIC_NO_SOURCE (~0u) /* the sender is no CPU */
#define APIC_NOBODY    (~0u)

struct apic_message {
	u32 destination; /* 8 bits, or 32 when wide */
	u32 source;      /* the sending APIC's id, or APIC_NO_SOURCE */
	u8 vector;
	u8 mode;      /* enum apic_delivery */
	u8 shorthand; /* enum apic_shorthand */
	u8 trigger;   /* enum apic_trigger */
	bool logical; /* destination mode */
	bool wide;    /* sent in x2APIC mode: broadcast is FFFFFFFFh, not FFh */
};

/*
 * Lowest-priority arbitration, n ≤ 64: of the candidates (a mask over priorities[]) the one with
 * the lowest priority; among equals the first after `last`, the winner of the arbitration before,
 * so that equals take turns. APIC_NOBODY without a candidate.
 */
u32 apic_arbitrate(const u8 *priorities, u64 candidates, u32 last);

#endif
