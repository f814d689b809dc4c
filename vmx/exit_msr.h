/* SPDX-License-Identifier: MIT */
/* L1's model-specific registers: which it has in hardware, and which L0 answers for. */
#ifndef VMX_EXIT_MSR_H
#define VMX_EXIT_MSR_H

#include "vmx/msr_bitmap.h"

/* L1's MSR bitmap: everything exits but what the hardware keeps for L1. */
void msr_bitmap_for_l1(struct msr_bitmap *bitmap);

/* What L0 answers for. False: #GP(0). */
struct vcpu;
bool msr_row_read(struct vcpu *v, u32 msr, u64 *value);
bool msr_row_write(struct vcpu *v, u32 msr, u64 value);

#endif
