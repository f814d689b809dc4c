/* SPDX-License-Identifier: MIT */
/* What a VM exit loads, before anything else runs in L1: vmx_observe.asm. */
#ifndef TESTS_GUEST_LIB_VMX_OBSERVE_H
#define TESTS_GUEST_LIB_VMX_OBSERVE_H

#include "tests/guest/lib/descriptors.h"

struct observed { /* known to vmx_observe.asm */
	u64 rflags, rsp, dr7;
	struct table_pointer gdtr __attribute__((aligned(8)));
	struct table_pointer idtr __attribute__((aligned(8)));
	u16 cs __attribute__((aligned(8)));
	u16 ss, ds, es, fs, gs, ldtr, tr;
	u64 wanted_rsp; /* the host RSP that the VMCS had */
};

_Static_assert(offsetof(struct observed, gdtr) == 24 && offsetof(struct observed, idtr) == 40 &&
		       offsetof(struct observed, cs) == 56 &&
		       offsetof(struct observed, wanted_rsp) == 72,
	       "vmx_observe.asm");

/* Launch the current VMCS, note what its exit loads. False: VMfail. GDTR and IDTR are L1's again
 * afterwards, the other registers are as the exit loaded them. */
bool vmx_observe(struct observed *observed);

#endif
