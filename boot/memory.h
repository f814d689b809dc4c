/* SPDX-License-Identifier: MIT */
/* The memory map and Nestor's own share of it. */
#ifndef BOOT_MEMORY_H
#define BOOT_MEMORY_H

#include "boot/boot.h"

/* Take the pool and the trampoline page, when there is enough memory for Nestor and L1. */
int memory_reserve(struct boot *boot);

/* Take room for the firmware's memory map, once and for all:
 * taking it later would change the map. */
int memory_take_map(struct boot *boot);
/* Read the firmware's map and turn it into info->ranges. *key goes to ExitBootServices(). */
int memory_read_map(struct boot *boot, UINTN *key);

#endif
