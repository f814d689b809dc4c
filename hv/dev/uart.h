/* SPDX-License-Identifier: MIT */
/*
 * L1's COM1: a 16550 (National Semiconductor PC16550D data sheet) whose transmitter is the report's
 * console and always ready; what it receives comes by uart_receive().
 *
 * Simplified: bytes take no time, so a receiver below its trigger level times out at once. OUT2
 * gates the line, as PC boards wire it, in loopback too.
 *
 * All functions need the board's lock; the IRQ4 line is set with it held.
 */
#ifndef HV_DEV_UART_H
#define HV_DEV_UART_H

#include "hv/dev/irq_line.h"

#define UART_COM1 0x3f8
#define UART_LAST (UART_COM1 + 7)
#define UART_FIFO 16

struct uart {
	u8 divisor[2]; /* low, high */
	u8 ier, fcr, lcr, mcr, scratch;
	u8 modem_deltas;
	bool overrun;
	bool holding_empty;     /* the transmitter's interrupt is pending */
	u8 received[UART_FIFO]; /* a ring */
	u32 first;
	u32 count;
	bool irq_level;
	struct irq_line irq;
};

/* The state after a reset. */
void uart_init(struct uart *uart, struct irq_line irq);

/* Bytes from the line, in order; returns how many found room. The others are not lost: the caller
 * may bring them again. In loopback the line is not connected: all are taken and dropped. */
size_t uart_receive(struct uart *uart, const u8 *bytes, size_t count);

/* L1 would be interrupted by a byte, and there is room for it. */
bool uart_awaits_input(const struct uart *uart);

/* Port accesses, port - UART_COM1 = register; none depends on time. */
u8 uart_read_byte(void *device, u16 port, u64 now);
void uart_write_byte(void *device, u16 port, u8 value, u64 now);

#endif
