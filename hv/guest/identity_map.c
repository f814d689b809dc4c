/* SPDX-License-Identifier: MIT */
/* The first 4 GiB one to one. */
#include "hv/guest/identity_map.h"
#include "hv/pte.h"
#include "hv/string.h"

#define TABLE (PTE_PRESENT | PTE_WRITE)
#define PAGE  (PTE_PRESENT | PTE_WRITE | PTE_LARGE)

void identity_map_build(struct identity_map *map, u64 address)
{
	memset(map->pml4, 0, sizeof(map->pml4));
	memset(map->pdpt, 0, sizeof(map->pdpt));
	map->pml4[0] = (address + offsetof(struct identity_map, pdpt)) | TABLE;
	for (u64 i = 0; i < IDENTITY_MAP_GIB; i++) {
		map->pdpt[i] = (address + offsetof(struct identity_map, directories) +
				i * sizeof(map->directories[0])) |
			       TABLE;
		for (u64 j = 0; j < IDENTITY_MAP_ENTRIES; j++)
			map->directories[i][j] = (i * GIB + j * 2 * MIB) | PAGE;
	}
}
