/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as an image for L1, as they come and as each format: what makes a file one of that
 * format is written over, or few would pass the first checks. What is accepted must be within the
 * file, its plan within RAM, and all that the plan copies readable (ASan looks).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "../unit/hv/guest/bzimage_image.h"
#include "../unit/hv/guest/pvh_image.h"
#include "hv/guest/load_start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct load_range ranges[] = {
	{ { 0 }, 640 * KIB, LOAD_RAM },
	{ { 640 * KIB }, 384 * KIB, LOAD_RESERVED },
	{ { MIB }, 3 * GIB, LOAD_RAM },
};

static bool is_ram(u64 base, u64 end)
{
	return end <= 640 * KIB || (base >= MIB && end <= MIB + 3 * GIB);
}

static void check_copies(const struct load_plan *plan)
{
	for (u32 i = 0; i < plan->copy_count; i++) {
		const struct load_copy *a = &plan->copies[i];
		u64 a_end = a->to.raw + a->bytes + a->zero_bytes;

		assert(is_ram(a->to.raw, a_end));
		for (u64 at = 0; at < a->bytes; at++)
			(void)((const volatile u8 *)a->from)[at];
		for (u32 j = 0; j < i; j++) {
			const struct load_copy *b = &plan->copies[j];

			assert(a_end <= b->to.raw ||
			       b->to.raw + b->bytes + b->zero_bytes <= a->to.raw);
		}
	}
}

/* The entry is a byte that was copied; page tables are where CR3 says. */
static void check_start(const struct load_plan *plan)
{
	struct start_state start = load_start(plan);
	bool entry_is_there = false, tables_are_there = start.mode != START_LONG;

	for (u32 i = 0; i < plan->copy_count; i++) {
		const struct load_copy *copy = &plan->copies[i];

		entry_is_there |= start.rip - copy->to.raw < copy->bytes;
		tables_are_there |= start.cr3 == copy->to.raw && copy->from == &plan->tables;
	}
	assert(entry_is_there && tables_are_there);
}

static void check_plan(const struct kernel_image *image)
{
	static struct load_plan plan;
	struct load_module module = { .from = "x", .bytes = 1, .name = "m", .cmdline = "" };
	struct load_request request = { .image = image,
					.name = "k",
					.cmdline = "c",
					.modules = &module,
					.module_count = 1,
					.ranges = ranges,
					.range_count = ARRAY_SIZE(ranges) };
	struct load_error error = { .text = "" };

	if (load_plan_make(&request, &plan, &error)) {
		assert(error.text[0]);
		return;
	}
	check_copies(&plan);
	check_start(&plan);
}

static void check_image(const uint8_t *file, size_t size)
{
	struct kernel_image image;
	struct load_error error = { .text = "" };

	if (kernel_parse(file, size, &image, &error)) {
		assert(error.text[0]);
		return;
	}
	assert(image.segment_count && image.segment_count <= KERNEL_SEGMENTS_MAX);
	for (u32 i = 0; i < image.segment_count; i++) {
		const struct kernel_segment *segment = &image.segments[i];

		assert(segment->offset + segment->file_bytes <= size);
		assert(segment->file_bytes <= segment->memory_bytes);
		assert(segment->gpa + segment->memory_bytes <= 4 * GIB);
	}
	check_plan(&image);
}

static void make_elf(u8 *file, u8 class)
{
	put32(file, 0x464c457f); /* "\177ELF" */
	file[4] = class;
	file[5] = 1;
	put16(file + 16, 2);
	put16(file + 18, class == 1 ? 3 : 62);
	put16(file + (class == 1 ? 42 : 54), class == 1 ? 32 : 56);
}

static void make_multiboot(u8 *file)
{
	make_elf(file, 1);
	image_header(file + 52, 3);
}

/* Three program headers, the last of them of notes; the last note names the entry. */
static void make_pvh(u8 *file)
{
	make_elf(file, 2);
	put64(file + 32, PVH_PHDR_0);
	put16(file + 56, 3);
	put32(file + PVH_PHDR_0, 1);
	put32(file + PVH_PHDR_NOTE, 4);
	pvh_note(file + PVH_NOTE, 18, 8);
}

static void make_bzimage(u8 *file)
{
	put16(file + BZ_BOOT_FLAG, 0xaa55);
	put32(file + BZ_MAGIC, 0x53726448);
	put16(file + BZ_VERSION, 0x20c + file[BZ_VERSION]);
	file[BZ_HEADER_LENGTH] = (u8)(0x66 + file[BZ_HEADER_LENGTH] % 0x29);
	file[BZ_LOADFLAGS] |= 1;
	file[BZ_XLOADFLAGS] |= 1;
	put32(file + BZ_KERNEL_ALIGNMENT, 1u << file[BZ_KERNEL_ALIGNMENT] % 32);
	put32(file + BZ_PREF_ADDRESS + 4, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		void (*make)(u8 *file);
		size_t bytes;
	} formats[] = { { make_multiboot, 64 }, { make_pvh, PVH_BYTES }, { make_bzimage, 0x290 } };

	check_image(data, size);
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		uint8_t *copy = size >= formats[i].bytes ? malloc(size) : NULL;

		if (!copy)
			continue;
		memcpy(copy, data, size);
		formats[i].make(copy);
		check_image(copy, size);
		free(copy);
	}
	return 0;
}
