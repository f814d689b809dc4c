/* SPDX-License-Identifier: MIT */
/* L1's model-specific registers: which it has in hardware, and which L0 answers for. */
#ifndef VMX_EXIT_MSR_H
#define VMX_EXIT_MSR_H

#include "hv/types.h"

/* L1's MSR bitmap: everything exits but what the hardware keeps for L1. */
void msr_bitmap_for_l1(void *bitmap);

#endif
