/* SPDX-License-Identifier: MIT */
/*
 * L1's MTRRs: storage with the SDM's rules for writes ("Memory Type Range Registers (MTRRs)"), and
 * without effect, for EPT01 takes the host's types. They start as a PC's firmware leaves them on
 * every CPU, which is not how a reset leaves them, and INIT changes nothing. Pure.
 */
#ifndef VMX_GUEST_MTRR_H
#define VMX_GUEST_MTRR_H

#include "mm/mtrr.h"

#define MTRR_VARIABLE      8 /* variable-range MTRRs that L1 sees */
#define MTRR_FIRMWARE_USES 6 /* of them at most; the rest is for L1's own ranges */

struct guest_mtrrs {
	u64 def_type;
	u64 fixed[MTRR_FIXED_REGS];
	u64 variable[MTRR_VARIABLE][2]; /* base, mask */
};

/* IA32_MTRRCAP as L1 sees it: variable ranges, fixed ranges, write combining. */
#define GUEST_MTRRCAP (MTRR_VARIABLE | MTRR_CAP_FIXED | MTRR_CAP_WC)

/* On: write-back, but uncached where a PC has its video memory, and from memory_end, where L1's
 * memory below 4 GiB ends, to 4 GiB. The registers are too few for each end of memory: a remainder
 * right behind it, where nothing is, may stay write-back. */
void guest_mtrr_init(struct guest_mtrrs *mtrrs, u64 memory_end, u32 maxphyaddr);
/* The register's storage, or NULL where this number is no MTRR. */
u64 *guest_mtrr_find(struct guest_mtrrs *mtrrs, u32 msr);
/* Whether WRMSR of this value faults; maxphyaddr in bits. */
bool guest_mtrr_write_faults(u32 msr, u64 value, u32 maxphyaddr);

#endif
