/* SPDX-License-Identifier: MIT */
/* Days are counted in years that begin in March, so that the leap day is a year's last one. */
#include "hv/dev/calendar.h"

#define DAY_SECONDS   86400u
#define ERA_DAYS      146097u /* 400 years */
#define EPOCH_DAYS    719468u /* from 0000-03-01 to 1970-01-01 */
#define EPOCH_WEEKDAY 4u      /* a Thursday, with Sunday = 0 */

struct calendar calendar_from_seconds(u64 seconds)
{
	u64 days = seconds / DAY_SECONDS + EPOCH_DAYS;
	u32 time = (u32)(seconds % DAY_SECONDS);
	u32 era_day = (u32)(days % ERA_DAYS);
	u32 era_year = (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
	u32 year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
	u32 month = (5 * year_day + 2) / 153; /* 0: March */

	return (struct calendar){
		.year = (u32)(days / ERA_DAYS) * 400 + era_year + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = year_day - (153 * month + 2) / 5 + 1,
		.hour = time / 3600,
		.minute = time / 60 % 60,
		.second = time % 60,
	};
}

u64 calendar_to_seconds(const struct calendar *date)
{
	u32 month = MIN(MAX(date->month, 1u), 12u);
	u32 year = MAX(date->year, 1970u) - (month <= 2);
	u32 march_month = (month + 9) % 12;
	u64 days = (u64)year * 365 + year / 4 - year / 100 + year / 400 +
		   (153 * march_month + 2) / 5 + MAX(date->day, 1u);

	return (days - 1 - EPOCH_DAYS) * DAY_SECONDS + date->hour * 3600u + date->minute * 60u +
	       date->second;
}

u32 calendar_weekday(u64 seconds)
{
	return (u32)((seconds / DAY_SECONDS + EPOCH_WEEKDAY) % 7 + 1);
}
