/* SPDX-License-Identifier: MIT */
/*
 * L1's I/O APIC (Intel 82093AA data sheet): 24 pins that turn edges and levels into messages to
 * local APICs. Version 11h, as the 82093AA, Bochs and QEMU's default have it: no EOI register, so
 * software that must end a level interrupt by hand flips its entry to edge and back, which works
 * here.
 *
 * All functions need the board's lock. The sink is called with it held and must not call back.
 */
#ifndef HV_DEV_IOAPIC_H
#define HV_DEV_IOAPIC_H

#include "hv/types.h"

#define IOAPIC_BASE    0xfec00000ULL
#define IOAPIC_BYTES   0x1000ULL
#define IOAPIC_PINS    24
#define IOAPIC_VERSION 0x11

/* SDM "Interrupt Command Register": the encodings of both are the same. 3 and 6 are reserved. */
enum ioapic_delivery {
	IOAPIC_FIXED = 0,
	IOAPIC_LOWEST_PRIORITY = 1,
	IOAPIC_SMI = 2,
	IOAPIC_NMI = 4,
	IOAPIC_INIT = 5,
	IOAPIC_EXTINT = 7,
};

struct ioapic_message {
	u8 vector;
	u8 delivery; /* enum ioapic_delivery; never a reserved one */
	u8 destination;
	bool logical;
	bool level; /* the local APIC sets TMR, and its EOI must come back through ioapic_eoi() */
};

struct ioapic_sink {
	void (*send)(void *context, const struct ioapic_message *message);
	void *context;
};

struct ioapic {
	u64 entries[IOAPIC_PINS];
	u32 lines; /* asserted pins */
	u8 select;
	u8 id;
	struct ioapic_sink sink;
};

/* All pins masked, all lines low. */
void ioapic_init(struct ioapic *ioapic, struct ioapic_sink sink);

/*
 * The line of a pin. The polarity bit of an entry is storage: lines say "asserted", not a voltage,
 * so software that takes a line for active-low by the MADT and one that does not both get along.
 */
void ioapic_set_pin(struct ioapic *ioapic, u32 pin, bool asserted);

/* A local APIC ended a level-triggered interrupt: remote IRR falls, and a line that is still
 * asserted is sent again. */
void ioapic_eoi(struct ioapic *ioapic, u8 vector);

/*
 * The two registers (index at 0, data at 10h). The data sheet demands aligned 32-bit accesses and
 * leaves the rest open (Bochs stops the machine): here others reach no register, read all ones and
 * are dropped, as are accesses to other offsets. Unknown indices read 0.
 */
u64 ioapic_mmio_read(void *device, u64 offset, u32 bytes);
void ioapic_mmio_write(void *device, u64 offset, u32 bytes, u64 value);

#endif
