/* SPDX-License-Identifier: MIT */
/* The CMOS clock (MC146818) behind ports 70h and 71h. */
#ifndef TESTS_GUEST_LIB_RTC_H
#define TESTS_GUEST_LIB_RTC_H

#include "hv/x86.h"

#define RTC_SECONDS    0x00u
#define RTC_MINUTES    0x02u
#define RTC_HOURS      0x04u
#define RTC_WEEKDAY    0x06u
#define RTC_DAY        0x07u
#define RTC_MONTH      0x08u
#define RTC_YEAR       0x09u
#define RTC_A          0x0au
#define RTC_B          0x0bu
#define RTC_C          0x0cu
#define RTC_D          0x0du

#define RTC_A_UIP      0x80u
#define RTC_A_1024_HZ  0x26u /* 32.768 kHz time base, rate 6 */
#define RTC_A_8192_HZ  0x23u
#define RTC_B_24H      0x02u
#define RTC_B_BINARY   0x04u
#define RTC_B_UPDATE   0x10u
#define RTC_B_PERIODIC 0x40u
#define RTC_C_UPDATE   0x10u
#define RTC_C_PERIODIC 0x40u
#define RTC_C_REQUEST  0x80u
#define RTC_D_VALID    0x80u

static inline u8 rtc_read(u8 reg)
{
	out8(0x70, reg);
	return in8(0x71);
}

static inline void rtc_write(u8 reg, u8 value)
{
	out8(0x70, reg);
	out8(0x71, value);
}

static inline bool rtc_is_present(void)
{
	return rtc_read(RTC_D) == RTC_D_VALID;
}

/* No interrupts, nothing pending. */
static inline void rtc_quiet(void)
{
	rtc_write(RTC_B, rtc_read(RTC_B) & (RTC_B_24H | RTC_B_BINARY));
	rtc_read(RTC_C);
}

#endif
