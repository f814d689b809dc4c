/* SPDX-License-Identifier: MIT */
/* L1's COM1: a 16550 whose transmitter is the report's console.
 * Polled: it raises no interrupts and receives nothing yet. */
#ifndef HV_DEV_UART_H
#define HV_DEV_UART_H

#include "hv/types.h"

#define UART_COM1 0x3f8

struct uart {
	u8 divisor[2]; /* low, high */
	u8 ier, fcr, lcr, mcr, scratch;
};

/* Port accesses, port - UART_COM1 = register. Only single bytes reach a 16550:
 * wider accesses touch consecutive registers. */
u32 uart_read(void *device, u16 port, u32 bytes);
void uart_write(void *device, u16 port, u32 bytes, u32 value);

#endif
