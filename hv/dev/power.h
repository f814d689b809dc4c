/* SPDX-License-Identifier: MIT */
/*
 * How test kernels switch a machine off, as emulators offer it: QEMU's isa-debug-exit (a code
 * written to port F4h) and Bochs' shutdown port (the letters "Shutdown" to 8900h).
 */
#ifndef HV_DEV_POWER_H
#define HV_DEV_POWER_H

#include "hv/types.h"

struct vm;

#define POWER_DEBUG_EXIT 0xf4
#define POWER_SHUTDOWN   0x8900

struct power {
	struct vm *vm;
	u32 matched; /* letters of "Shutdown" seen in a row */
};

u32 power_read(void *device, u16 port, u32 bytes);
void power_write(void *device, u16 port, u32 bytes, u32 value);

#endif
