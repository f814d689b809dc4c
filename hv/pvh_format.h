/* SPDX-License-Identifier: MIT */
/* What a PVH image is told (Xen "x86/HVM direct boot ABI"); field names as there. */
#ifndef HV_PVH_FORMAT_H
#define HV_PVH_FORMAT_H

#include "hv/types.h"

#define PVH_MAGIC           0x336ec578u
#define PVH_VERSION         1u

#define PVH_MEMMAP_RAM      1u
#define PVH_MEMMAP_RESERVED 2u

struct hvm_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
	u32 memmap_entries, reserved;
};

struct hvm_modlist_entry {
	u64 paddr, size, cmdline_paddr, reserved;
};

struct hvm_memmap_table_entry {
	u64 addr, size;
	u32 type, reserved;
};

_Static_assert(sizeof(struct hvm_start_info) == 56 && sizeof(struct hvm_modlist_entry) == 32 &&
		       sizeof(struct hvm_memmap_table_entry) == 24,
	       "the layouts are the interface's");

#endif
