/* SPDX-License-Identifier: MIT */
/* The Gregorian calendar: seconds since 1970-01-01 00:00 to date and time, and back. */
#ifndef HV_DEV_CALENDAR_H
#define HV_DEV_CALENDAR_H

#include "hv/types.h"

struct calendar {
	u32 year;  /* 1970 and later */
	u32 month; /* 1..12 */
	u32 day;   /* 1..31 */
	u32 hour, minute, second;
};

struct calendar calendar_from_seconds(u64 seconds);
/* Fields above their range carry on into the next ones, but a month > 12 counts as 12; a day or
 * month of 0 counts as 1, a year before 1970 as 1970. */
u64 calendar_to_seconds(const struct calendar *date);
/* 1 (Sunday) to 7. */
u32 calendar_weekday(u64 seconds);

#endif
