/* SPDX-License-Identifier: MIT */
/* How much RAM lies where in L1's PC. */
#include "hv/guest/pc_memory.h"

u32 pc_memory_map(u64 bytes, struct load_range ranges[PC_RANGES_MAX])
{
	u64 rom = MIB - PC_ROM_START;
	u64 above_1m = bytes - PC_LOW_END - rom;
	u64 below_4g = MIN(above_1m, PC_HOLE_START - MIB);
	u32 count = 3;

	ranges[0] = (struct load_range){ l1_gpa(0), PC_LOW_END, LOAD_RAM };
	ranges[1] = (struct load_range){ l1_gpa(PC_ROM_START), rom, LOAD_RESERVED };
	ranges[2] = (struct load_range){ l1_gpa(MIB), below_4g, LOAD_RAM };
	if (above_1m > below_4g)
		ranges[count++] =
			(struct load_range){ l1_gpa(4 * GIB), above_1m - below_4g, LOAD_RAM };
	return count;
}
