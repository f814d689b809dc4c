/* SPDX-License-Identifier: MIT */
/* L2s in other modes than 64-bit: what the current VMCS, one of l2_new(), runs instead. */
#ifndef TESTS_GUEST_LIB_VMX_MODES_H
#define TESTS_GUEST_LIB_VMX_MODES_H

#include "tests/guest/lib/vmx_l2.h"

/* 32-bit code in compatibility mode. */
void l2_to_compatibility(void);
/* 32-bit protected mode under paging with 4 MiB pages, 4 GiB mapped one to one. */
void l2_to_protected(void);
/* The same under PAE paging; returns the page with the four PDPTEs, which are also written into the
 * fields where there is EPT. */
u64 *l2_to_pae(void);
/* Real-address mode, with CS where the code is; with EPT tables that are used already. */
void l2_to_real(const void *code);
/* 32-bit protected mode without paging; with EPT tables that are used already. */
void l2_to_flat(void);

#endif
