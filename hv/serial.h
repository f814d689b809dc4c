/* SPDX-License-Identifier: MIT */
/* A 16550 at a configurable I/O port and speed: polled, with a bounded wait per byte sent. */
#ifndef HV_SERIAL_H
#define HV_SERIAL_H

#include "hv/types.h"

/* Program 8N1 at this speed (not 0). A port where no UART answers
 * (scratch register) is left alone: output is then dropped. */
void serial_init(u16 port, u32 baud);
void serial_write(const char *bytes, size_t count);
/* What has been received, at most `room` bytes; returns how many, does not wait. One CPU at a time;
 * another may transmit. */
size_t serial_read(u8 *bytes, size_t room);
/* Wait until the last bit is on the wire: before the machine goes away. */
void serial_flush(void);

#endif
