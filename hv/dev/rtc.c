/* SPDX-License-Identifier: MIT */
/* MC146818: the divider chain, interrupts, and the bus side. */
#include "hv/dev/rtc.h"
#include "hv/dev/clock.h"
#include "hv/dev/rtc_time.h"

#define INDEX_NMI_MASK  0x80

#define A_UPDATE        0x80 /* read-only: update in progress */
#define A_DIVIDER_RESET 0x60 /* both upper bits of the divider's field */
#define A_RATE          0x0f
#define A_32KHZ_1024HZ  0x26
#define B_SET           0x80
#define B_UPDATE_ENABLE 0x10
#define D_VALID         0x80

/* Register C; the first three have their enable bits at the same places in B. */
#define C_REQUEST       0x80
#define C_PERIODIC      0x40
#define C_ALARM         0x20
#define C_UPDATE        0x10
#define C_SOURCES       (C_PERIODIC | C_ALARM | C_UPDATE)

/* UIP rises 244 µs before an update, which takes 1984 µs with a 32 kHz crystal. */
#define UPDATE_TICKS    73

/* From the release of the divider to the first update. */
#define DIVIDER_RELEASE (RTC_HZ / 2)

static bool divider_runs(const struct rtc *rtc)
{
	return (rtc->cmos[RTC_A] & A_DIVIDER_RESET) != A_DIVIDER_RESET;
}

static bool time_runs(const struct rtc *rtc)
{
	return divider_runs(rtc) && !(rtc->cmos[RTC_B] & B_SET);
}

static u64 seconds_at(const struct rtc *rtc, u64 tick)
{
	/* Before the first second after a release of the divider, the written one stands. */
	return rtc->seconds + (tick - rtc->origin) / RTC_HZ;
}

/* Crystal ticks between two periodic flags; 0: none. Rates 1 and 2 repeat 8 and 9. */
static u64 period_ticks(const struct rtc *rtc)
{
	u32 rate = rtc->cmos[RTC_A] & A_RATE;

	if (rate == 0)
		return 0;
	return BIT(rate <= 2 ? rate + 6 : rate - 1);
}

static void update_irq(struct rtc *rtc)
{
	u8 *c = &rtc->cmos[RTC_C];
	bool level = *c & rtc->cmos[RTC_B] & C_SOURCES;

	*c = (u8)((*c & C_SOURCES) | (level ? C_REQUEST : 0));
	if (level == rtc->irq_level)
		return;
	rtc->irq_level = level;
	irq_line_set(&rtc->irq, level);
}

static void raise_flags(struct rtc *rtc, u64 tick)
{
	u64 period = period_ticks(rtc);
	u64 before = rtc->seen - rtc->origin, after = tick - rtc->origin;

	if (period && after / period > before / period)
		rtc->cmos[RTC_C] |= C_PERIODIC;
	if (!time_runs(rtc) || after / RTC_HZ == before / RTC_HZ)
		return;
	rtc->cmos[RTC_C] |= C_UPDATE;
	if (rtc_time_next_alarm(rtc->cmos, seconds_at(rtc, rtc->seen)) <= seconds_at(rtc, tick))
		rtc->cmos[RTC_C] |= C_ALARM;
}

void rtc_advance(struct rtc *rtc, u64 now)
{
	u64 tick = clock_ticks(now, rtc->tsc_hz, RTC_HZ);

	if (tick <= rtc->seen)
		return;
	if (divider_runs(rtc))
		raise_flags(rtc, tick);
	rtc->seen = tick;
	update_irq(rtc);
}

static u64 earlier(u64 deadline, u64 base, u64 ticks)
{
	return MIN(deadline, base + ticks);
}

u64 rtc_next_deadline(const struct rtc *rtc)
{
	u8 enabled = rtc->cmos[RTC_B] & C_SOURCES;
	u64 next = CLOCK_NEVER, period = period_ticks(rtc);
	u64 way = rtc->seen - rtc->origin, alarm;

	if (rtc->irq_level || !divider_runs(rtc))
		return CLOCK_NEVER; /* it cannot rise */
	if ((enabled & C_PERIODIC) && period)
		next = earlier(next, rtc->origin, (way / period + 1) * period);
	if ((enabled & C_UPDATE) && time_runs(rtc))
		next = earlier(next, rtc->origin, (way / RTC_HZ + 1) * RTC_HZ);
	if ((enabled & C_ALARM) && time_runs(rtc)) {
		alarm = rtc_time_next_alarm(rtc->cmos, seconds_at(rtc, rtc->seen));
		if (alarm != CLOCK_NEVER)
			next = earlier(next, rtc->origin, (alarm - rtc->seconds) * RTC_HZ);
	}
	return clock_when(next, rtc->tsc_hz, RTC_HZ);
}

/* Registers A and B decide whether time runs; the registers hold it while it does not. */
static void write_control(struct rtc *rtc, u8 index, u8 value)
{
	bool ran = time_runs(rtc), divider_ran = divider_runs(rtc);

	if (ran)
		rtc_time_encode(rtc->cmos, seconds_at(rtc, rtc->seen));
	if (index == RTC_A)
		rtc->cmos[RTC_A] = value & (u8)~A_UPDATE;
	else
		rtc->cmos[RTC_B] = value & B_SET ? value & (u8)~B_UPDATE_ENABLE : value;
	if (!divider_ran && divider_runs(rtc))
		rtc->origin = rtc->seen - (RTC_HZ - DIVIDER_RELEASE);
	if (!ran && time_runs(rtc)) {
		rtc->seconds = rtc_time_decode(rtc->cmos);
		rtc->origin = rtc->seen - (rtc->seen - rtc->origin) % RTC_HZ;
	}
	update_irq(rtc);
}

static bool is_time(u8 index)
{
	return index == RTC_SECONDS || index == RTC_MINUTES || index == RTC_HOURS ||
	       (index >= RTC_WEEKDAY && index <= RTC_YEAR) || index == RTC_CENTURY;
}

/* A time register written while time runs takes effect at once and keeps the second's phase. */
static void write_time(struct rtc *rtc, u8 index, u8 value)
{
	if (!time_runs(rtc)) {
		rtc->cmos[index] = value;
		return;
	}
	rtc_time_encode(rtc->cmos, seconds_at(rtc, rtc->seen));
	rtc->cmos[index] = value;
	rtc->seconds = rtc_time_decode(rtc->cmos);
	rtc->origin = rtc->seen - (rtc->seen - rtc->origin) % RTC_HZ;
}

static void write_register(struct rtc *rtc, u8 index, u8 value)
{
	if (index == RTC_A || index == RTC_B)
		write_control(rtc, index, value);
	else if (is_time(index))
		write_time(rtc, index, value);
	else if (index != RTC_C && index != RTC_D)
		rtc->cmos[index] = value;
}

static u8 read_register(struct rtc *rtc, u8 index)
{
	u8 value;

	if (is_time(index) && time_runs(rtc))
		rtc_time_encode(rtc->cmos, seconds_at(rtc, rtc->seen));
	value = rtc->cmos[index];
	if (index == RTC_A && time_runs(rtc) &&
	    (rtc->seen - rtc->origin) % RTC_HZ >= RTC_HZ - UPDATE_TICKS)
		value |= A_UPDATE;
	if (index == RTC_C) {
		rtc->cmos[RTC_C] = 0;
		update_irq(rtc);
	}
	return value;
}

u8 rtc_read(void *device, u16 port, u64 now)
{
	struct rtc *rtc = device;

	rtc_advance(rtc, now);
	return port == RTC_DATA ? read_register(rtc, rtc->index) : 0xff;
}

void rtc_write(void *device, u16 port, u8 value, u64 now)
{
	struct rtc *rtc = device;

	rtc_advance(rtc, now);
	if (port == RTC_DATA) {
		write_register(rtc, rtc->index, value);
		return;
	}
	rtc->index = value & (u8)~INDEX_NMI_MASK;
	rtc->nmi_masked = value & INDEX_NMI_MASK;
}

static void store(struct rtc *rtc, u32 index, u32 bytes, u64 value)
{
	value = MIN(value, BIT(8 * bytes) - 1);
	for (u32 i = 0; i < bytes; i++)
		rtc->cmos[index + i] = (u8)(value >> (8 * i));
}

static u64 above(u64 memory, u64 start)
{
	return memory > start ? memory - start : 0;
}

void rtc_init(struct rtc *rtc, const struct rtc_setup *setup, struct irq_line irq)
{
	u64 low = setup->memory_below_4g;

	*rtc = (struct rtc){ .tsc_hz = setup->tsc_hz, .seconds = setup->seconds, .irq = irq };
	rtc->seen = clock_ticks(setup->now, setup->tsc_hz, RTC_HZ);
	rtc->origin = rtc->seen;
	rtc->cmos[RTC_A] = A_32KHZ_1024HZ;
	rtc->cmos[RTC_B] = RTC_B_24H;
	rtc->cmos[RTC_D] = D_VALID;
	store(rtc, RTC_BASE_MEMORY, 2, MIN(low, 640 * KIB) / KIB);
	store(rtc, RTC_EXTENDED_MEMORY, 2, above(low, MIB) / KIB);
	store(rtc, RTC_EXTENDED_MEMORY2, 2, above(low, MIB) / KIB);
	store(rtc, RTC_MEMORY_16M, 2, above(low, 16 * MIB) / (64 * KIB));
	store(rtc, RTC_MEMORY_4G, 3, setup->memory_above_4g / (64 * KIB));
}
