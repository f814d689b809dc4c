/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a multiboot image. Half of the inputs get a sound header
 * and ELF identification written over, or few would pass the first checks.
 * What is accepted must be within the file, and its plan within RAM.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "../unit/hv/guest/multiboot_image.h"
#include "hv/guest/multiboot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct load_range ranges[] = {
	{ { 0 }, 640 * KIB, LOAD_RAM },
	{ { 640 * KIB }, 384 * KIB, LOAD_RESERVED },
	{ { MIB }, 3 * GIB, LOAD_RAM },
};

static void check_plan(const struct multiboot_image *image)
{
	static struct load_plan plan;
	struct multiboot_module module = { .from = "x", .bytes = 1, .name = "m", .cmdline = "" };
	struct multiboot_request request = { .image = image,
					     .name = "k",
					     .cmdline = "c",
					     .modules = &module,
					     .module_count = 1,
					     .ranges = ranges,
					     .range_count = ARRAY_SIZE(ranges) };
	struct multiboot_error error = { .text = "" };

	if (multiboot_plan(&request, &plan, &error)) {
		assert(error.text[0]);
		return;
	}
	for (u32 i = 0; i < plan.copy_count; i++) {
		const struct load_copy *a = &plan.copies[i];
		u64 a_end = a->to.raw + a->bytes + a->zero_bytes;

		assert(a_end <= 640 * KIB || (a->to.raw >= MIB && a_end <= MIB + 3 * GIB));
		for (u32 j = 0; j < i; j++) {
			const struct load_copy *b = &plan.copies[j];

			assert(a_end <= b->to.raw ||
			       b->to.raw + b->bytes + b->zero_bytes <= a->to.raw);
		}
	}
}

static void check_image(const uint8_t *file, size_t size)
{
	struct multiboot_image image;
	struct multiboot_error error = { .text = "" };

	if (multiboot_parse(file, size, &image, &error)) {
		assert(error.text[0]);
		return;
	}
	assert(image.segment_count && image.segment_count <= MULTIBOOT_SEGMENTS_MAX);
	for (u32 i = 0; i < image.segment_count; i++) {
		const struct multiboot_segment *segment = &image.segments[i];

		assert(segment->offset + segment->file_bytes <= size);
		assert(segment->file_bytes <= segment->memory_bytes);
	}
	check_plan(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	check_image(data, size);
	if (size < 64)
		return 0;
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	memcpy(copy, "\177ELF\1\1\1", 7);
	put16(copy + 16, 2);
	put16(copy + 18, 3);
	put16(copy + 42, 32);
	image_header(copy + 52, 3);
	check_image(copy, size);
	free(copy);
	return 0;
}
