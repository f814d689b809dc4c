/* SPDX-License-Identifier: MIT */
/* The MTRRs' registers (SDM "Memory Type Range Registers (MTRRs)"). */
#ifndef HV_MTRR_FORMAT_H
#define HV_MTRR_FORMAT_H

#include "hv/types.h"

#define MTRR_DEF_ENABLED  BIT(11)
#define MTRR_DEF_FIXED    BIT(10)
#define MTRR_MASK_VALID   BIT(11)
#define MTRR_CAP_VARIABLE BITS(7, 0) /* how many */
#define MTRR_CAP_FIXED    BIT(8)
#define MTRR_CAP_WC       BIT(10)

/* As in the MTRRs, the PAT and EPT leaves. */
enum memory_type {
	MEMORY_UC = 0,
	MEMORY_WC = 1,
	MEMORY_WT = 4,
	MEMORY_WP = 5,
	MEMORY_WB = 6,
};

#endif
