/* SPDX-License-Identifier: MIT */
/*
 * RAM ranges from multiboot's memory map (or mem_lower and mem_upper), and a page allocator: a
 * cursor that climbs from the image's end through all that is not taken, and a list of freed pages.
 */
#include "tests/guest/lib/memory.h"
#include "hv/string.h"
#include "tests/guest/lib/report.h"

#define RANGES_MAX 64
#define TAKEN_MAX  64
#define LIMIT      (4 * GIB)

extern char guest_image_start[], guest_image_end[];

static const struct multiboot_info *multiboot;
static struct memory_range ranges[RANGES_MAX], taken[TAKEN_MAX];
static size_t range_count, taken_count;
static u64 cursor;
static u64 freed; /* first page of the list; each page's first word links to the next */

static void add_range(u64 base, u64 size)
{
	struct memory_range range = { ALIGN_UP(base, PAGE_SIZE),
				      ALIGN_DOWN(MIN(base + size, LIMIT), PAGE_SIZE) };

	if (base >= LIMIT || range.base >= range.end)
		return;
	if (range_count == RANGES_MAX)
		report_fatal("more than %d ranges of RAM", RANGES_MAX);
	ranges[range_count++] = range;
}

static void take(u64 base, u64 size)
{
	if (taken_count == TAKEN_MAX)
		report_fatal("more than %d ranges of taken memory", TAKEN_MAX);
	taken[taken_count++] = (struct memory_range){ ALIGN_DOWN(base, PAGE_SIZE),
						      ALIGN_UP(base + size, PAGE_SIZE) };
}

static void take_string(u32 address)
{
	if (address)
		take(address, strlen((const char *)(u64)address) + 1);
}

static void read_map(const struct multiboot_info *info)
{
	u64 at = info->mmap_addr, end = at + info->mmap_length;

	take(at, info->mmap_length);
	while (at < end) {
		const struct multiboot_mmap_entry *entry = (const void *)at;

		if (entry->type == MULTIBOOT_MMAP_RAM)
			add_range(entry->base_addr, entry->length);
		at += entry->size + sizeof(entry->size);
	}
}

static void take_modules(const struct multiboot_info *info)
{
	const struct multiboot_mods_entry *modules = (const void *)(u64)info->mods_addr;

	take(info->mods_addr, info->mods_count * sizeof(*modules));
	for (u32 i = 0; i < info->mods_count; i++) {
		take(modules[i].mod_start, modules[i].mod_end - modules[i].mod_start);
		take_string(modules[i].string);
	}
}

void memory_init(const struct multiboot_info *info)
{
	multiboot = info;
	take((u64)guest_image_start, (u64)guest_image_end - (u64)guest_image_start);
	take((u64)info, sizeof(*info));
	if (info->flags & MULTIBOOT_MMAP) {
		read_map(info);
	} else if (info->flags & MULTIBOOT_MEMORY) {
		add_range(0, info->mem_lower * KIB);
		add_range(MIB, info->mem_upper * KIB);
	}
	if (info->flags & MULTIBOOT_CMDLINE)
		take_string(info->cmdline);
	if (info->flags & MULTIBOOT_LOADER_NAME)
		take_string(info->boot_loader_name);
	if (info->flags & MULTIBOOT_MODULES)
		take_modules(info);
	cursor = (u64)guest_image_end;
}

const struct multiboot_info *memory_multiboot(void)
{
	return multiboot;
}

size_t memory_range_count(void)
{
	return range_count;
}

struct memory_range memory_range(size_t index)
{
	return ranges[index];
}

static bool is_inside(const struct memory_range *list, size_t count, u64 pa)
{
	for (size_t i = 0; i < count; i++) {
		if (pa >= list[i].base && pa < list[i].end)
			return true;
	}
	return false;
}

static bool is_free_ram(u64 pa)
{
	return is_inside(ranges, range_count, pa) && !is_inside(taken, taken_count, pa);
}

bool memory_is_spare_page(u64 pa)
{
	return is_free_ram(pa) && (pa < (u64)guest_image_end || pa >= cursor);
}

u64 memory_page_alloc(void)
{
	u64 page = freed;

	if (page) {
		freed = *(u64 *)page;
	} else {
		while (cursor < LIMIT && !is_free_ram(cursor))
			cursor += PAGE_SIZE;
		if (cursor >= LIMIT)
			report_fatal("out of memory");
		page = cursor;
		cursor += PAGE_SIZE;
	}
	memset((void *)page, 0, PAGE_SIZE);
	return page;
}

void memory_page_free(u64 pa)
{
	*(u64 *)pa = freed;
	freed = pa;
}
