/* SPDX-License-Identifier: MIT */
/* The interrupt vectors of a PC's BIOS. */
#include "hv/guest/pc_bios.h"

#define MASTER_BASE 0x08u
#define SLAVE_BASE  0x70u
#define CHIP_LINES  8u

extern const u8 pc_bios_timer[], pc_bios_master[], pc_bios_slave[], pc_bios_none[];

static u32 far_pointer(const u8 *handler)
{
	return PC_BIOS_SEGMENT << 16 | (PC_BIOS_OFFSET + (u32)(handler - pc_bios_code));
}

void pc_bios_vectors(u32 vectors[PC_BIOS_VECTORS])
{
	for (u32 i = 0; i < PC_BIOS_VECTORS; i++)
		vectors[i] = far_pointer(pc_bios_none);
	for (u32 i = 0; i < CHIP_LINES; i++) {
		vectors[MASTER_BASE + i] = far_pointer(i == 0 ? pc_bios_timer : pc_bios_master);
		vectors[SLAVE_BASE + i] = far_pointer(pc_bios_slave);
	}
}
