/* SPDX-License-Identifier: MIT */
/* Matching an access with DR0 to DR3. */
#include "vmx/breakpoints.h"

/* R/W of a breakpoint. */
#define ON_WRITE  1u
#define ON_PORT   2u
#define ON_ACCESS 3u

static bool catches(u32 on, enum access_kind kind)
{
	switch (kind) {
	case ACCESS_PORT:
		return on == ON_PORT;
	case ACCESS_WRITE:
		return on == ON_WRITE || on == ON_ACCESS;
	case ACCESS_READ:
		return on == ON_ACCESS;
	}
	return false;
}

/* LEN: 1, 2, 8, 4 bytes; the address is taken aligned to it. */
static bool meets(u64 point, u32 len, u64 address, u32 bytes)
{
	static const u8 sizes[] = { 1, 2, 8, 4 };
	u64 first = ALIGN_DOWN(point, (u64)sizes[len]);

	return address + bytes > first && address < first + sizes[len];
}

u32 breakpoint_hits(const struct breakpoints *points, enum access_kind kind, u64 address, u32 bytes)
{
	u32 hits = 0;

	for (u32 i = 0; i < BREAKPOINTS; i++) {
		u32 enabled = points->dr7 >> (2 * i) & 3;
		u32 on = points->dr7 >> (16 + 4 * i) & 3;
		u32 len = points->dr7 >> (18 + 4 * i) & 3;

		if (enabled && catches(on, kind) && meets(points->address[i], len, address, bytes))
			hits |= 1u << i;
	}
	return hits;
}
