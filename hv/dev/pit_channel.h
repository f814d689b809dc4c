/* SPDX-License-Identifier: MIT */
/*
 * One counter of an 8254 (Intel 8254 data sheet, "Mode Definitions"), as a function of the tick of
 * its clock. Nothing counts: what is kept is the tick at which the counting element was loaded.
 * Invariant: counts are 1..65536, or 1..10000 in BCD.
 *
 * Simplified: a gate pulls OUT of mode 1 low with the trigger, not one clock later, and a gate that
 * falls during mode 4's strobe stretches it.
 */
#ifndef HV_DEV_PIT_CHANNEL_H
#define HV_DEV_PIT_CHANNEL_H

#include "hv/types.h"

enum pit_mode {
	PIT_TERMINAL_COUNT,
	PIT_ONE_SHOT,
	PIT_RATE,
	PIT_SQUARE,
	PIT_STROBE,
	PIT_GATED_STROBE
};

enum pit_access { PIT_LATCH, PIT_LOW, PIT_HIGH, PIT_BOTH };

struct pit_channel {
	/* The last control word. */
	u8 mode_bits; /* as written: 6 and 7 mean modes 2 and 3 */
	u8 access;    /* enum pit_access */
	bool bcd;

	/* Counting. */
	bool counting; /* loaded since the control word */
	bool gate;
	u32 count;       /* what the counting element was loaded with */
	u64 base;        /* the tick of that: one after the write or the trigger */
	u64 held_since;  /* while the gate is low, in modes that then stand still */
	bool starts_low; /* square wave: the half that begins at base */

	/* A count that waits: for the gate (modes 1, 5), or for a period's end (2, 3). */
	u32 next; /* 0: none */
	u64 next_at;
	bool next_starts_low;

	/* The bus side. */
	bool write_high; /* the next byte written is the high one, and write_low the low one */
	bool read_high;
	u8 write_low;
	bool latched;
	u16 latch;
	bool status_latched;
	u8 status;
};

/* A control word for this channel (not a latch command). */
void pit_channel_control(struct pit_channel *ch, u8 value);
void pit_channel_set_gate(struct pit_channel *ch, bool gate, u64 tick);
/* Take over a waiting count whose time has come; before every other use at a new tick. */
void pit_channel_catch_up(struct pit_channel *ch, u64 tick);

bool pit_channel_out(const struct pit_channel *ch, u64 tick);
/* The first tick after this one at which OUT rises; CLOCK_NEVER: it will not by itself. */
u64 pit_channel_next_rise(const struct pit_channel *ch, u64 tick);

void pit_channel_latch_count(struct pit_channel *ch, u64 tick);
void pit_channel_latch_status(struct pit_channel *ch, u64 tick);
u8 pit_channel_read(struct pit_channel *ch, u64 tick);
void pit_channel_write(struct pit_channel *ch, u8 value, u64 tick);

#endif
