/* SPDX-License-Identifier: MIT */
/*
 * What the boot code hands to the hypervisor: everything that had to be asked of the firmware, in
 * plain numbers. Addresses are host physical; nothing here points into firmware memory that
 * ExitBootServices gives away.
 */
#ifndef HV_BOOT_INFO_H
#define HV_BOOT_INFO_H

#include "hv/config.h"
#include "hv/types.h"

#define BOOT_RANGES_MAX 256
#define BOOT_CPUS_MAX   64

enum boot_range_type {
	BOOT_RAM,      /* free after ExitBootServices, and not used by anything named below */
	BOOT_RESERVED, /* firmware's, ACPI's, or our own: image, pool, blobs, trampoline */
};

/* Page-aligned, sorted by base, not overlapping, neighbours of one type merged. */
struct boot_range {
	u64 base;
	u64 size;
	enum boot_range_type type;
};

struct boot_blob { /* a file from the ESP, in page-aligned memory */
	u64 base;
	u64 size;
	const char *cmdline; /* inside config */
	const char *name;    /* path on the ESP, or "built-in-self-test": L1 sees it as a word */
};

struct boot_info {
	struct config config;
	struct boot_range ranges[BOOT_RANGES_MAX];
	u32 range_count;
	u32 apic_ids[BOOT_CPUS_MAX]; /* [0] is the boot CPU */
	u32 cpu_count;
	struct boot_blob kernel;
	struct boot_blob modules[CONFIG_MODULES_MAX];
	u32 module_count;
	u64 image_base; /* this PE image as loaded; page aligned */
	u64 image_size;
	u64 pool_base; /* L0's own memory: below 4 GiB, contiguous, 2 MiB aligned */
	u64 pool_size;
	u64 trampoline; /* one page below 1 MiB for AP start-up */
	u64 rsdp;       /* 0 where the firmware publishes none */
	u64 entry_tsc;  /* TSC when Nestor's first instruction ran */
};

#endif
