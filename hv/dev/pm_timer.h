/* SPDX-License-Identifier: MIT */
/*
 * L1's ACPI fixed hardware (ACPI, "ACPI Hardware Specification"): PM1a event and control blocks and
 * the PM timer at PM_BASE, and the reset register of PC chipsets at CF9h. There is no SMI command,
 * so ACPI mode is always on (SCI_EN reads 1).
 *
 * All functions need the board's lock; the SCI line and the actions are called with it held.
 * `now` never goes back.
 */
#ifndef HV_DEV_PM_TIMER_H
#define HV_DEV_PM_TIMER_H

#include "hv/dev/irq_line.h"

/* For the FADT. */
#define PM_BASE          0x600
#define PM1A_EVENT       (PM_BASE + 0) /* status, enable: two bytes each */
#define PM1A_CONTROL     (PM_BASE + 4) /* two bytes */
#define PM_TIMER         (PM_BASE + 8) /* four bytes */
#define PM_LAST          (PM_BASE + 11)
#define PM_TIMER_HZ      3579545
#define PM_RESET         0xcf9
#define PM_RESET_VALUE   0x06
/* For the DSDT: the sleep type of \_S5. With PM_BASE it makes the well-known "2000h to port 604h"
 * switch L1 off. Other sleep types do nothing. */
#define PM_SLEEP_TYPE_S5 0

struct pm_actions {
	void (*power_off)(void *context);
	void (*reset)(void *context);
	void *context;
};

struct pm_setup {
	u64 tsc_hz;
	u64 now;        /* edges of the timer before this one set no status */
	u32 timer_bits; /* 24 or 32: the FADT's TMR_VAL_EXT */
	struct irq_line sci;
	struct pm_actions actions;
};

struct pm {
	struct pm_setup setup;
	u64 seen; /* the timer's tick up to which its status bit is right */
	u16 status;
	u16 enable;
	u16 control;
	u8 reset;
	bool sci_level;
};

void pm_init(struct pm *pm, const struct pm_setup *setup);
void pm_advance(struct pm *pm, u64 now);
/* When the SCI rises next, seen from the last advance or access; CLOCK_NEVER: not by itself. */
u64 pm_next_deadline(const struct pm *pm);

/* Single-byte accesses to PM_BASE..PM_LAST. */
u8 pm_read(void *device, u16 port, u64 now);
void pm_write(void *device, u16 port, u8 value, u64 now);
/* CF9h, by single bytes only: 32-bit accesses to CF8h are PCI's. */
u8 pm_reset_read(const struct pm *pm);
void pm_reset_write(struct pm *pm, u8 value);

#endif
