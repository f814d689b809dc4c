/* SPDX-License-Identifier: MIT */
/* The TSC's true frequency. CPUID 15h and 16h may lie (emulators do), so it is measured against the
 * 8254. */
#ifndef HV_TSC_H
#define HV_TSC_H

#include "hv/types.h"

/* Measure on the boot CPU, once: some 30 ms. A board without a PIT leaves the frequency that CPUID
 * claims, or 1 GHz. */
void tsc_measure(void);
u64 tsc_hz(void);

/* Ticks of one clock in ticks of another: ticks * to / from, with 128 bits in between; all ones
 * where it does not fit. Pure. */
u64 tsc_scale(u64 ticks, u64 to_hz, u64 from_hz);

#endif
