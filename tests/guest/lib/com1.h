/* SPDX-License-Identifier: MIT */
/* COM1's interrupt side (16550). What the console prints goes by polling, beside this. */
#ifndef TESTS_GUEST_LIB_COM1_H
#define TESTS_GUEST_LIB_COM1_H

#include "hv/x86.h"

#define COM1_DATA      0x3f8u
#define COM1_IER       0x3f9u
#define COM1_IIR       0x3fau
#define COM1_MCR       0x3fcu
#define COM1_LSR       0x3fdu
#define COM1_SCRATCH   0x3ffu

#define COM1_FCR       0x3fau
#define COM1_FCR_FIFO  0x07u /* on, and empty */
#define COM1_IER_DATA  0x01u
#define COM1_LSR_DATA  0x01u
#define COM1_IER_THRE  0x02u
#define COM1_IIR_NONE  0x01u
#define COM1_IIR_THRE  0x02u
#define COM1_IIR_CAUSE 0x0fu
#define COM1_MCR_OUT2  0x08u /* lets the interrupt out to the bus */
#define COM1_LSR_IDLE  0x40u

static inline bool com1_is_present(void)
{
	out8(COM1_SCRATCH, 0x5a);
	return in8(COM1_SCRATCH) == 0x5a;
}

/* Once the transmitter is empty, one interrupt comes at once. */
static inline void com1_enable_thre(void)
{
	for (u32 i = 0; i < 1000000 && !(in8(COM1_LSR) & COM1_LSR_IDLE); i++)
		cpu_pause();
	out8(COM1_MCR, in8(COM1_MCR) | COM1_MCR_OUT2);
	out8(COM1_IER, COM1_IER_THRE);
}

static inline void com1_quiet(void)
{
	out8(COM1_IER, 0);
	in8(COM1_IIR);
}

#endif
