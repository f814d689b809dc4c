/* SPDX-License-Identifier: MIT */
/* Canonical linear addresses (SDM "Canonical Addressing"). */
#ifndef VMX_CANONICAL_H
#define VMX_CANONICAL_H

#include "hv/types.h"

#define LINEAR_BITS         48u
#define LINEAR_BITS_5_LEVEL 57u

/* Whether the bits from the highest implemented one upwards are equal. */
static inline bool is_canonical(u64 linear, u32 linear_bits)
{
	u64 upper = linear >> (linear_bits - 1);

	return upper == 0 || upper == BITS(64 - linear_bits, 0);
}

#endif
