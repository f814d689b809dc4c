/* SPDX-License-Identifier: MIT */
/*
 * The MSR bitmap page (SDM: "MSR-Bitmap Address"): a bit that is 1 makes
 * that access exit. It covers MSRs 0..1FFFh and C0000000h..C0001FFFh;
 * every access to any other MSR exits, whatever the bitmap says.
 */
#ifndef VMX_MSR_BITMAP_H
#define VMX_MSR_BITMAP_H

#include "hv/types.h"

enum msr_access { MSR_READ = 1, MSR_WRITE = 2, MSR_READ_WRITE = 3 };

struct msr_bitmap {
	u8 bits[PAGE_SIZE];
};

/* The state to start from: every access exits. */
void msr_bitmap_intercept_all(struct msr_bitmap *bitmap);

/* Does the bitmap have bits for this MSR? */
bool msr_bitmap_covers(u32 msr);

/* Which of the page's bits is a covered MSR's, for reads or for writes. */
u32 msr_bitmap_bit(u32 msr, bool write);

/* Let these accesses through. The MSR must be covered. */
void msr_bitmap_pass(struct msr_bitmap *bitmap, u32 msr, enum msr_access access);

/* Make these accesses exit. For an MSR that is not covered they do so anyway. */
void msr_bitmap_intercept(struct msr_bitmap *bitmap, u32 msr, enum msr_access access);

/* Does at least one of these accesses exit? */
bool msr_bitmap_exits(const struct msr_bitmap *bitmap, u32 msr, enum msr_access access);

#endif
