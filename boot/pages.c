/* SPDX-License-Identifier: MIT */
/* Pages taken from the firmware, with a book of them. */
#include "boot/boot.h"

static void free_pages(struct boot *boot, u64 base, u64 bytes)
{
	if (bytes)
		boot->services->FreePages(base, bytes / PAGE_SIZE);
}

u64 boot_pages_take(struct boot *boot, u64 bytes, u64 highest)
{
	EFI_PHYSICAL_ADDRESS base = highest;
	u64 size = ALIGN_UP(bytes ? bytes : 1, PAGE_SIZE);

	if (boot->allocation_count == BOOT_ALLOCATIONS_MAX ||
	    EFI_ERROR(boot->services->AllocatePages(AllocateMaxAddress, EfiLoaderData,
						    size / PAGE_SIZE, &base)))
		return 0;
	boot->allocations[boot->allocation_count++] =
		(struct boot_range){ .base = base, .size = size, .type = BOOT_RESERVED };
	return base;
}

/* The firmware aligns to pages only: take more below 4 GiB,
 * and give back what sticks out at both ends. */
u64 boot_pages_take_aligned(struct boot *boot, u64 bytes, u64 alignment)
{
	u64 size = ALIGN_UP(bytes, PAGE_SIZE);
	u64 taken = boot_pages_take(boot, size + alignment - PAGE_SIZE, 4 * GIB - 1);
	u64 base = ALIGN_UP(taken, alignment);
	u64 head = base - taken;

	if (!taken)
		return 0;
	free_pages(boot, taken, head);
	free_pages(boot, base + size, alignment - PAGE_SIZE - head);
	boot->allocations[boot->allocation_count - 1].base = base;
	boot->allocations[boot->allocation_count - 1].size = size;
	return base;
}

void boot_pages_give_back(struct boot *boot, u64 base)
{
	for (u32 i = 0; i < boot->allocation_count; i++) {
		if (boot->allocations[i].base != base)
			continue;
		free_pages(boot, base, boot->allocations[i].size);
		boot->allocations[i] = boot->allocations[--boot->allocation_count];
		return;
	}
}

void boot_pages_give_back_all(struct boot *boot)
{
	while (boot->allocation_count)
		boot_pages_give_back(boot, boot->allocations[0].base);
}
