/* SPDX-License-Identifier: MIT */
/* The RTC's time registers: BCD or binary, 12 or 24 hours, as register B says. */
#ifndef HV_DEV_RTC_TIME_H
#define HV_DEV_RTC_TIME_H

#include "hv/types.h"

#define RTC_B_24H    0x02
#define RTC_B_BINARY 0x04

/* Fill the time registers (alarms excepted) from seconds since 1970, and back; the weekday that L1
 * writes is not kept. */
void rtc_time_encode(u8 *cmos, u64 seconds);
u64 rtc_time_decode(const u8 *cmos);
/* The first second after this one at which the alarm registers match; ~0: never. */
u64 rtc_time_next_alarm(const u8 *cmos, u64 seconds);

#endif
