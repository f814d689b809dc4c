/* SPDX-License-Identifier: MIT */
/*
 * A device's crystal derived from the TSC, exactly and without state: ticks are floor(now * hz /
 * tsc_hz). Products stay below 2^64 for tsc_hz up to 2^40 and crystals up to 2^24 Hz.
 */
#ifndef HV_DEV_CLOCK_H
#define HV_DEV_CLOCK_H

#include "hv/types.h"

/* A deadline that never comes, in TSC ticks and in those of a crystal. */
#define CLOCK_NEVER (~0ULL)

static inline u64 clock_ticks(u64 now, u64 tsc_hz, u64 hz)
{
	return now / tsc_hz * hz + now % tsc_hz * hz / tsc_hz;
}

/* The first TSC value at which clock_ticks() reaches this tick. */
static inline u64 clock_when(u64 tick, u64 tsc_hz, u64 hz)
{
	if (tick == CLOCK_NEVER)
		return CLOCK_NEVER;
	return tick / hz * tsc_hz + (tick % hz * tsc_hz + hz - 1) / hz;
}

#endif
