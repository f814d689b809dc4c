/* SPDX-License-Identifier: MIT */
/* hvm_start_info and, in the same block, what it points to. Source: Xen "x86/HVM direct boot
 * ABI". */
#include "hv/guest/pvh.h"
#include "hv/pvh_format.h"

static u64 append_modules(struct info_block *out, const struct load_request *request,
			  const u32 *module_gpas)
{
	struct hvm_modlist_entry modules[LOAD_MODULES_MAX] = { 0 };

	if (!request->module_count)
		return 0;
	for (u32 i = 0; i < request->module_count; i++) {
		const struct load_module *module = &request->modules[i];

		modules[i].paddr = module_gpas[i];
		modules[i].size = module->bytes;
		modules[i].cmdline_paddr = info_append_text(out, module->cmdline);
	}
	info_align(out, 8);
	return info_append(out, modules, request->module_count * sizeof(modules[0]));
}

static u64 append_map(struct info_block *out, const struct load_request *request)
{
	u32 gpa = info_append_zeros(out, 0);

	for (u32 i = 0; i < request->range_count; i++) {
		const struct load_range *range = &request->ranges[i];
		struct hvm_memmap_table_entry entry = {
			.addr = range->base.raw,
			.size = range->bytes,
			.type = range->type == LOAD_RAM ? PVH_MEMMAP_RAM : PVH_MEMMAP_RESERVED,
		};

		info_append(out, &entry, sizeof(entry));
	}
	return gpa;
}

size_t pvh_build_info(const struct load_request *request, const u32 *module_gpas,
		      struct info_place place)
{
	struct hvm_start_info start = {
		.magic = PVH_MAGIC,
		.version = PVH_VERSION,
		.nr_modules = request->module_count,
		.rsdp_paddr = request->rsdp,
		.memmap_entries = request->range_count,
	};
	struct info_block out = { .place = place };

	info_append(&out, &start, sizeof(start));
	start.memmap_paddr = append_map(&out, request);
	start.modlist_paddr = append_modules(&out, request, module_gpas);
	start.cmdline_paddr = info_append_text(&out, request->cmdline);
	info_put(&out, 0, &start, sizeof(start));
	return out.used;
}
