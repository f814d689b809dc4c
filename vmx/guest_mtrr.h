/* SPDX-License-Identifier: MIT */
/* L1's MTRRs: storage with the SDM's rules for writes ("Memory Type Range Registers (MTRRs)"),
 * without effect. Pure. */
#ifndef VMX_GUEST_MTRR_H
#define VMX_GUEST_MTRR_H

#include "hv/types.h"

#define MTRR_VARIABLE 8 /* variable-range MTRRs that L1 sees */
#define MTRR_FIXED    11

/* L1's MTRRs: storage without effect, EPT01 takes the host's types. */
struct guest_mtrrs {
	u64 def_type;
	u64 fixed[MTRR_FIXED];
	u64 variable[MTRR_VARIABLE][2]; /* base, mask */
};

/* IA32_MTRRCAP as L1 sees it: variable ranges, fixed ranges, write combining. */
#define GUEST_MTRRCAP ((u64)MTRR_VARIABLE | BIT(8) | BIT(10))

/* The register's storage, or NULL where this number is no MTRR. */
u64 *guest_mtrr_find(struct guest_mtrrs *mtrrs, u32 msr);
/* Whether WRMSR of this value faults; maxphyaddr in bits. */
bool guest_mtrr_write_faults(u32 msr, u64 value, u32 maxphyaddr);

#endif
