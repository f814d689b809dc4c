/* SPDX-License-Identifier: MIT */
/* An 8259 pair for tests: its ports, and its initialization as Linux does it. */
#ifndef PIC_PORTS_H
#define PIC_PORTS_H

#include "hv/dev/pic.h"

static inline void out(struct pic *pic, u16 port, u8 value)
{
	pic_write(pic, port, value, 0);
}

static inline u8 in(struct pic *pic, u16 port)
{
	return pic_read(pic, port, 0);
}

/* Vectors 30h and 38h, everything unmasked. */
static inline void pic_start(struct pic *pic, struct irq_line intr, u8 icw4)
{
	pic_init(pic, intr);
	out(pic, 0x20, 0x11);
	out(pic, 0x21, 0x30);
	out(pic, 0x21, 0x04);
	out(pic, 0x21, icw4);
	out(pic, 0xa0, 0x11);
	out(pic, 0xa1, 0x38);
	out(pic, 0xa1, 0x02);
	out(pic, 0xa1, icw4 & 0xef);
}

static inline u8 isr(struct pic *pic, u16 port)
{
	out(pic, port, 0x0b);
	return in(pic, port);
}

static inline u8 irr(struct pic *pic, u16 port)
{
	out(pic, port, 0x0a);
	return in(pic, port);
}

#endif
