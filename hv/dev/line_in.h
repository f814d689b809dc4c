/* SPDX-License-Identifier: MIT */
/*
 * What comes in at the console's line, for L1's COM1. The line is polled, at most once a period: at
 * any access to the board, and by a deadline only while L1 has the receiver's interrupt enabled.
 * What finds no room in the UART waits in a queue; what finds none there stays with the source.
 *
 * All functions need the board's lock.
 */
#ifndef HV_DEV_LINE_IN_H
#define HV_DEV_LINE_IN_H

#include "hv/dev/uart.h"

#define LINE_IN_QUEUE 64u

/* Where bytes come from: reads at most `room` of them and returns how many; never waits. NULL:
 * nothing ever comes. */
typedef size_t (*line_in_source)(u8 *bytes, size_t room);

struct line_in {
	struct uart *uart;
	line_in_source source;
	u64 period; /* in TSC ticks */
	u64 next;   /* when the source is asked again */
	u8 queue[LINE_IN_QUEUE];
	size_t count;
};

void line_in_advance(struct line_in *line, u64 now);
u64 line_in_next_deadline(const struct line_in *line);

#endif
