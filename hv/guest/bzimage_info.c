/* SPDX-License-Identifier: MIT */
/*
 * What Linux is told: the zero page, which begins with the setup header of its own file, and what
 * that points to. Source: Linux boot protocol (boot.rst "64-bit Boot Protocol", zero-page.rst).
 */
#include "hv/guest/bzimage.h"
#include "hv/linux_format.h"
#include "hv/panic.h"
#include "hv/start_state.h"

#define GDT_CODE 0x00af9b000000ffffULL /* flat, 64-bit, execute and read */
#define GDT_DATA 0x00cf93000000ffffULL /* flat, read and write */

static const u64 gdt[] = {
	[START_LONG_CODE / 8] = GDT_CODE,
	[START_LONG_DATA / 8] = GDT_DATA,
};

_Static_assert(sizeof(struct linux_zero_page) == BZIMAGE_GDT_OFFSET &&
		       sizeof(gdt) == BZIMAGE_GDT_BYTES,
	       "what the loader's start state says about the GDT");

static void put_map(struct info_block *out, const struct load_request *request)
{
	u8 count = (u8)request->range_count;
	size_t at = offsetof(struct linux_zero_page, e820_table);

	info_put(out, offsetof(struct linux_zero_page, e820_entries), &count, sizeof(count));
	for (u32 i = 0; i < request->range_count; i++) {
		const struct load_range *range = &request->ranges[i];
		struct linux_e820 entry = {
			.addr = range->base.raw,
			.size = range->bytes,
			.type = range->type == LOAD_RAM ? LINUX_E820_RAM : LINUX_E820_RESERVED,
		};

		info_put(out, at + i * sizeof(entry), &entry, sizeof(entry));
	}
}

/* The image's own header, and in it what the loader fills. */
static void put_header(struct info_block *out, const struct load_request *request,
		       const u32 *module_gpas, u32 cmdline)
{
	const u8 *header = request->image->file + LINUX_HEADER_AT;
	u32 initrd[2] = { 0, 0 };
	u8 loader = LINUX_LOADER_OTHER;
	u64 none = 0;
	size_t bytes = LINUX_HEADER_AFTER - LINUX_HEADER_AT +
		       header[offsetof(struct linux_header, header_length)];

	if (request->module_count) {
		initrd[0] = module_gpas[0];
		initrd[1] = (u32)request->modules[0].bytes;
	}
#define PUT(field, value) \
	info_put(out, offsetof(struct linux_zero_page, field), &(value), sizeof(value))
	info_put(out, LINUX_HEADER_AT, header, bytes);
	PUT(hdr.type_of_loader, loader);
	PUT(hdr.ramdisk_image, initrd); /* and ramdisk_size behind it */
	PUT(hdr.cmd_line_ptr, cmdline);
	PUT(hdr.setup_data, none);
	PUT(acpi_rsdp_addr, request->rsdp);
#undef PUT
}

size_t bzimage_build_info(const struct load_request *request, const u32 *module_gpas,
			  struct info_place place)
{
	struct info_block out = { .place = place };
	u32 cmdline;

	ASSERT(request->range_count <= LINUX_E820_MAX && request->module_count <= 1);
	info_append_zeros(&out, sizeof(struct linux_zero_page));
	info_append(&out, gdt, sizeof(gdt));
	cmdline = info_append_text(&out, request->cmdline);
	put_header(&out, request, module_gpas, cmdline);
	put_map(&out, request);
	return out.used;
}
