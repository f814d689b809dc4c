/* SPDX-License-Identifier: MIT */
/* Storage and write rules of L1's MTRRs. */
#include "vmx/guest_mtrr.h"
#include "hv/msr_index.h"

static bool is_variable(u32 msr)
{
	return msr >= MSR_IA32_MTRR_PHYSBASE0 && msr < MSR_IA32_MTRR_PHYSBASE0 + 2 * MTRR_VARIABLE;
}

/* The fixed-range register's position among the 11, or -1. */
static int fixed_index(u32 msr)
{
	if (msr == MSR_IA32_MTRR_FIX64K_00000)
		return 0;
	if (msr == MSR_IA32_MTRR_FIX16K_80000 || msr == MSR_IA32_MTRR_FIX16K_A0000)
		return 1 + (int)(msr - MSR_IA32_MTRR_FIX16K_80000);
	if (msr >= MSR_IA32_MTRR_FIX4K_C0000 && msr < MSR_IA32_MTRR_FIX4K_C0000 + 8)
		return 3 + (int)(msr - MSR_IA32_MTRR_FIX4K_C0000);
	return -1;
}

u64 *guest_mtrr_find(struct guest_mtrrs *mtrrs, u32 msr)
{
	int fixed = fixed_index(msr);

	if (msr == MSR_IA32_MTRR_DEF_TYPE)
		return &mtrrs->def_type;
	if (is_variable(msr))
		return &mtrrs->variable[(msr - MSR_IA32_MTRR_PHYSBASE0) / 2][msr & 1];
	return fixed >= 0 ? &mtrrs->fixed[fixed] : NULL;
}

/* UC, WC, WT, WP, WB. */
static bool is_memory_type(u64 type)
{
	return type == 0 || type == 1 || (type >= 4 && type <= 6);
}

bool guest_mtrr_write_faults(u32 msr, u64 value, u32 maxphyaddr)
{
	if (msr == MSR_IA32_MTRR_DEF_TYPE)
		return (value & ~(BITS(7, 0) | BIT(10) | BIT(11))) || !is_memory_type(value & 0xff);
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
