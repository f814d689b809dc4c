/* SPDX-License-Identifier: MIT */
/*
 * Boot protocols as registers. Sources: Multiboot Specification "Machine state", Xen "x86/HVM
 * direct boot ABI", Linux boot protocol "64-bit Boot Protocol".
 */
#include "hv/guest/load_start.h"
#include "hv/guest/bzimage.h"
#include "hv/multiboot_format.h"

/* A 1 stands for the address of what the image is told. */
static const struct {
	enum start_mode mode;
	u32 rax;
	u8 rbx, rsi;
	u32 gdt_offset, gdt_bytes; /* in that block */
} protocols[KERNEL_PROTOCOLS] = {
	[KERNEL_MULTIBOOT] = { .mode = START_PROTECTED, .rax = MULTIBOOT_LOADER_MAGIC, .rbx = 1 },
	[KERNEL_PVH] = { .mode = START_PROTECTED, .rbx = 1 },
	[KERNEL_LINUX] = { .mode = START_LONG,
			   .rsi = 1,
			   .gdt_offset = BZIMAGE_GDT_OFFSET,
			   .gdt_bytes = BZIMAGE_GDT_BYTES },
};

struct start_state load_start(const struct load_plan *plan)
{
	u64 info = plan->info_gpa.raw;
	struct start_state start = {
		.mode = protocols[plan->protocol].mode,
		.rip = plan->entry.raw,
		.rax = protocols[plan->protocol].rax,
		.rbx = protocols[plan->protocol].rbx * info,
		.rsi = protocols[plan->protocol].rsi * info,
	};

	if (start.mode == START_LONG) {
		start.cr3 = plan->tables_gpa.raw;
		start.gdt_base = info + protocols[plan->protocol].gdt_offset;
		start.gdt_limit = protocols[plan->protocol].gdt_bytes - 1;
	}
	return start;
}
