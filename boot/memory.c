/* SPDX-License-Identifier: MIT */
/* The firmware's memory map as ranges, and Nestor's own share of the memory. */
#include "boot/memory.h"
#include "boot/images.h"
#include "boot/ranges.h"
#include "hv/guest/pc_memory.h"
#include "hv/log.h"

#define MAP_BYTES (64 * KIB)
#define L1_MEMORY (128 * MIB) /* what L1 needs when the configuration does not say */
#define LOW_END   0xa0000ULL  /* conventional memory ends here at the latest */

int memory_take_map(struct boot *boot)
{
	boot->map = (void *)boot_pages_take(boot, MAP_BYTES, 4 * GIB - 1);
	if (!boot->map)
		return boot_refuse(boot, "memory: no %llu KiB for the memory map; add memory",
				   (unsigned long long)(MAP_BYTES / KIB));
	return 0;
}

/* What the map says is free once boot services are gone.
 * Loader memory that is Nestor's own is marked afterwards. */
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

/* For messages. */
static unsigned long long in_mib(u64 bytes)
{
	return bytes / MIB;
}

static u64 pool_bytes(const struct boot_info *info, u64 ram)
{
	const struct config *config = &info->config;
	u32 vcpus = config->vcpus ? config->vcpus : MIN(info->cpu_count, CONFIG_VCPUS_MAX);

	return ranges_pool_bytes(ram, info->cpu_count, vcpus * config->contexts);
}

/* Nestor's part of ram bytes, when the rest is enough for L1. */
static int size_pool(struct boot *boot, u64 ram)
{
	struct boot_info *info = boot->info;
	u64 l1 = info->config.memory ? info->config.memory : L1_MEMORY;
	u64 pool = pool_bytes(info, ram);

	if (l1 < PC_MEMORY_MIN)
		return boot_refuse(boot, "memory: L1 has at least %llu MiB; set a larger 'memory'",
				   in_mib(PC_MEMORY_MIN));
	if (l1 > ranges_l1_bytes(ram, pool))
		return boot_refuse(
			boot,
			"memory: %llu MiB needed (%llu for Nestor, %llu for L1), "
			"%llu MiB available; set a smaller 'memory' or 'contexts', or add RAM",
			in_mib(pool + RANGES_SLACK) + in_mib(l1), in_mib(pool + RANGES_SLACK),
			in_mib(l1), in_mib(ram));
	info->pool_size = pool;
	return 0;
}

/*
 * Whether image and modules fit into L1's memory shows when they are placed there; that is done
 * again, for good, when L1 is made, but then it is too late to return to the firmware.
 */
static int check_plan(struct boot *boot, u64 ram)
{
	struct boot_info *info = boot->info;
	struct load_range ranges[PC_RANGES_MAX];
	u64 bytes =
		info->config.memory ? info->config.memory : ranges_l1_bytes(ram, info->pool_size);
	struct load_plan *plan = (void *)boot_pages_take(boot, sizeof(*plan), 4 * GIB - 1);
	int rc;

	if (!plan)
		return boot_refuse(boot, "memory: no page is free; add RAM");
	rc = images_plan(boot, ranges, pc_memory_map(bytes, ranges), plan);
	boot_pages_give_back(boot, (u64)plan);
	return rc;
}

static int take_pool(struct boot *boot)
{
	struct boot_info *info = boot->info;

	info->pool_base = boot_pages_take_aligned(boot, info->pool_size, 2 * MIB);
	if (!info->pool_base)
		return boot_refuse(boot, "memory: no %llu MiB in one piece below 4 GiB; add RAM",
				   in_mib(info->pool_size));
	info->trampoline = boot_pages_take(boot, PAGE_SIZE, LOW_END - 1);
	if (!info->trampoline)
		return boot_refuse(boot, "memory: no free page below 640 KiB to start CPUs with; "
					 "update the firmware");
	return 0;
}

int memory_reserve(struct boot *boot)
{
	UINTN key;
	u64 ram;
	int rc = memory_read_map(boot, &key);

	if (rc)
		return rc;
	ram = ranges_ram(boot->info);
	rc = size_pool(boot, ram);
	if (rc)
		return rc;
	rc = check_plan(boot, ram);
	if (rc)
		return rc;
	log_line("boot", "memory: %llu MiB available, %llu of them Nestor's", in_mib(ram),
		 in_mib(boot->info->pool_size));
	return take_pool(boot);
}
