/* SPDX-License-Identifier: MIT */
/*
 * What a kernel that stays in real mode expects of the PC that started it: interrupt vectors, and
 * handlers that acknowledge the 8259s as they are set up at the start (vectors from 08h and 70h).
 */
#ifndef HV_GUEST_PC_BIOS_H
#define HV_GUEST_PC_BIOS_H

#include "mm/addr.h"

#define PC_BIOS_VECTORS 256
#define PC_BIOS_SEGMENT 0xf000u
#define PC_BIOS_OFFSET  0xfe00u /* of the code, in that segment */

extern const u8 pc_bios_code[], pc_bios_code_end[];

/* The real-mode interrupt vector table, which lies at 0. */
void pc_bios_vectors(u32 vectors[PC_BIOS_VECTORS]);

static inline l1_gpa_t pc_bios_gpa(void)
{
	return l1_gpa((PC_BIOS_SEGMENT << 4) + PC_BIOS_OFFSET);
}

#endif
