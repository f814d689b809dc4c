/* SPDX-License-Identifier: MIT */
/* The guest's data and port breakpoints, for accesses that L0 makes in its stead (SDM "Debug
 * Registers"). Pure. */
#ifndef VMX_BREAKPOINTS_H
#define VMX_BREAKPOINTS_H

#include "hv/types.h"

#define BREAKPOINTS 4u
#define DR7_ENABLED BITS(7, 0) /* L and G of each */

struct breakpoints {
	u64 dr7;
	u64 address[BREAKPOINTS];
};

enum access_kind { ACCESS_READ, ACCESS_WRITE, ACCESS_PORT };

/* Bit n is set when breakpoint n is enabled and meets the access. */
u32 breakpoint_hits(const struct breakpoints *points, enum access_kind kind, u64 address,
		    u32 bytes);

#endif
