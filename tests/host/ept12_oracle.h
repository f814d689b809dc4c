/* SPDX-License-Identifier: MIT */
/*
 * What a walk of EPT12 must come to, said once more: bit by bit from the tables in the SDM's
 * "EPT Translation Mechanism" and "EPT-Induced VM Exits", with no code or constant in common.
 */
#ifndef TESTS_HOST_EPT12_ORACLE_H
#define TESTS_HOST_EPT12_ORACLE_H

#include "vmx/nested/ept12.h"

/* NULL: this is what the walk must be; else what is wrong with it. */
const char *ept12_oracle_objection(const struct ept12 *ept, const struct ept12_access *access,
				   const struct ept12_walk *walk);

/* Whether VM entry takes this EPTP. */
bool ept12_oracle_eptp(u64 eptp, const struct vmx_caps *l1);

#endif
