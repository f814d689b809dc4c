/* SPDX-License-Identifier: MIT */
/* 8259A pair: priorities and command words. */
#include "hv/dev/pic.h"

#define ICW1_NEEDS_ICW4     0x01
#define ICW1_SINGLE         0x02
#define ICW1                0x10 /* at the even port: this, else OCW3, else OCW2 */
#define ICW4_AUTO_EOI       0x02
#define ICW4_SPECIAL_NESTED 0x10
#define OCW3                0x08
#define OCW3_READ_ISR       0x01
#define OCW3_READ           0x02
#define OCW3_POLL           0x04
#define OCW3_SPECIAL_MASK   0x20
#define OCW3_SET_SPECIAL    0x40
#define OCW2_LEVEL(v)       ((v)&7u)
#define OCW2_COMMAND(v)     ((v) >> 5)
#define POLL_REQUEST        0x80

#define SPURIOUS            7
#define NO_IRQ              8

/* Inputs that are edges on every PC: timer, keyboard, cascade; RTC, FPU. */
static const u8 elcr_writable[2] = { 0xf8, 0xde };

enum ocw2_command {
	OCW2_AUTO_ROTATE_OFF,
	OCW2_EOI,
	OCW2_NOP,
	OCW2_SPECIFIC_EOI,
	OCW2_AUTO_ROTATE_ON,
	OCW2_ROTATE_EOI,
	OCW2_SET_PRIORITY,
	OCW2_ROTATE_SPECIFIC_EOI
};

static u8 requests(const struct pic_chip *chip)
{
	return chip->lines & (chip->elcr | chip->latched);
}

/* How many inputs stand before the first of these, in order of priority; 8: there is none. */
static u32 rank(const struct pic_chip *chip, u8 inputs)
{
	for (u32 i = 0; i < 8; i++)
		if (inputs & 1u << ((chip->lowest + 1 + i) & 7))
			return i;
	return NO_IRQ;
}

static u32 input_of_rank(const struct pic_chip *chip, u32 place)
{
	return (chip->lowest + 1 + place) & 7;
}

/* The inputs in service that hold back others. */
static u8 blocking(const struct pic *pic, const struct pic_chip *chip)
{
	u8 inputs = chip->isr;

	if (chip->special_mask)
		inputs &= (u8)~chip->imr;
	/* A slave's requests nest: it judges its own priorities. */
	if (chip->special_nested && chip == &pic->chips[0])
		inputs &= (u8) ~(1u << PIC_CASCADE);
	return inputs;
}

/* The input that this chip would have served now, or NO_IRQ. */
static u32 winner(const struct pic *pic, const struct pic_chip *chip)
{
	u32 place = rank(chip, requests(chip) & (u8)~chip->imr);

	if (place == NO_IRQ || place >= rank(chip, blocking(pic, chip)))
		return NO_IRQ;
	return input_of_rank(chip, place);
}

static void set_input(struct pic_chip *chip, u32 input, bool level)
{
	u8 bit = (u8)(1u << input);

	if (!level) {
		chip->lines &= (u8)~bit;
		chip->latched &= (u8)~bit;
	} else if (!(chip->lines & bit)) {
		chip->lines |= bit;
		chip->latched |= bit;
	}
}

/* After any change: the slave's output is an input of the master, the master's is INTR. */
static void update(struct pic *pic)
{
	bool level;

	set_input(&pic->chips[0], PIC_CASCADE, winner(pic, &pic->chips[1]) != NO_IRQ);
	level = winner(pic, &pic->chips[0]) != NO_IRQ;
	if (level == pic->intr_level)
		return;
	pic->intr_level = level;
	irq_line_set(&pic->intr, level);
}

void pic_init(struct pic *pic, struct irq_line intr)
{
	*pic = (struct pic){ .intr = intr };
	for (u32 i = 0; i < 2; i++) {
		pic->chips[i].imr = 0xff;
		pic->chips[i].lowest = 7;
		pic->chips[i].vector_base = i == 0 ? 0x08 : 0x70;
	}
}

void pic_set_line(struct pic *pic, u32 irq, bool level)
{
	if (irq == PIC_CASCADE)
		return; /* the slave's */
	set_input(&pic->chips[irq / 8], irq % 8, level);
	update(pic);
}

bool pic_intr(const struct pic *pic)
{
	return pic->intr_level;
}

/* One chip's part of an acknowledge; its output falls and may rise again. */
static u32 serve(struct pic *pic, struct pic_chip *chip)
{
	u32 input = winner(pic, chip);

	if (input == NO_IRQ)
		return NO_IRQ;
	chip->latched &= (u8) ~(1u << input);
	if (!chip->auto_eoi)
		chip->isr |= (u8)(1u << input);
	else if (chip->rotates_on_auto_eoi)
		chip->lowest = (u8)input;
	if (chip == &pic->chips[1])
		set_input(&pic->chips[0], PIC_CASCADE, false);
	return input;
}

u8 pic_acknowledge(struct pic *pic)
{
	struct pic_chip *chip = &pic->chips[0];
	u32 input = serve(pic, chip);

	if (input == PIC_CASCADE) {
		chip = &pic->chips[1];
		input = serve(pic, chip);
	}
	update(pic);
	return (u8)(chip->vector_base + (input == NO_IRQ ? SPURIOUS : input));
}

static u8 poll(struct pic *pic, struct pic_chip *chip)
{
	u32 input = serve(pic, chip);

	chip->polled = false;
	update(pic);
	return input == NO_IRQ ? 0 : (u8)(POLL_REQUEST | input);
}

u8 pic_read(void *device, u16 port, u64 now)
{
	struct pic *pic = device;
	struct pic_chip *chip = &pic->chips[(port & ~1u) == PIC_SLAVE];

	(void)now;
	if ((port & ~1u) == PIC_ELCR)
		return pic->chips[port & 1].elcr;
	if (chip->polled)
		return poll(pic, chip);
	if (port & 1)
		return chip->imr;
	return chip->reads_isr ? chip->isr : requests(chip);
}

static void end_of_interrupt(struct pic_chip *chip, bool rotates)
{
	/* In special mask mode an input that is masked stays in service. */
	u8 candidates = chip->special_mask ? chip->isr & (u8)~chip->imr : chip->isr;
	u32 place = rank(chip, candidates);
	u32 input = input_of_rank(chip, place);

	if (place == NO_IRQ)
		return;
	chip->isr &= (u8) ~(1u << input);
	if (rotates)
		chip->lowest = (u8)input;
}

static void command(struct pic_chip *chip, u8 value)
{
	u8 input = OCW2_LEVEL(value);

	switch ((enum ocw2_command)OCW2_COMMAND(value)) {
	case OCW2_AUTO_ROTATE_OFF:
	case OCW2_AUTO_ROTATE_ON:
		chip->rotates_on_auto_eoi = OCW2_COMMAND(value) == OCW2_AUTO_ROTATE_ON;
		break;
	case OCW2_EOI:
	case OCW2_ROTATE_EOI:
		end_of_interrupt(chip, OCW2_COMMAND(value) == OCW2_ROTATE_EOI);
		break;
	case OCW2_SPECIFIC_EOI:
		chip->isr &= (u8) ~(1u << input);
		break;
	case OCW2_ROTATE_SPECIFIC_EOI:
		chip->isr &= (u8) ~(1u << input);
		chip->lowest = input;
		break;
	case OCW2_SET_PRIORITY:
		chip->lowest = input;
		break;
	case OCW2_NOP:
		break;
	}
}

static void select_mode(struct pic_chip *chip, u8 value)
{
	if (value & OCW3_SET_SPECIAL)
		chip->special_mask = value & OCW3_SPECIAL_MASK;
	if (value & OCW3_POLL)
		chip->polled = true;
	else if (value & OCW3_READ)
		chip->reads_isr = value & OCW3_READ_ISR;
}

/* ICW1 also forgets edges: an input must rise anew. Vectors stay until ICW2. */
static void start_init(struct pic_chip *chip, u8 value)
{
	*chip = (struct pic_chip){
		.lines = chip->lines,
		.elcr = chip->elcr,
		.vector_base = chip->vector_base,
		.lowest = 7,
		.init_step = 2,
		.needs_icw4 = value & ICW1_NEEDS_ICW4,
		.single = value & ICW1_SINGLE,
	};
}

static void continue_init(struct pic_chip *chip, u8 value)
{
	u8 last = chip->needs_icw4 ? 4 : 0;

	if (chip->init_step == 2) {
		chip->vector_base = value & 0xf8;
		chip->init_step = chip->single ? last : 3;
	} else if (chip->init_step == 3) {
		chip->init_step = last;
	} else {
		chip->auto_eoi = value & ICW4_AUTO_EOI;
		chip->special_nested = value & ICW4_SPECIAL_NESTED;
		chip->init_step = 0;
	}
}

static void write_chip(struct pic_chip *chip, bool odd_port, u8 value)
{
	if (odd_port && chip->init_step)
		continue_init(chip, value);
	else if (odd_port)
		chip->imr = value;
	else if (value & ICW1)
		start_init(chip, value);
	else if (value & OCW3)
		select_mode(chip, value);
	else
		command(chip, value);
}

void pic_write(void *device, u16 port, u8 value, u64 now)
{
	struct pic *pic = device;

	(void)now;
	if ((port & ~1u) == PIC_ELCR)
		pic->chips[port & 1].elcr = value & elcr_writable[port & 1];
	else
		write_chip(&pic->chips[(port & ~1u) == PIC_SLAVE], port & 1, value);
	update(pic);
}
