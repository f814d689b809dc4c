/* SPDX-License-Identifier: MIT */
/*
 * The boot code's common ground: what it asked the firmware for, what it took from it, and the one
 * refusal. A step returns 0, or negative after boot_refuse(); efi_main() then prints the refusal,
 * gives everything back and returns to the firmware.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include <efi.h>
#include "hv/boot_info.h"
#include "hv/guest/load_plan.h"

#define BOOT_ALLOCATIONS_MAX 16

struct boot {
	EFI_HANDLE image;
	EFI_SYSTEM_TABLE *system;
	EFI_BOOT_SERVICES *services;
	EFI_LOADED_IMAGE *loaded;
	EFI_FILE_HANDLE
	volume; /* root of the volume Nestor came from; NULL: it has no file system */
	struct boot_info *info;
	struct kernel_image kernel;
	struct bare *bare; /* NULL but in bare mode */
	void *map;         /* the firmware's memory map, BOOT_MAP_BYTES */
	u64 map_bytes, map_entry_bytes;
	u32 allocation_count;
	struct boot_range allocations[BOOT_ALLOCATIONS_MAX]; /* pages taken from the firmware */
	char refusal[512];
};

/* Note the refusal "what is missing; what to do" and return -EINVAL. */
int boot_refuse(struct boot *boot, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "EFI_NOT_FOUND" and the like. */
const char *boot_status_name(EFI_STATUS status);

/* Send the log to the firmware's screens too, until boot_mirror_off(). */
void boot_mirror_on(struct boot *boot);
/* The same for all of the firmware's console, for a line that must not be missed. */
void boot_mirror_everywhere(struct boot *boot);
void boot_mirror_off(void);

/*
 * Pages of loader data with [base, base + bytes) at or below highest; 0 where there are none. The
 * books say what to give back after a refusal, and what is not free for anybody else otherwise.
 */
u64 boot_pages_take(struct boot *boot, u64 bytes, u64 highest);
u64 boot_pages_take_aligned(struct boot *boot, u64 bytes, u64 alignment);
void boot_pages_give_back(struct boot *boot, u64 base);
void boot_pages_give_back_all(struct boot *boot);

#endif
