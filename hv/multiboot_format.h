/* SPDX-License-Identifier: MIT */
/* What a multiboot-1 loader tells its image (Multiboot Specification 0.6.96,
 * "Boot information format"); field names as there. */
#ifndef HV_MULTIBOOT_FORMAT_H
#define HV_MULTIBOOT_FORMAT_H

#include "hv/types.h"

#define MULTIBOOT_LOADER_MAGIC 0x2badb002u /* in EAX at the image's entry */

#define MULTIBOOT_MEMORY       BIT(0)
#define MULTIBOOT_CMDLINE      BIT(2)
#define MULTIBOOT_MODULES      BIT(3)
#define MULTIBOOT_MMAP         BIT(6)
#define MULTIBOOT_LOADER_NAME  BIT(9)

struct multiboot_info {
	u32 flags;
	u32 mem_lower; /* KiB from 0 */
	u32 mem_upper; /* KiB from 1 MiB */
	u32 boot_device;
	u32 cmdline;
	u32 mods_count;
	u32 mods_addr;
	u32 syms[4];
	u32 mmap_length;
	u32 mmap_addr;
	u32 drives_length;
	u32 drives_addr;
	u32 config_table;
	u32 boot_loader_name;
	u32 unused[12]; /* APM, VBE, framebuffer */
};

struct multiboot_mods_entry {
	u32 mod_start;
	u32 mod_end; /* exclusive */
	u32 string;
	u32 reserved;
};

#define MULTIBOOT_MMAP_RAM      1u
#define MULTIBOOT_MMAP_RESERVED 2u

struct multiboot_mmap_entry {
	u32 size; /* of what follows */
	u64 base_addr;
	u64 length;
	u32 type;
} __attribute__((packed));

_Static_assert(sizeof(struct multiboot_info) == 116 && sizeof(struct multiboot_mods_entry) == 16 &&
		       sizeof(struct multiboot_mmap_entry) == 24,
	       "the layouts are the specification's");

#endif
