/* SPDX-License-Identifier: MIT */
/* Arithmetic between clocks. */
#include "hv/tsc.h"

u64 tsc_scale(u64 ticks, u64 to_hz, u64 from_hz)
{
	u64 low, high, remainder;

	__asm__("mulq %3" : "=a"(low), "=d"(high) : "a"(ticks), "rm"(to_hz) : "cc");
	if (high >= from_hz)
		return ~0ULL; /* does not fit: DIV would fault */
	__asm__("divq %4" : "=a"(low), "=d"(remainder) : "a"(low), "d"(high), "rm"(from_hz) : "cc");
	return low;
}
