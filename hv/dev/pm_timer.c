/* SPDX-License-Identifier: MIT */
/* ACPI fixed hardware: registers by table, a byte at a time. */
#include "hv/dev/pm_timer.h"
#include "hv/dev/clock.h"

#define STATUS_TIMER       0x0001
/* The enable bits of timer, global lock, power and sleep button, RTC. Only the timer ever sets its
 * status. */
#define ENABLE_WRITABLE    0x0721
#define CONTROL_SCI        0x0001
#define CONTROL_SLEEP      0x2000 /* write-only, as the global lock's release */
#define CONTROL_SLEEP_TYPE 0x1c00
#define CONTROL_WRITABLE   (CONTROL_SLEEP_TYPE | 0x0002)
#define SLEEP_TYPE(v)      ((v) >> 10 & 7)

#define RESET_CPU          0x04
#define RESET_WRITABLE     0x0a

static u32 read_status(const struct pm *pm)
{
	return pm->status;
}

static u32 read_enable(const struct pm *pm)
{
	return pm->enable;
}

static u32 read_control(const struct pm *pm)
{
	return pm->control | CONTROL_SCI;
}

static u32 read_timer(const struct pm *pm)
{
	return (u32)(pm->seen & (BIT(pm->setup.timer_bits) - 1));
}

static void write_status(struct pm *pm, u32 value, u32 mask)
{
	pm->status &= (u16) ~(value & mask);
}

static void write_enable(struct pm *pm, u32 value, u32 mask)
{
	pm->enable = (u16)((pm->enable & ~mask) | (value & mask & ENABLE_WRITABLE));
}

static void write_control(struct pm *pm, u32 value, u32 mask)
{
	pm->control = (u16)((pm->control & ~mask) | (value & mask & CONTROL_WRITABLE));
	if ((value & mask & CONTROL_SLEEP) && SLEEP_TYPE(pm->control) == PM_SLEEP_TYPE_S5 &&
	    pm->setup.actions.power_off)
		pm->setup.actions.power_off(pm->setup.actions.context);
}

/* Writes bring the bits of one byte in place, and the mask of them. */
static const struct pm_register {
	u16 port;
	u16 bytes;
	u32 (*read)(const struct pm *pm);
	void (*write)(struct pm *pm, u32 value, u32 mask);
} registers[] = {
	{ PM1A_EVENT, 2, read_status, write_status },
	{ PM1A_EVENT + 2, 2, read_enable, write_enable },
	{ PM1A_CONTROL, 2, read_control, write_control },
	{ PM_TIMER, 4, read_timer, NULL },
};

static const struct pm_register *find(u16 port)
{
	for (u32 i = 0; i < ARRAY_SIZE(registers); i++)
		if (port >= registers[i].port && port < registers[i].port + registers[i].bytes)
			return &registers[i];
	return NULL;
}

static void update_sci(struct pm *pm)
{
	bool level = pm->status & pm->enable;

	if (level == pm->sci_level)
		return;
	pm->sci_level = level;
	irq_line_set(&pm->setup.sci, level);
}

void pm_init(struct pm *pm, const struct pm_setup *setup)
{
	*pm = (struct pm){ .setup = *setup };
	pm->seen = clock_ticks(setup->now, setup->tsc_hz, PM_TIMER_HZ);
}

/* The status bit is set whenever the timer's top bit changes. */
void pm_advance(struct pm *pm, u64 now)
{
	u64 tick = clock_ticks(now, pm->setup.tsc_hz, PM_TIMER_HZ);
	u32 top = pm->setup.timer_bits - 1;

	if (tick <= pm->seen)
		return;
	if (tick >> top != pm->seen >> top)
		pm->status |= STATUS_TIMER;
	pm->seen = tick;
	update_sci(pm);
}

u64 pm_next_deadline(const struct pm *pm)
{
	u32 top = pm->setup.timer_bits - 1;

	if (!(pm->enable & STATUS_TIMER) || (pm->status & STATUS_TIMER))
		return CLOCK_NEVER;
	return clock_when(((pm->seen >> top) + 1) << top, pm->setup.tsc_hz, PM_TIMER_HZ);
}

u8 pm_read(void *device, u16 port, u64 now)
{
	struct pm *pm = device;
	const struct pm_register *reg = find(port);

	pm_advance(pm, now);
	if (!reg)
		return 0xff;
	return (u8)(reg->read(pm) >> (8 * (port - reg->port)));
}

void pm_write(void *device, u16 port, u8 value, u64 now)
{
	struct pm *pm = device;
	const struct pm_register *reg = find(port);

	pm_advance(pm, now);
	if (!reg || !reg->write)
		return;
	reg->write(pm, (u32)value << (8 * (port - reg->port)), 0xffu << (8 * (port - reg->port)));
	update_sci(pm);
}

u8 pm_reset_read(const struct pm *pm)
{
	return pm->reset;
}

void pm_reset_write(struct pm *pm, u8 value)
{
	pm->reset = value & RESET_WRITABLE;
	if ((value & RESET_CPU) && pm->setup.actions.reset)
		pm->setup.actions.reset(pm->setup.actions.context);
}
