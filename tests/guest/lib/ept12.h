/* SPDX-License-Identifier: MIT */
/*
 * EPT tables for an L2: the first GiB one to one with 2 MiB leaves, which covers whatever an L2
 * shares with its L1, and single pages above it. Write-back, without A/D bits.
 */
#ifndef TESTS_GUEST_LIB_EPT12_H
#define TESTS_GUEST_LIB_EPT12_H

#include "hv/types.h"

#define EPT12_SHARED_END GIB /* what lies below is the same for L1 and L2 */

/* NULL, or why the CPU cannot have such tables; VMX itself is there. */
const char *ept12_lacks(void);
/* What the VMCS's EPTP field takes. */
u64 ept12_create(void);
/* Map L2's page at gpa, EPT12_SHARED_END or above, to page pa. */
void ept12_map(u64 eptp, u64 gpa, u64 pa);
/* Take the page at gpa away, tables stay; translations of it may outlive it (INVEPT). */
void ept12_unmap(u64 eptp, u64 gpa);
void ept12_destroy(u64 eptp);

/* Drop what a CPU keeps of these tables. */
void ept12_invept(u64 eptp);

#endif
