/* SPDX-License-Identifier: MIT */
/* L2s that are entered at one piece of code after another, most of them one access to memory. Their
 * VMCS is current. */
#ifndef TESTS_GUEST_LIB_VMX_L2_ACCESS_H
#define TESTS_GUEST_LIB_VMX_L2_ACCESS_H

#include "tests/guest/lib/vmx_l2.h"

/* As L2_CODE() makes them: RAX from where RDI points, and to there. */
extern const char read_insn[], read_insn_end[], write_insn[], write_insn_end[];

/* l2_enter_at() with an address in RDI. */
u32 l2_run(struct l2 *l2, const void *code, u64 address);
/* What it has in RAX then; where it did not come to its VMCALL, its exit reason, inverted. */
u64 l2_result(struct l2 *l2, const void *code, u64 address);

static inline u64 l2_read(struct l2 *l2, u64 address)
{
	return l2_result(l2, read_insn, address);
}

u32 l2_write(struct l2 *l2, u64 address, u64 value);

#endif
