/* SPDX-License-Identifier: MIT */
/*
 * What loading an image means, decided before a byte moves: which bytes go where, and where to
 * start. The hypervisor carries a plan out through guest_write() and guest_zero(), bare mode with
 * copies to physical memory.
 */
#ifndef HV_GUEST_LOAD_PLAN_H
#define HV_GUEST_LOAD_PLAN_H

#include "hv/guest/identity_map.h"
#include "hv/guest/kernel_image.h"
#include "mm/addr.h"

#define LOAD_COPIES_MAX  32
#define LOAD_MODULES_MAX 8
#define LOAD_INFO_MAX    16384
#define LOAD_LOW         0x9000 /* what an image is told goes to free pages from here up */

/* The machine's memory as the image sees it:
 * sorted by base, not overlapping, neighbours of one type merged. */
enum load_range_type { LOAD_RAM, LOAD_RESERVED };

struct load_range {
	l1_gpa_t base;
	u64 bytes;
	enum load_range_type type;
};

struct load_module {
	const void *from;
	u64 bytes;
	const char *name;
	const char *cmdline;
};

/* What is to be placed, and where there is memory. */
struct load_request {
	const struct kernel_image *image;
	const char *name; /* of the image: multiboot's command line begins with it */
	const char *cmdline;
	const struct load_module *modules;
	u32 module_count; /* ≤ LOAD_MODULES_MAX */
	const struct load_range *ranges;
	u32 range_count;
	u64 rsdp; /* the image's ACPI tables; 0: none */
};

struct load_copy {
	l1_gpa_t to;
	const void *from;
	u64 bytes;
	u64 zero_bytes; /* to clear behind them */
};

/* Copies point into a plan: plans do not move. */
struct load_plan {
	struct load_copy copies[LOAD_COPIES_MAX]; /* within LOAD_RAM, none overlaps another */
	u32 copy_count;
	enum kernel_protocol protocol;
	l1_gpa_t entry;
	l1_gpa_t info_gpa;
	l1_gpa_t tables_gpa;        /* of a protocol that starts with paging on */
	u8 info[LOAD_INFO_MAX];     /* the boot protocol's */
	struct identity_map tables; /* and its page tables */
};

/*
 * Place everything below 4 GiB: segments where they are linked, or the one of an image that can
 * move at the first place that suits it; modules page-aligned and as high as the image allows; what
 * the image is told from LOAD_LOW up. 0, -EINVAL (memory at a segment is not free, or the image
 * does not take what it would get) or -ENOSPC (no room) with *error filled.
 */
int load_plan_make(const struct load_request *request, struct load_plan *plan,
		   struct load_error *error);

#endif
