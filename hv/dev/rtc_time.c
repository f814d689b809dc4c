/* SPDX-License-Identifier: MIT */
/* Register values of the RTC's time. */
#include "hv/dev/rtc_time.h"
#include "hv/dev/calendar.h"
#include "hv/dev/clock.h"
#include "hv/dev/rtc.h"

#define HOUR_PM      0x80
#define ALARM_ANY    0xc0 /* both upper bits: matches every value */
#define HOUR_SECONDS 3600u
#define DAY_SECONDS  86400u

static u8 encode(const u8 *cmos, u32 value)
{
	return (u8)(cmos[RTC_B] & RTC_B_BINARY ? value : value / 10 << 4 | value % 10);
}

static u32 decode(const u8 *cmos, u8 value)
{
	return cmos[RTC_B] & RTC_B_BINARY ? value : (value >> 4) * 10u + (value & 15);
}

static u8 encode_hour(const u8 *cmos, u32 hour)
{
	if (cmos[RTC_B] & RTC_B_24H)
		return encode(cmos, hour);
	return (u8)(encode(cmos, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0));
}

static u32 decode_hour(const u8 *cmos, u8 value)
{
	if (cmos[RTC_B] & RTC_B_24H)
		return decode(cmos, value);
	return decode(cmos, value & (u8)~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

void rtc_time_encode(u8 *cmos, u64 seconds)
{
	struct calendar date = calendar_from_seconds(seconds);

	cmos[RTC_SECONDS] = encode(cmos, date.second);
	cmos[RTC_MINUTES] = encode(cmos, date.minute);
	cmos[RTC_HOURS] = encode_hour(cmos, date.hour);
	cmos[RTC_WEEKDAY] = encode(cmos, calendar_weekday(seconds));
	cmos[RTC_DAY] = encode(cmos, date.day);
	cmos[RTC_MONTH] = encode(cmos, date.month);
	cmos[RTC_YEAR] = encode(cmos, date.year % 100);
	cmos[RTC_CENTURY] = encode(cmos, date.year / 100);
}

u64 rtc_time_decode(const u8 *cmos)
{
	const struct calendar date = {
		.year = decode(cmos, cmos[RTC_CENTURY]) * 100 + decode(cmos, cmos[RTC_YEAR]),
		.month = decode(cmos, cmos[RTC_MONTH]),
		.day = decode(cmos, cmos[RTC_DAY]),
		.hour = decode_hour(cmos, cmos[RTC_HOURS]),
		.minute = decode(cmos, cmos[RTC_MINUTES]),
		.second = decode(cmos, cmos[RTC_SECONDS]),
	};

	return calendar_to_seconds(&date);
}

static bool matches(u8 alarm, u8 value)
{
	return (alarm & ALARM_ANY) == ALARM_ANY || alarm == value;
}

u64 rtc_time_next_alarm(const u8 *cmos, u64 seconds)
{
	u64 t = seconds + 1;
	u64 end = seconds + DAY_SECONDS;

	while (t <= end) {
		u32 time = (u32)(t % DAY_SECONDS);

		if (!matches(cmos[RTC_HOURS_ALARM], encode_hour(cmos, time / HOUR_SECONDS)))
			t += HOUR_SECONDS - time % HOUR_SECONDS;
		else if (!matches(cmos[RTC_MINUTES_ALARM], encode(cmos, time / 60 % 60)))
			t += 60 - time % 60;
		else if (!matches(cmos[RTC_SECONDS_ALARM], encode(cmos, time % 60)))
			t++;
		else
			return t;
	}
	return CLOCK_NEVER;
}
