/* SPDX-License-Identifier: MIT */
/* Page tables that map the first 4 GiB one to one, in pages of 2 MiB. Pure. */
#ifndef HV_GUEST_IDENTITY_MAP_H
#define HV_GUEST_IDENTITY_MAP_H

#include "hv/types.h"

#define IDENTITY_MAP_GIB     4
#define IDENTITY_MAP_ENTRIES 512

struct identity_map {
	u64 pml4[IDENTITY_MAP_ENTRIES];
	u64 pdpt[IDENTITY_MAP_ENTRIES];
	u64 directories[IDENTITY_MAP_GIB][IDENTITY_MAP_ENTRIES];
};

/* Fill them for the physical address, page aligned, where they will be used; pml4 is the root. */
void identity_map_build(struct identity_map *map, u64 address);

#endif
