/* SPDX-License-Identifier: MIT */
/*
 * The multiboot information block (Multiboot Specification 0.6.96, "Boot information format"):
 * memory sizes, command line, modules, memory map, loader's name.
 * All that it points to lies behind it in the same block.
 */
#include "hv/guest/multiboot.h"
#include "hv/multiboot_format.h"
#include "hv/string.h"

#define LOADER_NAME "Nestor"

/* Appends to the block; counts on when the buffer is full. */
struct writer {
	struct multiboot_info_place place;
	size_t used;
};

static u32 append(struct writer *out, const void *bytes, size_t count)
{
	u32 gpa = out->place.gpa + (u32)out->used;

	if (out->used + count <= out->place.size)
		memcpy(out->place.buffer + out->used, bytes, count);
	out->used += count;
	return gpa;
}

static void align(struct writer *out)
{
	static const u8 zeros[4];

	append(out, zeros, (4 - out->used % 4) % 4);
}

/* "first second", or "first" alone where the second is empty. */
static u32 append_words(struct writer *out, const char *first, const char *second)
{
	u32 gpa = append(out, first, strlen(first));

	if (*second) {
		append(out, " ", 1);
		append(out, second, strlen(second));
	}
	append(out, "", 1);
	return gpa;
}

/* KiB of RAM without a hole from base on, at most limit. */
static u32 memory_kib(const struct multiboot_request *request, u64 base, u64 limit)
{
	for (u32 i = 0; i < request->range_count; i++) {
		const struct load_range *range = &request->ranges[i];
		u64 offset = base - range->base.raw;

		if (range->type == LOAD_RAM && offset < range->bytes)
			return (u32)(MIN(range->bytes - offset, limit) / KIB);
	}
	return 0;
}

static u32 append_modules(struct writer *out, const struct multiboot_request *request,
			  const u32 *module_gpas)
{
	struct multiboot_mods_entry modules[MULTIBOOT_MODULES_MAX] = { 0 };

	for (u32 i = 0; i < request->module_count; i++) {
		const struct multiboot_module *module = &request->modules[i];

		modules[i].mod_start = module_gpas[i];
		modules[i].mod_end = module_gpas[i] + (u32)module->bytes;
		modules[i].string = append_words(out, module->name, module->cmdline);
	}
	align(out);
	return append(out, modules, request->module_count * sizeof(modules[0]));
}

static u32 append_map(struct writer *out, const struct multiboot_request *request)
{
	u32 gpa = out->place.gpa + (u32)out->used;

	for (u32 i = 0; i < request->range_count; i++) {
		struct multiboot_mmap_entry entry = {
			.size = sizeof(entry) - sizeof(entry.size),
			.base_addr = request->ranges[i].base.raw,
			.length = request->ranges[i].bytes,
			.type = request->ranges[i].type == LOAD_RAM ? MULTIBOOT_MMAP_RAM
								    : MULTIBOOT_MMAP_RESERVED,
		};

		append(out, &entry, sizeof(entry));
	}
	return gpa;
}

size_t multiboot_build_info(const struct multiboot_request *request, const u32 *module_gpas,
			    struct multiboot_info_place place)
{
	struct multiboot_info header = {
		.flags = MULTIBOOT_MEMORY | MULTIBOOT_CMDLINE | MULTIBOOT_MODULES | MULTIBOOT_MMAP |
			 MULTIBOOT_LOADER_NAME,
		.mem_lower = memory_kib(request, 0, 640 * KIB),
		.mem_upper = memory_kib(request, MIB, 4 * GIB - MIB),
		.mods_count = request->module_count,
		.mmap_length = request->range_count * (u32)sizeof(struct multiboot_mmap_entry),
	};
	struct writer out = { .place = place, .used = sizeof(header) };

	header.mods_addr = append_modules(&out, request, module_gpas);
	header.mmap_addr = append_map(&out, request);
	header.cmdline = append_words(&out, request->name, request->cmdline);
	header.boot_loader_name = append(&out, LOADER_NAME, sizeof(LOADER_NAME));
	if (place.size >= sizeof(header))
		memcpy(place.buffer, &header, sizeof(header));
	return out.used;
}
