/* SPDX-License-Identifier: MIT */
/* What hv/trap.asm leaves on the stack when an exception
 * or interrupt arrives: lowest address first. */
#ifndef HV_TRAP_FRAME_H
#define HV_TRAP_FRAME_H

#include "hv/types.h"

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector;
	u64 error; /* 0 where the vector has none */
	u64 rip, cs, rflags, rsp, ss;
};

#endif
