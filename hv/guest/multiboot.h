/* SPDX-License-Identifier: MIT */
/*
 * Multiboot 1: ELF32 images with a multiboot header, checked as files from a disk that nobody
 * vouches for; a plan that places image, modules and information block in a machine's memory; the
 * information block itself. Pure functions.
 */
#ifndef HV_GUEST_MULTIBOOT_H
#define HV_GUEST_MULTIBOOT_H

#include "hv/guest/load_plan.h"

#define MULTIBOOT_SEGMENTS_MAX 16
#define MULTIBOOT_MODULES_MAX  8
#define MULTIBOOT_INFO_HINT \
	0x9000 /* the information block goes to the first free place from here up */

/* One refusal, ready to print: "multiboot: program header 2 ends at ..." */
struct multiboot_error {
	char text[200];
};

struct multiboot_segment {
	u64 offset; /* in the file */
	u64 gpa;
	u64 file_bytes;
	u64 memory_bytes; /* ≥ file_bytes, > 0; gpa + memory_bytes ≤ 4 GiB */
};

struct multiboot_image {
	const u8 *file;
	struct multiboot_segment segments[MULTIBOOT_SEGMENTS_MAX]; /* none overlaps another */
	u32 segment_count;                                         /* ≥ 1 */
	u32 entry;                                                 /* within a segment */
};

struct multiboot_module {
	const void *from;
	u64 bytes;
	const char *name; /* its string is "name cmdline" */
	const char *cmdline;
};

struct multiboot_request {
	const struct multiboot_image *image;
	const char *name; /* the command line is "name cmdline" */
	const char *cmdline;
	const struct multiboot_module *modules;
	u32 module_count; /* ≤ MULTIBOOT_MODULES_MAX */
	const struct load_range *ranges;
	u32 range_count;
};

/* Check the file and find its segments;
 * *out keeps a pointer to it. 0, or -EINVAL with *error filled. */
int multiboot_parse(const void *file, size_t size, struct multiboot_image *out,
		    struct multiboot_error *error);

/*
 * Place everything: segments where they are linked; modules page-aligned as high as possible in the
 * first RAM range above 1 MiB and below 4 GiB with room; the information block at the first free
 * place from MULTIBOOT_INFO_HINT up. 0, or -EINVAL (memory at a segment is not free), -ENOSPC (no
 * room) with *error filled.
 */
int multiboot_plan(const struct multiboot_request *request, struct load_plan *plan,
		   struct multiboot_error *error);

/*
 * Build the information block for guest-physical address gpa into buffer (size bytes); modules[i]
 * lies at module_gpas[i]. Returns the bytes that the whole block has: when more than size, the
 * buffer's contents are void.
 */
struct multiboot_info_place {
	u8 *buffer;
	size_t size;
	u32 gpa;
};
size_t multiboot_build_info(const struct multiboot_request *request, const u32 *module_gpas,
			    struct multiboot_info_place place);

#endif
