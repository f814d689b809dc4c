/* SPDX-License-Identifier: MIT */
/*
 * L1's real-time clock and CMOS memory (Motorola MC146818 data sheet): index at port 70h, data at
 * 71h. Time is a fixed start plus the TSC's way since; what L1 writes moves it. While updates are
 * held (SET, or the divider in reset) the time registers are plain bytes, as written.
 *
 * All functions need the board's lock; the IRQ8 line is set with it held. `now` never goes back.
 */
#ifndef HV_DEV_RTC_H
#define HV_DEV_RTC_H

#include "hv/dev/irq_line.h"

#define RTC_INDEX     0x70
#define RTC_DATA      0x71
#define RTC_REGISTERS 128
#define RTC_HZ        32768

enum rtc_register {
	RTC_SECONDS = 0x00,
	RTC_SECONDS_ALARM = 0x01,
	RTC_MINUTES = 0x02,
	RTC_MINUTES_ALARM = 0x03,
	RTC_HOURS = 0x04,
	RTC_HOURS_ALARM = 0x05,
	RTC_WEEKDAY = 0x06,
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0a,
	RTC_B = 0x0b,
	RTC_C = 0x0c,
	RTC_D = 0x0d,
	RTC_SHUTDOWN = 0x0f,         /* storage: firmware looks at it after a reset */
	RTC_BASE_MEMORY = 0x15,      /* KiB, two bytes */
	RTC_EXTENDED_MEMORY = 0x17,  /* KiB from 1 MiB, at most 64 MiB less 1 KiB */
	RTC_EXTENDED_MEMORY2 = 0x30, /* the same again */
	RTC_CENTURY = 0x32,          /* named by the FADT */
	RTC_MEMORY_16M = 0x34,       /* units of 64 KiB from 16 MiB to 4 GiB, two bytes */
	RTC_MEMORY_4G = 0x5b         /* units of 64 KiB from 4 GiB, three bytes */
};

struct rtc_setup {
	u64 tsc_hz;
	u64 now;             /* the TSC at which it is `seconds` */
	u64 seconds;         /* since 1970-01-01 00:00 */
	u64 memory_below_4g; /* bytes, from address 0 */
	u64 memory_above_4g;
};

struct rtc {
	u64 tsc_hz;
	u64 origin;  /* the crystal's tick at which `seconds` began; may be before tick 0 */
	u64 seconds; /* since 1970 */
	u64 seen;    /* the tick up to which register C and IRQ8 are right */
	u8 index;
	bool nmi_masked; /* bit 7 of the index port */
	u8 cmos[RTC_REGISTERS];
	bool irq_level;
	struct irq_line irq;
};

/* Register B as PC firmware sets it: 24 hours, BCD, no interrupts. */
void rtc_init(struct rtc *rtc, const struct rtc_setup *setup, struct irq_line irq);
void rtc_advance(struct rtc *rtc, u64 now);
/* When IRQ8 rises next, seen from the last advance or access; CLOCK_NEVER: not by itself. */
u64 rtc_next_deadline(const struct rtc *rtc);

/* Single-byte accesses to 70h and 71h. The index cannot be read: all ones. */
u8 rtc_read(void *device, u16 port, u64 now);
void rtc_write(void *device, u16 port, u8 value, u64 now);

#endif
