/* SPDX-License-Identifier: MIT */
/*
 * What loading an image means, decided before a byte moves: which bytes go where, and where to
 * start. The hypervisor carries a plan out through guest_write() and guest_zero(), bare mode with
 * copies to physical memory.
 */
#ifndef HV_GUEST_LOAD_PLAN_H
#define HV_GUEST_LOAD_PLAN_H

#include "mm/addr.h"

#define LOAD_COPIES_MAX 32
#define LOAD_INFO_MAX   16384

/* The machine's memory as the image sees it:
 * sorted by base, not overlapping, neighbours of one type merged. */
enum load_range_type { LOAD_RAM, LOAD_RESERVED };

struct load_range {
	l1_gpa_t base;
	u64 bytes;
	enum load_range_type type;
};

struct load_copy {
	l1_gpa_t to;
	const void *from;
	u64 bytes;
	u64 zero_bytes; /* to clear behind them */
};

struct load_plan {
	struct load_copy copies[LOAD_COPIES_MAX]; /* within LOAD_RAM, none overlaps another */
	u32 copy_count;
	l1_gpa_t entry;
	l1_gpa_t info_gpa;
	l1_gpa_t rsdp;          /* ACPI's root, known before the loader plans; 0: there is none */
	u8 info[LOAD_INFO_MAX]; /* the boot protocol's; a copy points here: plans do not move */
};

#endif
