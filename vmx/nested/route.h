/* SPDX-License-Identifier: MIT */
/*
 * Who gets an exit of L2: l0_wants() is asked first, then l1_wants(); what neither wants L0 handles
 * too, for then it was L0's own control that made L2 exit. Pure.
 */
#ifndef VMX_NESTED_ROUTE_H
#define VMX_NESTED_ROUTE_H

#include "mm/addr.h"
#include "vmx/nested/vmcs12.h"

/* An exit of L2, or what would be one: whoever completes an instruction for L2 asks first. */
struct exit02 {
	u32 reason;    /* the exit-reason field */
	u32 intr_info; /* of EXIT_EXCEPTION_NMI, with the error code */
	u32 intr_error;
	u32 insn_info; /* of VMREAD and VMWRITE */
	u64 qualification;
	const u64 *regs;  /* L2's, by enum gpr, RSP too */
	u64 xss;          /* IA32_XSS, for XSAVES and XRSTORS */
	bool long_code;   /* L2 runs 64-bit code */
	bool timer_of_l1; /* the VMX-preemption timer ran for L1, not for L0 */
};

/* L1's bitmap pages: a byte at an address. 0, or negative where L1 has no memory, which reads as
 * all ones. */
struct bitmap_source {
	int (*read)(void *context, l1_gpa_t at, u8 *byte);
	void *context;
};

bool l0_wants(const struct exit02 *exit);
bool l1_wants(const struct exit02 *exit, const struct vmcs12 *v12,
	      const struct bitmap_source *bitmaps);

/* Whether the reason has a row. One that has none goes to L1, and should be counted. */
bool route_is_known(u32 reason);

#endif
