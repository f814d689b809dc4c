/* SPDX-License-Identifier: MIT */
/*
 * L1's two 8259A interrupt controllers (Intel 8259A data sheet), the slave on the master's IR2,
 * with the edge/level registers of PC chipsets (ELCR, which takes the place of ICW1's LTIM). The
 * wiring is fixed: ICW3, SNGL and the MCS-80 mode are accepted without effect, as chipsets do.
 *
 * A request is the line itself: in edge mode it stands from the rising edge until it is
 * acknowledged or the line falls. An acknowledge that finds none is a spurious IR7.
 *
 * All functions need the board's lock; the INTR line is set with it held.
 */
#ifndef HV_DEV_PIC_H
#define HV_DEV_PIC_H

#include "hv/dev/irq_line.h"

#define PIC_MASTER  0x20
#define PIC_SLAVE   0xa0
#define PIC_ELCR    0x4d0
#define PIC_LINES   16
#define PIC_CASCADE 2

struct pic_chip {
	u8 lines;   /* levels of the inputs */
	u8 latched; /* edges seen since the last acknowledge */
	u8 isr;
	u8 imr;
	u8 elcr;
	u8 vector_base;
	u8 lowest;    /* the input of lowest priority */
	u8 init_step; /* the ICW that comes next: 2, 3, 4; 0: none */
	bool needs_icw4;
	bool single;
	bool reads_isr;
	bool polled; /* the next read is a poll */
	bool special_mask;
	bool auto_eoi;
	bool rotates_on_auto_eoi;
	bool special_nested;
};

struct pic {
	struct pic_chip chips[2]; /* master, slave */
	struct irq_line intr;
	bool intr_level;
};

/* As a PC's firmware leaves it: vectors from 08h and 70h, everything masked. */
void pic_init(struct pic *pic, struct irq_line intr);
void pic_set_line(struct pic *pic, u32 irq, bool level);
/* The INTR output. */
bool pic_intr(const struct pic *pic);
/* The CPU's INTA cycles: the vector; the request moves into service. */
u8 pic_acknowledge(struct pic *pic);

/* Single-byte accesses to 20h, 21h, A0h, A1h and 4D0h, 4D1h; none depends on time. */
u8 pic_read(void *device, u16 port, u64 now);
void pic_write(void *device, u16 port, u8 value, u64 now);

#endif
