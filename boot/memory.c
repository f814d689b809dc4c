/* SPDX-License-Identifier: MIT */
/* The firmware's memory map as ranges, and Nestor's own share of the memory. */
#include "boot/memory.h"
#include "boot/ranges.h"
#include "hv/log.h"

#define MAP_BYTES     (64 * KIB)
#define L1_MEMORY_MIN (32 * MIB) /* what L1 needs when the configuration does not say */
#define LOW_END       0xa0000ULL /* conventional memory ends here at the latest */

int memory_take_map(struct boot *boot)
{
	boot->map = (void *)boot_pages_take(boot, MAP_BYTES, 4 * GIB - 1);
	if (!boot->map)
		return boot_refuse(boot, "memory: no %llu KiB for the memory map; add memory",
				   (unsigned long long)(MAP_BYTES / KIB));
	return 0;
}

/* What the map says is free once boot services are gone. Loader memory that is Nestor's own is
 * marked afterwards. */
static enum boot_range_type range_type(const EFI_MEMORY_DESCRIPTOR *entry)
{
	if (entry->Attribute & EFI_MEMORY_RUNTIME)
		return BOOT_RESERVED;
	switch (entry->Type) {
	case EfiLoaderCode:
	case EfiLoaderData:
	case EfiBootServicesCode:
	case EfiBootServicesData:
	case EfiConventionalMemory:
		return BOOT_RAM;
	default:
		return BOOT_RESERVED;
	}
}

/* Mark all entries of one type: RAM first, so that what is reserved wins where entries overlap. */
static int mark_entries(struct boot *boot, enum boot_range_type type)
{
	const u8 *map = boot->map;

	for (u64 at = 0; at + sizeof(EFI_MEMORY_DESCRIPTOR) <= boot->map_bytes;
	     at += boot->map_entry_bytes) {
		const EFI_MEMORY_DESCRIPTOR *entry = (const void *)(map + at);
		u64 bytes = entry->NumberOfPages << PAGE_SHIFT;
		int rc = 0;

		if (range_type(entry) == type)
			rc = ranges_mark(boot->info,
					 (struct boot_range){ .base = entry->PhysicalStart,
							      .size = bytes,
							      .type = type });
		if (rc)
			return rc;
	}
	return 0;
}

static int mark_own(struct boot *boot)
{
	struct boot_range image = { .base = boot->info->image_base,
				    .size = boot->info->image_size,
				    .type = BOOT_RESERVED };
	int rc = ranges_mark(boot->info, image);

	for (u32 i = 0; i < boot->allocation_count && !rc; i++)
		rc = ranges_mark(boot->info, boot->allocations[i]);
	return rc;
}

int memory_read_map(struct boot *boot, UINTN *key)
{
	UINTN bytes = MAP_BYTES, entry_bytes;
	UINT32 version;
	EFI_STATUS status =
		boot->services->GetMemoryMap(&bytes, boot->map, key, &entry_bytes, &version);

	if (EFI_ERROR(status) || bytes > MAP_BYTES || entry_bytes < sizeof(EFI_MEMORY_DESCRIPTOR))
		return boot_refuse(boot, "memory: the firmware's map: %s; update the firmware",
				   boot_status_name(status));
	boot->map_bytes = bytes;
	boot->map_entry_bytes = entry_bytes;
	boot->info->range_count = 0;
	if (mark_entries(boot, BOOT_RAM) || mark_entries(boot, BOOT_RESERVED) || mark_own(boot))
		return boot_refuse(boot,
				   "memory: more than %u ranges in the memory map; "
				   "update the firmware",
				   BOOT_RANGES_MAX);
	return 0;
}

int memory_reserve(struct boot *boot)
{
	struct boot_info *info = boot->info;
	u64 l1 = MAX(info->config.memory, L1_MEMORY_MIN);
	u64 ram, pool;
	UINTN key;
	int rc = memory_read_map(boot, &key);

	if (rc)
		return rc;
	ram = ranges_ram(info);
	pool = ranges_pool_bytes(ram, info->cpu_count);
	if (l1 > ram || pool > ram - l1)
		return boot_refuse(boot,
				   "memory: %llu MiB needed (%llu for Nestor, %llu for L1), "
				   "%llu MiB available; set a smaller 'memory' or add RAM",
				   (unsigned long long)((pool + l1) / MIB),
				   (unsigned long long)(pool / MIB), (unsigned long long)(l1 / MIB),
				   (unsigned long long)(ram / MIB));
	info->pool_base = boot_pages_take_aligned(boot, pool, 2 * MIB);
	info->pool_size = pool;
	if (!info->pool_base)
		return boot_refuse(boot, "memory: no %llu MiB in one piece below 4 GiB; add RAM",
				   (unsigned long long)(pool / MIB));
	info->trampoline = boot_pages_take(boot, PAGE_SIZE, LOW_END - 1);
	if (!info->trampoline)
		return boot_refuse(boot, "memory: no free page below 640 KiB to start CPUs with; "
					 "update the firmware");
	log_line("boot", "memory: %llu MiB available, pool of %llu MiB at 0x%llx",
		 (unsigned long long)(ram / MIB), (unsigned long long)(pool / MIB),
		 (unsigned long long)info->pool_base);
	return 0;
}
