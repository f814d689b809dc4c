/* SPDX-License-Identifier: MIT */
/* 8254: the bus side of three counters, IRQ0 and port 61h. */
#include "hv/dev/pit.h"
#include "hv/dev/clock.h"

#define CONTROL_CHANNEL(v)    ((v) >> 6)
#define CONTROL_ACCESS(v)     ((v) >> 4 & 3)
#define READ_BACK             3 /* in place of a channel number */
#define READ_BACK_NO_COUNT    0x20
#define READ_BACK_NO_STATUS   0x10
#define READ_BACK_CHANNEL(ch) (2u << (ch))

/* Port 61h: speaker timer gate, speaker data, parity and channel check disable are kept. */
#define SYSTEM_GATE2          0x01
#define SYSTEM_WRITABLE       0x0f
#define SYSTEM_REFRESH        0x10
#define SYSTEM_OUT2           0x20
#define REFRESH_TICKS         18

void pit_init(struct pit *pit, u64 tsc_hz, struct irq_line irq)
{
	*pit = (struct pit){ .tsc_hz = tsc_hz, .irq = irq };
	for (u32 i = 0; i < ARRAY_SIZE(pit->channels); i++) {
		pit_channel_control(&pit->channels[i], PIT_BOTH << 4);
		pit->channels[i].gate = i != 2;
	}
}

static void set_irq(struct pit *pit, bool level)
{
	if (pit->irq_level == level)
		return;
	pit->irq_level = level;
	irq_line_set(&pit->irq, level);
}

static void catch_up(struct pit *pit, u64 tick)
{
	struct pit_channel *timer = &pit->channels[0];

	if (tick > pit->seen && pit_channel_next_rise(timer, pit->seen) <= tick) {
		set_irq(pit, false);
		set_irq(pit, true);
	}
	for (u32 i = 0; i < ARRAY_SIZE(pit->channels); i++)
		pit_channel_catch_up(&pit->channels[i], tick);
	pit->seen = MAX(pit->seen, tick);
	set_irq(pit, pit_channel_out(timer, pit->seen));
}

void pit_advance(struct pit *pit, u64 now)
{
	catch_up(pit, clock_ticks(now, pit->tsc_hz, PIT_HZ));
}

u64 pit_next_deadline(const struct pit *pit)
{
	return clock_when(pit_channel_next_rise(&pit->channels[0], pit->seen), pit->tsc_hz, PIT_HZ);
}

static void read_back(struct pit *pit, u8 value)
{
	for (u32 i = 0; i < ARRAY_SIZE(pit->channels); i++) {
		if (!(value & READ_BACK_CHANNEL(i)))
			continue;
		if (!(value & READ_BACK_NO_COUNT))
			pit_channel_latch_count(&pit->channels[i], pit->seen);
		if (!(value & READ_BACK_NO_STATUS))
			pit_channel_latch_status(&pit->channels[i], pit->seen);
	}
}

static void write_control(struct pit *pit, u8 value)
{
	u32 channel = CONTROL_CHANNEL(value);

	if (channel == READ_BACK)
		read_back(pit, value);
	else if (CONTROL_ACCESS(value) == PIT_LATCH)
		pit_channel_latch_count(&pit->channels[channel], pit->seen);
	else
		pit_channel_control(&pit->channels[channel], value);
}

static u8 read_system_control(const struct pit *pit)
{
	bool out2 = pit_channel_out(&pit->channels[2], pit->seen);
	bool refresh = pit->seen / REFRESH_TICKS % 2;

	return (u8)(pit->system_control | (refresh ? SYSTEM_REFRESH : 0) |
		    (out2 ? SYSTEM_OUT2 : 0));
}

u8 pit_read(void *device, u16 port, u64 now)
{
	struct pit *pit = device;

	pit_advance(pit, now);
	if (port == PIT_SYSTEM_CONTROL)
		return read_system_control(pit);
	if (port == PIT_CONTROL)
		return 0xff;
	return pit_channel_read(&pit->channels[port - PIT_CHANNEL0], pit->seen);
}

void pit_write(void *device, u16 port, u8 value, u64 now)
{
	struct pit *pit = device;

	pit_advance(pit, now);
	if (port == PIT_SYSTEM_CONTROL) {
		pit->system_control = value & SYSTEM_WRITABLE;
		pit_channel_set_gate(&pit->channels[2], value & SYSTEM_GATE2, pit->seen);
	} else if (port == PIT_CONTROL) {
		write_control(pit, value);
	} else {
		pit_channel_write(&pit->channels[port - PIT_CHANNEL0], value, pit->seen);
	}
	set_irq(pit, pit_channel_out(&pit->channels[0], pit->seen));
}
