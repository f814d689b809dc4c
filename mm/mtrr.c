/* SPDX-License-Identifier: MIT */
/* The precedence rules of SDM "MTRR Precedences", for one page or for a whole block at once. */
#include "mm/mtrr.h"

#define FIXED_END       MIB /* fixed ranges reach to here */
#define TYPE_MASK       BITS(7, 0)
#define TYPES_PER_FIXED 8u

/* The fixed registers come in three sizes of ranges. */
static const struct fixed_group {
	u64 base, end, bytes_per_type;
	u32 first_reg;
} fixed_groups[] = {
	{ 0x00000, 0x80000, 64 * KIB, 0 },
	{ 0x80000, 0xc0000, 16 * KIB, 1 },
	{ 0xc0000, 0x100000, 4 * KIB, 3 },
};

static enum memory_type fixed_type(const struct mtrr_map *map, u64 at)
{
	const struct fixed_group *group = fixed_groups;
	u64 slot;

	while (at >= group->end)
		group++;
	slot = (at - group->base) / group->bytes_per_type;
	return (enum memory_type)(map->fixed[group->first_reg + slot / TYPES_PER_FIXED] >>
					  (slot % TYPES_PER_FIXED * 8) &
				  TYPE_MASK);
}

/*
 * Where variable ranges overlap: UC wins, WT beats WB; other mixes are undefined, and UC is the
 * type that is always correct.
 */
static enum memory_type combine(enum memory_type a, enum memory_type b)
{
	if (a == b)
		return a;
	if ((a == MEMORY_WT && b == MEMORY_WB) || (a == MEMORY_WB && b == MEMORY_WT))
		return MEMORY_WT;
	return MEMORY_UC;
}

enum coverage { COVERS_NONE, COVERS_PART, COVERS_ALL };

/*
 * An address is in a range when it has the base's bits wherever the mask has ones. Bits of the mask
 * inside the block make some of its pages match and others not.
 */
static enum coverage variable_coverage(const struct mtrr_map *map, u32 i, u64 base, u64 bytes)
{
	u64 significant = BITS(map->maxphyaddr - 1, PAGE_SHIFT);
	u64 mask = map->variable[i].mask & significant;

	if (!(map->variable[i].mask & MTRR_MASK_VALID))
		return COVERS_NONE;
	if ((map->variable[i].base ^ base) & mask & ~(bytes - 1))
		return COVERS_NONE;
	return mask & (bytes - 1) ? COVERS_PART : COVERS_ALL;
}

static bool variable_type(const struct mtrr_map *map, u64 base, u64 bytes, enum memory_type *type)
{
	bool covered = false;

	*type = (enum memory_type)(map->def_type & TYPE_MASK);
	for (u32 i = 0; i < map->variable_count; i++) {
		enum memory_type range = (enum memory_type)(map->variable[i].base & TYPE_MASK);

		if (variable_coverage(map, i, base, bytes) != COVERS_ALL)
			continue;
		*type = covered ? combine(*type, range) : range;
		covered = true;
	}
	/* A range that holds only a part of the block is harmless where it changes nothing. */
	for (u32 i = 0; i < map->variable_count; i++) {
		enum memory_type range = (enum memory_type)(map->variable[i].base & TYPE_MASK);

		if (variable_coverage(map, i, base, bytes) == COVERS_PART &&
		    *type != (covered ? combine(*type, range) : range))
			return false;
	}
	return true;
}

static bool block_is_fixed(const struct mtrr_map *map, u64 base, u64 end, enum memory_type type)
{
	for (u64 at = base; at < MIN(end, FIXED_END); at += PAGE_SIZE)
		if (fixed_type(map, at) != type)
			return false;
	return true;
}

bool mtrr_block_type(const struct mtrr_map *map, hpa_t at, unsigned int order,
		     enum memory_type *type)
{
	u64 bytes = PAGE_SIZE << order;
	u64 base = ALIGN_DOWN(at.raw, bytes);

	*type = MEMORY_UC;
	if (!(map->def_type & MTRR_DEF_ENABLED))
		return true;
	if (!(map->def_type & MTRR_DEF_FIXED) || base >= FIXED_END)
		return variable_type(map, base, bytes, type);
	if (base + bytes <= FIXED_END) {
		*type = fixed_type(map, base);
		return block_is_fixed(map, base, base + bytes, *type);
	}
	return variable_type(map, base, bytes, type) && block_is_fixed(map, base, FIXED_END, *type);
}
