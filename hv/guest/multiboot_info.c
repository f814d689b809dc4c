/* SPDX-License-Identifier: MIT */
/*
 * The multiboot information block (Multiboot Specification 0.6.96, "Boot information format"):
 * memory sizes, command line, modules, memory map, loader's name.
 * All that it points to lies behind it in the same block.
 */
#include "hv/guest/multiboot.h"
#include "hv/multiboot_format.h"

#define LOADER_NAME "Nestor"

/* KiB of RAM without a hole from base on, at most limit. */
static u32 memory_kib(const struct load_request *request, u64 base, u64 limit)
{
	for (u32 i = 0; i < request->range_count; i++) {
		const struct load_range *range = &request->ranges[i];
		u64 offset = base - range->base.raw;

		if (range->type == LOAD_RAM && offset < range->bytes)
			return (u32)(MIN(range->bytes - offset, limit) / KIB);
	}
	return 0;
}

static u32 append_modules(struct info_block *out, const struct load_request *request,
			  const u32 *module_gpas)
{
	struct multiboot_mods_entry modules[LOAD_MODULES_MAX] = { 0 };

	for (u32 i = 0; i < request->module_count; i++) {
		const struct load_module *module = &request->modules[i];

		modules[i].mod_start = module_gpas[i];
		modules[i].mod_end = module_gpas[i] + (u32)module->bytes;
		modules[i].string = info_append_words(out, module->name, module->cmdline);
	}
	info_align(out, 4);
	return info_append(out, modules, request->module_count * sizeof(modules[0]));
}

static u32 append_map(struct info_block *out, const struct load_request *request)
{
	u32 gpa = info_append_zeros(out, 0);

	for (u32 i = 0; i < request->range_count; i++) {
		struct multiboot_mmap_entry entry = {
			.size = sizeof(entry) - sizeof(entry.size),
			.base_addr = request->ranges[i].base.raw,
			.length = request->ranges[i].bytes,
			.type = request->ranges[i].type == LOAD_RAM ? MULTIBOOT_MMAP_RAM
								    : MULTIBOOT_MMAP_RESERVED,
		};

		info_append(out, &entry, sizeof(entry));
	}
	return gpa;
}

size_t multiboot_build_info(const struct load_request *request, const u32 *module_gpas,
			    struct info_place place)
{
	struct multiboot_info header = {
		.flags = MULTIBOOT_MEMORY | MULTIBOOT_CMDLINE | MULTIBOOT_MODULES | MULTIBOOT_MMAP |
			 MULTIBOOT_LOADER_NAME,
		.mem_lower = memory_kib(request, 0, 640 * KIB),
		.mem_upper = memory_kib(request, MIB, 4 * GIB - MIB),
		.mods_count = request->module_count,
		.mmap_length = request->range_count * (u32)sizeof(struct multiboot_mmap_entry),
	};
	struct info_block out = { .place = place };

	info_append_zeros(&out, sizeof(header));
	header.mods_addr = append_modules(&out, request, module_gpas);
	header.mmap_addr = append_map(&out, request);
	header.cmdline = info_append_words(&out, request->name, request->cmdline);
	header.boot_loader_name = info_append(&out, LOADER_NAME, sizeof(LOADER_NAME));
	info_put(&out, 0, &header, sizeof(header));
	return out.used;
}
