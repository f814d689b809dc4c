/* SPDX-License-Identifier: MIT */
/* PVH's start information and Linux' zero page as a multiboot information block. */
#include "tests/guest/lib/told.h"
#include "hv/linux_format.h"
#include "hv/pvh_format.h"
#include "tests/guest/lib/report.h"

#define RANGES_MAX    256
#define MODULES_MAX   8
/* A zero page has no string for its initrd; the tests' is the pattern that memory.c knows. */
#define INITRD_STRING "initrd pattern"

static struct multiboot_info block;
static struct multiboot_mmap_entry map[RANGES_MAX];
static struct multiboot_mods_entry modules[MODULES_MAX];

static u32 address_of(const void *object)
{
	return (u32)(u64)object;
}

static void add_range(u64 base, u64 bytes, u32 type)
{
	struct multiboot_mmap_entry *entry = map + block.mmap_length / sizeof(*entry);

	if (entry == map + RANGES_MAX)
		report_fatal("more than %d ranges of memory", RANGES_MAX);
	*entry = (struct multiboot_mmap_entry){
		.size = sizeof(*entry) - sizeof(entry->size),
		.base_addr = base,
		.length = bytes,
		.type = type,
	};
	block.mmap_length += (u32)sizeof(*entry);
	if (type == MULTIBOOT_MMAP_RAM && base == 0)
		block.mem_lower = (u32)(MIN(bytes, 640 * KIB) / KIB);
	if (type == MULTIBOOT_MMAP_RAM && base <= MIB && bytes > MIB - base)
		block.mem_upper = (u32)(MIN(base + bytes - MIB, 3 * GIB) / KIB);
}

static void add_module(u64 base, u64 bytes, u64 string)
{
	if (block.mods_count >= MODULES_MAX)
		report_fatal("more than %d modules", MODULES_MAX);
	modules[block.mods_count++] = (struct multiboot_mods_entry){
		.mod_start = (u32)base,
		.mod_end = (u32)(base + bytes),
		.string = (u32)string,
	};
}

static void begin(u64 cmdline)
{
	block = (struct multiboot_info){
		.flags = MULTIBOOT_MEMORY | MULTIBOOT_CMDLINE | MULTIBOOT_MODULES | MULTIBOOT_MMAP,
		.cmdline = (u32)cmdline,
		.mods_addr = address_of(modules),
		.mmap_addr = address_of(map),
	};
}

static void read_start_info(const struct hvm_start_info *start)
{
	const struct hvm_memmap_table_entry *entry = (const void *)start->memmap_paddr;
	const struct hvm_modlist_entry *module = (const void *)start->modlist_paddr;

	if (start->magic != PVH_MAGIC || start->version != PVH_VERSION || start->flags)
		report_fatal("start information 0x%x, version %u, flags 0x%x", start->magic,
			     start->version, start->flags);
	begin(start->cmdline_paddr);
	for (u32 i = 0; i < start->memmap_entries; i++)
		add_range(entry[i].addr, entry[i].size, entry[i].type);
	for (u32 i = 0; i < start->nr_modules; i++)
		add_module(module[i].paddr, module[i].size, module[i].cmdline_paddr);
}

static void read_zero_page(const struct linux_zero_page *page)
{
	const struct linux_header *header = &page->hdr;

	if (header->header != LINUX_HEADER_MAGIC || header->type_of_loader != LINUX_LOADER_OTHER)
		report_fatal("setup header 0x%x, type_of_loader 0x%x", header->header,
			     header->type_of_loader);
	begin(header->cmd_line_ptr);
	for (u32 i = 0; i < page->e820_entries; i++)
		add_range(page->e820_table[i].addr, page->e820_table[i].size,
			  page->e820_table[i].type);
	if (header->ramdisk_size)
		add_module(header->ramdisk_image, header->ramdisk_size, address_of(INITRD_STRING));
}

const struct multiboot_info *told_as_multiboot(u32 magic, const void *told)
{
	switch (magic) {
	case MULTIBOOT_LOADER_MAGIC:
		return told;
	case PVH_MAGIC:
		read_start_info(told);
		return &block;
	case LINUX_HEADER_MAGIC:
		read_zero_page(told);
		return &block;
	default:
		return NULL;
	}
}
