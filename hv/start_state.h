/* SPDX-License-Identifier: MIT */
/* The registers that a boot protocol wants a CPU to start with; those not named here are 0. */
#ifndef HV_START_STATE_H
#define HV_START_STATE_H

#include "hv/types.h"

/* Flat segments, interrupts off, and: */
enum start_mode {
	START_PROTECTED, /* 32-bit protected mode, paging off; there need not be a GDT */
	START_LONG,      /* 64-bit mode, the selectors are in the GDT */
	START_MODES,
};

#define START_PROTECTED_CODE 0x08
#define START_PROTECTED_DATA 0x10
#define START_LONG_CODE      0x10 /* Linux': __BOOT_CS, __BOOT_DS */
#define START_LONG_DATA      0x18

struct start_state {
	enum start_mode mode;
	u64 rip;
	u64 rax, rbx, rsi;
	u64 cr3;                 /* START_LONG */
	u64 gdt_base, gdt_limit; /* likewise */
};

#endif
