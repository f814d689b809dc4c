/* SPDX-License-Identifier: MIT */
/*
 * An image that can be L1: what its file says, whatever its format, checked as a file from a disk
 * that nobody vouches for. Pure.
 */
#ifndef HV_GUEST_KERNEL_IMAGE_H
#define HV_GUEST_KERNEL_IMAGE_H

#include <stdarg.h>
#include "hv/types.h"

#define KERNEL_SEGMENTS_MAX 16

/* How an image is started. */
enum kernel_protocol {
	KERNEL_MULTIBOOT, /* ELF32 with a multiboot-1 header */
	KERNEL_PVH,       /* ELF with a PVH note, and no multiboot header */
	KERNEL_LINUX,     /* bzImage, by Linux' 64-bit boot protocol */
	KERNEL_PROTOCOLS,
};

/* One refusal, ready to print: "ELF: program header 2 ends at ..." */
struct load_error {
	char text[200];
};

/* "format: text" becomes the error. */
void load_error_set(struct load_error *error, const char *format, const char *fmt, va_list ap);

struct kernel_segment {
	u64 offset; /* in the file */
	u64 gpa;
	u64 file_bytes;
	u64 memory_bytes; /* ≥ file_bytes, > 0; gpa + memory_bytes ≤ 4 GiB */
};

struct kernel_image {
	const u8 *file;
	enum kernel_protocol protocol;
	struct kernel_segment segments[KERNEL_SEGMENTS_MAX]; /* none overlaps another */
	u32 segment_count;                                   /* ≥ 1 */
	u32 entry;                                           /* within a segment's bytes */
	u32 alignment;   /* not 0: the one segment may go to any multiple of it from its gpa up */
	u64 modules_end; /* modules stay below: at most 4 GiB */
	/* What the image takes at most. */
	u32 modules_max;
	u32 ranges_max;
	u32 cmdline_max; /* characters */
};

/* "multiboot", "PVH", "bzImage". */
const char *kernel_protocol_name(enum kernel_protocol protocol);

/* Find out what the file is and read it; *out keeps a pointer to it.
 * 0, or -EINVAL with *error filled. */
int kernel_parse(const void *file, size_t size, struct kernel_image *out, struct load_error *error);

#endif
