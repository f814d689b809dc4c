/* SPDX-License-Identifier: MIT */
/* The 8259 pair by its command words (Intel 8259A data sheet). */
#include "tests/guest/lib/pic.h"
#include "hv/x86.h"

#define ICW1_ICW4     0x11u
#define ICW4_8086     0x01u
#define ICW4_AUTO_EOI 0x02u
#define OCW2_EOI      0x20u
#define OCW3_READ_IRR 0x0au
#define OCW3_READ_ISR 0x0bu

bool pic_is_present(void)
{
	u8 before = in8(PIC_MASTER + 1);
	bool present;

	out8(PIC_MASTER + 1, 0xfb);
	present = in8(PIC_MASTER + 1) == 0xfb;
	out8(PIC_MASTER + 1, before);
	return present;
}

static void init_one(u16 port, u8 vector, u8 cascade, u8 icw4)
{
	out8(port, ICW1_ICW4);
	out8(port + 1, vector);
	out8(port + 1, cascade);
	out8(port + 1, icw4);
	out8(port + 1, 0xff);
}

void pic_init(enum pic_eoi_mode mode)
{
	u8 icw4 = (u8)(ICW4_8086 | (mode == PIC_AUTO_EOI ? ICW4_AUTO_EOI : 0));

	init_one(PIC_MASTER, PIC_VECTOR, BIT(PIC_IRQ_CASCADE), icw4);
	init_one(PIC_SLAVE, PIC_VECTOR + 8, PIC_IRQ_CASCADE, icw4);
}

void pic_unmask(u16 irqs)
{
	if (irqs >> 8)
		irqs |= BIT(PIC_IRQ_CASCADE);
	out8(PIC_MASTER + 1, (u8)~irqs);
	out8(PIC_SLAVE + 1, (u8)(~irqs >> 8));
}

void pic_mask_all(void)
{
	pic_unmask(0);
}

void pic_eoi(u32 irq)
{
	if (irq >= 8)
		out8(PIC_SLAVE, OCW2_EOI);
	out8(PIC_MASTER, OCW2_EOI);
}

static u16 read_both(u8 command)
{
	out8(PIC_MASTER, command);
	out8(PIC_SLAVE, command);
	return (u16)(in8(PIC_MASTER) | in8(PIC_SLAVE) << 8);
}

u16 pic_in_service(void)
{
	return read_both(OCW3_READ_ISR);
}

u16 pic_requested(void)
{
	return read_both(OCW3_READ_IRR);
}
