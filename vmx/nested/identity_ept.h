/* SPDX-License-Identifier: MIT */
/*
 * An EPT12 for L2s of an L1 without EPT: their physical addresses are L1's. Its tables lie where no
 * L1 can have memory, above the physical-address width, and are computed when they are read. So
 * such an L2, too, runs on EPT02, which never maps L0's APIC-access page. Pure.
 */
#ifndef VMX_NESTED_IDENTITY_EPT_H
#define VMX_NESTED_IDENTITY_EPT_H

#include "vmx/caps.h"
#include "mm/addr.h"

/* What L1 "offers" in it: its own capabilities, with one address bit more for the tables. */
void identity_ept_caps(struct vmx_caps *caps, const struct vmx_caps *l1);
/* Its EPTP, which no L1 can write: of the capabilities above. */
u64 identity_eptp(const struct vmx_caps *caps);
/* The entry at this address, one of the tables'. */
u64 identity_ept_entry(const struct vmx_caps *caps, l1_gpa_t at);
/* Whether a page is one of the tables. */
bool identity_ept_has_table(const struct vmx_caps *caps, l1_gfn_t gfn);

#endif
