/* SPDX-License-Identifier: MIT */
/* Bits of the MSR bitmap: four arrays of 1 KiB, read low, read high, write low, write high. */
#include "vmx/msr_bitmap.h"
#include "hv/panic.h"
#include "hv/string.h"

#define HIGH_FIRST   0xc0000000u
#define RANGE_MSRS   0x2000u
#define RANGE_BYTES  (RANGE_MSRS / 8)
#define WRITE_OFFSET (2 * RANGE_BYTES)

_Static_assert(sizeof(struct msr_bitmap) == 4 * RANGE_BYTES, "four arrays fill the page");

void msr_bitmap_intercept_all(struct msr_bitmap *bitmap)
{
	memset(bitmap->bits, 0xff, sizeof(bitmap->bits));
}

bool msr_bitmap_covers(u32 msr)
{
	return msr < RANGE_MSRS || msr - HIGH_FIRST < RANGE_MSRS;
}

/* The byte with a covered MSR's read bit. */
static u32 read_byte(u32 msr)
{
	return (msr < RANGE_MSRS ? 0 : RANGE_BYTES) + (msr % RANGE_MSRS) / 8;
}

u32 msr_bitmap_bit(u32 msr, bool write)
{
	ASSERT(msr_bitmap_covers(msr));
	return (read_byte(msr) + (write ? WRITE_OFFSET : 0)) * 8 + msr % 8;
}

static u8 bit_in_byte(u32 msr)
{
	return (u8)(1u << (msr % 8));
}

void msr_bitmap_pass(struct msr_bitmap *bitmap, u32 msr, enum msr_access access)
{
	u8 keep = (u8)~bit_in_byte(msr);

	ASSERT(msr_bitmap_covers(msr));
	if (access & MSR_READ)
		bitmap->bits[read_byte(msr)] &= keep;
	if (access & MSR_WRITE)
		bitmap->bits[WRITE_OFFSET + read_byte(msr)] &= keep;
}

void msr_bitmap_intercept(struct msr_bitmap *bitmap, u32 msr, enum msr_access access)
{
	if (!msr_bitmap_covers(msr))
		return;
	if (access & MSR_READ)
		bitmap->bits[read_byte(msr)] |= bit_in_byte(msr);
	if (access & MSR_WRITE)
		bitmap->bits[WRITE_OFFSET + read_byte(msr)] |= bit_in_byte(msr);
}

bool msr_bitmap_exits(const struct msr_bitmap *bitmap, u32 msr, enum msr_access access)
{
	u8 bits = 0;

	if (!msr_bitmap_covers(msr))
		return true;
	if (access & MSR_READ)
		bits |= bitmap->bits[read_byte(msr)];
	if (access & MSR_WRITE)
		bits |= bitmap->bits[WRITE_OFFSET + read_byte(msr)];
	return bits & bit_in_byte(msr);
}
