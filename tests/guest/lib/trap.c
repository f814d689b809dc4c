/* SPDX-License-Identifier: MIT */
/* Where every vector of the guest lands:
 * a handler, the innermost trap point, or the end of the run. */
#include "tests/guest/lib/trap.h"
#include "hv/abi.h"
#include "hv/x86.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/report.h"

/* Known to trap.asm. */
_Static_assert(offsetof(struct trap_point, rsp) == 48, "trap.asm");
_Static_assert(offsetof(struct trap_point, rip) == 56, "trap.asm");
_Static_assert(offsetof(struct trap_point, rflags) == 64, "trap.asm");
_Static_assert(offsetof(struct trap_point, outer) == 72, "trap.asm");
_Static_assert(sizeof(struct trap_frame) == 22 * sizeof(u64), "trap.asm");
_Static_assert(USER_CS == 0x23 && USER_DS == 0x1b && USER_INTERRUPT == 0x80, "trap.asm");
_Static_assert(TSS_SELECTOR == 0x60, "trap.asm");
_Static_assert(NESTOR_CALL_PORT == 0x2020 && NESTOR_CALL_CAPABILITIES == 6, "trap.asm");

#define IOPL_SHIFT 12

struct trap_point *trap_points[CPUS_MAX]; /* innermost first; also written by trap.asm */
static trap_handler handlers[256];

void trap_dispatch(struct trap_frame *frame);

void trap_disarm(void)
{
	u32 cpu = cpu_index();

	trap_points[cpu] = trap_points[cpu]->outer;
}

void trap_set_handler(u8 vector, trap_handler handler)
{
	handlers[vector] = handler;
}

static void unwind(struct trap_frame *frame, struct trap_point *point)
{
	point->trap =
		(struct trap){ frame->vector, frame->error, frame->rip, read_cr2(), frame->rflags };
	frame->rbx = point->rbx;
	frame->rbp = point->rbp;
	frame->r12 = point->r12;
	frame->r13 = point->r13;
	frame->r14 = point->r14;
	frame->r15 = point->r15;
	frame->rsp = point->rsp;
	frame->rip = point->rip;
	frame->rflags = point->rflags;
	frame->rax = 1;
	frame->cs = KERNEL_CS;
	frame->ss = KERNEL_DS;
}

void trap_dispatch(struct trap_frame *frame)
{
	u32 cpu = cpu_index();
	struct trap_point *point = trap_points[cpu];

	if (handlers[frame->vector] && handlers[frame->vector](frame))
		return;
	if (!point)
		report_fatal("CPU %u: trap %llu error 0x%llx rip 0x%llx rsp 0x%llx cr2 0x%llx", cpu,
			     (unsigned long long)frame->vector, (unsigned long long)frame->error,
			     (unsigned long long)frame->rip, (unsigned long long)frame->rsp,
			     (unsigned long long)read_cr2());
	trap_points[cpu] = point->outer;
	unwind(frame, point);
}

static void set_iopl(u64 iopl)
{
	__asm__ volatile("pushfq; andq %0, (%%rsp); orq %1, (%%rsp); popfq"
			 :
			 : "i"(~(3 << IOPL_SHIFT)), "r"(iopl << IOPL_SHIFT)
			 : "cc", "memory");
}

struct trap trap_of_user_with_iopl(const void *code, u64 iopl)
{
	u64 *leaf = paging_leaf((u64)code);
	u64 before = *leaf;
	struct trap trap;

	paging_set(leaf, (u64)code, before | PTE_USER);
	trap = TRAP_OF({
		set_iopl(iopl);
		trap_enter_user(code);
	});
	paging_set(leaf, (u64)code, before);
	return trap;
}

struct trap trap_of_user(const void *code)
{
	return trap_of_user_with_iopl(code, 0);
}
