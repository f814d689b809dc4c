/* SPDX-License-Identifier: MIT */
/* The list of memory ranges. */
#include "boot/ranges.h"
#include "hv/errno.h"
#include "hv/string.h"

#define POOL_BASE      (16 * MIB)
#define POOL_PER_RAM   64
#define POOL_PER_CPU   (512 * KIB)
#define POOL_PER_CTX   (20 * KIB)
#define POOL_ALIGNMENT (2 * MIB)

struct list {
	struct boot_range ranges[BOOT_RANGES_MAX];
	u32 count;
	bool full;
};

/* Append [base, end), which lies behind all others. */
static void append(struct list *list, u64 base, u64 end, enum boot_range_type type)
{
	struct boot_range *last = list->count ? &list->ranges[list->count - 1] : NULL;

	if (base >= end)
		return;
	if (last && last->type == type && last->base + last->size == base) {
		last->size += end - base;
	} else if (list->count == BOOT_RANGES_MAX) {
		list->full = true;
	} else {
		list->ranges[list->count++] =
			(struct boot_range){ .base = base, .size = end - base, .type = type };
	}
}

int ranges_mark(struct boot_info *info, struct boot_range range)
{
	struct list list = { .count = 0 };
	u64 base, end;
	u32 i;

	if (__builtin_add_overflow(range.base, range.size, &end) || end > ~0ULL - PAGE_SIZE)
		end = ALIGN_DOWN(~0ULL, PAGE_SIZE);
	if (range.type == BOOT_RAM) {
		base = ALIGN_UP(range.base, PAGE_SIZE);
		end = ALIGN_DOWN(end, PAGE_SIZE);
	} else {
		base = ALIGN_DOWN(range.base, PAGE_SIZE);
		end = ALIGN_UP(end, PAGE_SIZE);
	}
	if (base >= end)
		return 0;
	for (i = 0; i < info->range_count && info->ranges[i].base < base; i++) {
		const struct boot_range *old = &info->ranges[i];

		append(&list, old->base, MIN(old->base + old->size, base), old->type);
	}
	append(&list, base, end, range.type);
	/* The range before may reach over all of the new one. */
	for (i = i ? i - 1 : 0; i < info->range_count; i++) {
		const struct boot_range *old = &info->ranges[i];

		append(&list, MAX(old->base, end), old->base + old->size, old->type);
	}
	if (list.full)
		return -ENOSPC;
	memcpy(info->ranges, list.ranges, list.count * sizeof(list.ranges[0]));
	info->range_count = list.count;
	return 0;
}

u64 ranges_ram(const struct boot_info *info)
{
	u64 bytes = 0;

	for (u32 i = 0; i < info->range_count; i++)
		bytes += info->ranges[i].type == BOOT_RAM ? info->ranges[i].size : 0;
	return bytes;
}

u64 ranges_pool_bytes(u64 ram, u32 cpus, u32 contexts)
{
	return ALIGN_UP(POOL_BASE + ram / POOL_PER_RAM + cpus * POOL_PER_CPU +
				contexts * POOL_PER_CTX,
			POOL_ALIGNMENT);
}

u64 ranges_l1_bytes(u64 ram, u64 pool)
{
	return ram > pool + RANGES_SLACK ? ram - pool - RANGES_SLACK : 0;
}
