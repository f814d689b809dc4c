/* SPDX-License-Identifier: MIT */
/*
 * Memory types of physical addresses as the host's MTRRs say (SDM "Memory Type Range Registers
 * (MTRRs)"): pure functions over a snapshot of the registers.
 */
#ifndef MM_MTRR_H
#define MM_MTRR_H

#include "hv/mtrr_format.h"
#include "mm/addr.h"

#define MTRR_FIXED_REGS   11u /* 64K at 0; 16K at 80000h, A0000h; 4K at C0000h, C8000h ... F8000h */
#define MTRR_VARIABLE_MAX 32u

struct mtrr_map {
	u64 def_type;               /* IA32_MTRR_DEF_TYPE */
	u64 fixed[MTRR_FIXED_REGS]; /* in order of address */
	struct {
		u64 base, mask; /* IA32_MTRR_PHYSBASEn, PHYSMASKn */
	} variable[MTRR_VARIABLE_MAX];
	u32 variable_count;
	u32 maxphyaddr; /* bits above it do not count in base and mask */
};

/* The numbers of the fixed-range registers, in order of address. */
extern const u32 mtrr_fixed_msrs[MTRR_FIXED_REGS];

/* Take this CPU's snapshot. A CPU without MTRRs gives write-back everywhere. */
void mtrr_read(struct mtrr_map *map);

/*
 * The type of the naturally aligned block of 2^order pages around an address; false when its pages
 * may differ. A block that reaches from below 1 MiB beyond it and a range with holes in its mask
 * may be called different where they are not.
 */
bool mtrr_block_type(const struct mtrr_map *map, hpa_t at, unsigned int order,
		     enum memory_type *type);

#endif
