/* SPDX-License-Identifier: MIT */
/* What a multiboot-1 loader tells its image (Multiboot Specification 0.6.96, "Boot information
 * format"). */
#ifndef TESTS_GUEST_LIB_MULTIBOOT_H
#define TESTS_GUEST_LIB_MULTIBOOT_H

#include "hv/types.h"

#define MULTIBOOT_LOADER_MAGIC 0x2badb002u

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
};

struct multiboot_module {
	u32 start;
	u32 end;
	u32 cmdline;
	u32 reserved;
};

#define MULTIBOOT_MMAP_RAM 1u

struct multiboot_mmap_entry {
	u32 size; /* of what follows */
	u64 base;
	u64 length;
	u32 type;
} __attribute__((packed));

#endif
