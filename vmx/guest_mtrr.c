/* SPDX-License-Identifier: MIT */
/* Start values, storage and write rules of L1's MTRRs. */
#include "vmx/guest_mtrr.h"
#include "hv/msr_index.h"
#include "hv/panic.h"

#define FIXED_VIDEO 2                     /* in order of address: the register of A0000h-BFFFFh */
#define ALL_EIGHT   0x0101010101010101ULL /* ranges of a fixed-range register */

/* Blocks of falling sizes, each aligned, downwards from 4 GiB. */
static void uncache_up_to_4g(struct guest_mtrrs *mtrrs, u64 memory_end, u32 maxphyaddr)
{
	u64 at = 4 * GIB;

	for (u32 i = 0; i < MTRR_FIRMWARE_USES && at > memory_end; i++) {
		u64 size = BIT(63 - __builtin_clzll(at - memory_end));

		at -= size;
		mtrrs->variable[i][0] = at | MEMORY_UC;
		mtrrs->variable[i][1] = (BITS(maxphyaddr - 1, 0) & ~(size - 1)) | MTRR_MASK_VALID;
	}
}

void guest_mtrr_init(struct guest_mtrrs *mtrrs, u64 memory_end, u32 maxphyaddr)
{
	ASSERT(memory_end <= 4 * GIB && IS_ALIGNED(memory_end, PAGE_SIZE));
	*mtrrs = (struct guest_mtrrs){ .def_type = MTRR_DEF_ENABLED | MTRR_DEF_FIXED | MEMORY_WB };
	for (u32 i = 0; i < MTRR_FIXED_REGS; i++)
		mtrrs->fixed[i] = ALL_EIGHT * (i == FIXED_VIDEO ? MEMORY_UC : MEMORY_WB);
	uncache_up_to_4g(mtrrs, memory_end, maxphyaddr);
}

static bool is_variable(u32 msr)
{
	return msr >= MSR_IA32_MTRR_PHYSBASE0 && msr < MSR_IA32_MTRR_PHYSBASE0 + 2 * MTRR_VARIABLE;
}

u64 *guest_mtrr_find(struct guest_mtrrs *mtrrs, u32 msr)
{
	if (msr == MSR_IA32_MTRR_DEF_TYPE)
		return &mtrrs->def_type;
	if (is_variable(msr))
		return &mtrrs->variable[(msr - MSR_IA32_MTRR_PHYSBASE0) / 2][msr & 1];
	for (u32 i = 0; i < MTRR_FIXED_REGS; i++)
		if (mtrr_fixed_msrs[i] == msr)
			return &mtrrs->fixed[i];
	return NULL;
}

static bool is_memory_type(u64 type)
{
	return type == MEMORY_UC || type == MEMORY_WC || type == MEMORY_WT || type == MEMORY_WP ||
	       type == MEMORY_WB;
}

bool guest_mtrr_write_faults(u32 msr, u64 value, u32 maxphyaddr)
{
	if (msr == MSR_IA32_MTRR_DEF_TYPE)
		return (value & ~(BITS(7, 0) | MTRR_DEF_FIXED | MTRR_DEF_ENABLED)) ||
		       !is_memory_type(value & 0xff);
	if (is_variable(msr)) {
		bool is_mask = msr & 1;
		u64 reserved = BITS(63, maxphyaddr) | (is_mask ? BITS(10, 0) : BITS(11, 8));

		return (value & reserved) || (!is_mask && !is_memory_type(value & 0xff));
	}
	for (u32 i = 0; i < 8; i++)
		if (!is_memory_type(value >> (8 * i) & 0xff))
			return true;
	return false;
}
