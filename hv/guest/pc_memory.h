/* SPDX-License-Identifier: MIT */
/*
 * The memory map of L1's PC. Pure.
 *   0        – 640 KiB   RAM
 *   768 KiB  – 1 MiB     RAM, reported reserved: where a PC has copies of option ROMs, none here,
 *                        and from 896 KiB its BIOS: ACPI tables, RSDP first
 *   1 MiB    – 3 GiB     RAM
 *   4 GiB    –           RAM beyond 3 GiB
 */
#ifndef HV_GUEST_PC_MEMORY_H
#define HV_GUEST_PC_MEMORY_H

#include "hv/guest/load_plan.h"

#define PC_RANGES_MAX 4
#define PC_MEMORY_MIN (8 * MIB)
#define PC_LOW_END    (640 * KIB)
#define PC_ROM_START  (768 * KIB)
#define PC_ACPI_START (896 * KIB) /* where L1 looks for the RSDP */
#define PC_HOLE_START (3 * GIB)   /* devices from here to 4 GiB */

/* Divide bytes (page aligned, at least PC_MEMORY_MIN) over the map;
 * returns the number of ranges. */
u32 pc_memory_map(u64 bytes, struct load_range ranges[PC_RANGES_MAX]);

#endif
