/* SPDX-License-Identifier: MIT */
/*
 * L1's 8254 at ports 40h–43h and the system control port 61h: channel 0 drives IRQ0, channel 2's
 * gate and output are bits of port 61h, as is the refresh toggle (every 15 µs, by channel 1 once).
 *
 * IRQ0 is exact at rising edges, which are the deadlines; between them it falls with the next
 * access or pit_advance(). Edges that lie closer together than two advances are one.
 *
 * All functions need the board's lock; the line is set with it held. `now` never goes back.
 */
#ifndef HV_DEV_PIT_H
#define HV_DEV_PIT_H

#include "hv/dev/irq_line.h"
#include "hv/dev/pit_channel.h"

#define PIT_HZ             1193182
#define PIT_CHANNEL0       0x40
#define PIT_CONTROL        0x43
#define PIT_SYSTEM_CONTROL 0x61

struct pit {
	struct pit_channel channels[3];
	u64 tsc_hz;
	u64 seen; /* the tick up to which IRQ0 is right */
	u8 system_control;
	bool irq_level;
	struct irq_line irq;
};

/* No channel is programmed, IRQ0 is low. */
void pit_init(struct pit *pit, u64 tsc_hz, struct irq_line irq);
void pit_advance(struct pit *pit, u64 now);
/* When IRQ0 rises next, seen from the last advance or access; CLOCK_NEVER: not by itself. */
u64 pit_next_deadline(const struct pit *pit);

/* Single-byte accesses. Port 43h cannot be read: all ones. */
u8 pit_read(void *device, u16 port, u64 now);
void pit_write(void *device, u16 port, u8 value, u64 now);

#endif
