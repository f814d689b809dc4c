/* SPDX-License-Identifier: MIT */
/* The layouts of what descriptor tables hold in 64-bit mode
 * (SDM "64-Bit Mode IDT", "Task Management in 64-bit Mode"). */
#ifndef HV_DESCRIPTORS_H
#define HV_DESCRIPTORS_H

#include "hv/types.h"

#define GATE_INTERRUPT 0x8eu /* present, ring 0, 64-bit interrupt gate */

struct gate {
	u16 offset_low;
	u16 selector;
	u8 stack; /* index into the TSS's ist, from 1; 0: the stack stays */
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_bitmap;
} __attribute__((packed));

_Static_assert(sizeof(struct gate) == 16 && sizeof(struct tss) == 104,
	       "the layouts are the architecture's");

#endif
