/* SPDX-License-Identifier: MIT */
/* The 8254 by its control words (Intel 8254 data sheet). */
#include "tests/guest/lib/pit.h"
#include "hv/x86.h"

#define PIT_DATA        0x40u
#define BOTH_BYTES      0x30u
#define READ_BACK       0xc0u
#define NOT_COUNT       0x20u
#define NOT_STATUS      0x10u
#define CALIBRATION_MS  5u
#define CALIBRATION_MAX 400000000ULL

static u16 data_port(u32 channel)
{
	return (u16)(PIT_DATA + channel);
}

void pit_stop(u32 channel)
{
	out8(PIT_CONTROL, (u8)(channel << 6 | BOTH_BYTES | PIT_MODE_0 << 1));
}

void pit_program(u32 channel, enum pit_mode mode, u16 count)
{
	out8(PIT_CONTROL, (u8)(channel << 6 | BOTH_BYTES | (u32)mode << 1));
	out8(data_port(channel), (u8)count);
	out8(data_port(channel), (u8)(count >> 8));
}

void pit_latch(u32 channel)
{
	out8(PIT_CONTROL, (u8)(channel << 6));
}

u16 pit_read(u32 channel)
{
	u16 low = in8(data_port(channel));

	return (u16)(low | in8(data_port(channel)) << 8);
}

u16 pit_read_latched(u32 channel)
{
	pit_latch(channel);
	return pit_read(channel);
}

u8 pit_status(u32 channel)
{
	out8(PIT_CONTROL, (u8)(READ_BACK | NOT_COUNT | 2u << channel));
	return in8(data_port(channel));
}

void pit_gate_2(bool open)
{
	out8(PIT_GATE_PORT, (u8)((in8(PIT_GATE_PORT) & 0x0c) | (open ? PIT_GATE_2 : 0)));
}

bool pit_is_present(void)
{
	pit_stop(2);
	return (pit_status(2) & ~(PIT_STATUS_OUT | PIT_STATUS_NULL)) == PIT_STATUS_ACCESS;
}

u64 pit_ticks_per_ms(void)
{
	static u64 ticks_per_ms;
	u64 start, end;

	if (ticks_per_ms || !pit_is_present())
		return ticks_per_ms;
	pit_gate_2(true);
	pit_program(2, PIT_MODE_0, (u16)(PIT_HZ * CALIBRATION_MS / 1000));
	start = rdtsc();
	do {
		end = rdtsc();
	} while (!(pit_status(2) & PIT_STATUS_OUT) && end - start < CALIBRATION_MAX);
	pit_gate_2(false);
	if (end - start < CALIBRATION_MAX)
		ticks_per_ms = (end - start) / CALIBRATION_MS;
	return ticks_per_ms;
}
