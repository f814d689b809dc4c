/* SPDX-License-Identifier: MIT */
/*
 * Traps as values. TRAP_OF(statement) runs the statement and yields what trap it raised, or
 * TRAP_NONE:
 *
 *     struct trap t = TRAP_OF(wrmsr(MSR_IA32_LSTAR, BIT(63)));
 *     EXPECT_EQ(t.vector, VECTOR_GP);
 *
 * A trap abandons the statement: execution goes on after TRAP_OF with the registers, stack and
 * RFLAGS that were before. What the statement changed in local variables is then undefined. A trap
 * with no TRAP_OF around it ends the run.
 */
#ifndef TESTS_GUEST_LIB_TRAP_H
#define TESTS_GUEST_LIB_TRAP_H

#include "hv/pte.h"
#include "hv/vectors.h"

#define TRAP_NONE 256u /* as a vector: there was no trap */

struct trap {
	u64 vector;
	u64 error; /* 0 for a vector without an error code */
	u64 rip;
	u64 cr2;
	u64 rflags; /* as the trap saved them */
};

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

struct trap_point {
	u64 rbx, rbp, r12, r13, r14, r15, rsp, rip, rflags;
	struct trap_point *outer;
	struct trap trap;
};

int trap_arm(struct trap_point *point) __attribute__((returns_twice));
void trap_disarm(void);

#define TRAP_OF(...)                                                                 \
	({                                                                           \
		struct trap_point trap_point_ = { .trap = { .vector = TRAP_NONE } }; \
                                                                                     \
		if (trap_arm(&trap_point_) == 0) {                                   \
			__VA_ARGS__;                                                 \
			trap_disarm();                                               \
		}                                                                    \
		trap_point_.trap;                                                    \
	})

/* A handler may mend the frame and return true,
 * or return false to let the trap go to its TRAP_OF. */
typedef bool (*trap_handler)(struct trap_frame *frame);
void trap_set_handler(u8 vector, trap_handler handler);

/* Run one of the user_* snippets of trap.asm in ring 3.
 * It always ends in a trap: USER_INTERRUPT if all went well. */
struct trap trap_of_user(const void *code);
/* The same with this RFLAGS.IOPL. */
struct trap trap_of_user_with_iopl(const void *code, u64 iopl);
/* Go to ring 3 as the page tables and RFLAGS.IOPL are; comes back as a trap only, so wants a
 * TRAP_OF. */
_Noreturn void trap_enter_user(const void *code);

extern const char user_nothing[], user_vmcall[], user_hlt[], user_cpuid[], user_syscall[],
	user_rdmsr[], user_misaligned[];
/* Asks for NESTOR_CALL_CAPABILITIES by NESTOR_CALL_PORT. */
extern const char user_call[];

#endif
