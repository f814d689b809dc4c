/* SPDX-License-Identifier: MIT */
/*
 * What the benches of VMX stand on: VMX operation, L2s in the same state, and a round trip with
 * next to nothing of L1's around it. docs/bench.md says what each row means.
 */
#ifndef TESTS_GUEST_LIB_VMX_BENCH_H
#define TESTS_GUEST_LIB_VMX_BENCH_H

#include "tests/guest/lib/bench.h"
#include "tests/guest/lib/vmx.h"

#define BENCH_L2S     2 /* of most benches */
#define BENCH_L2S_MAX 256

/*
 * What an L2 of a bench runs: it tells its L1 that it has started, then the text. Its registers are
 * L1's at each entry; RDI and RSI are the arguments of bench_resume().
 */
#define BENCH_L2_CODE(name_, text_)                    \
	__attribute__((naked)) static void name_(void) \
	{                                              \
		__asm__ volatile("vmcall\n" text_);    \
	}

/* Of the bench that runs. */
struct vmx_bench {
	struct l2 l2s[BENCH_L2S_MAX];
	u32 count;
	u32 current; /* of which the VMCS is current when a loop begins */
	u64 eptp;    /* 0: without EPT */
	u64 start;   /* RIP of an L2 that has told that it started */
};
extern struct vmx_bench vmx_bench;

/* vmx_bench.asm */
u32 bench_resume(u64 rdi, u64 rsi);

/* Fields of the current VMCS, without a look at the flags. */
static inline u64 bench_read(enum vmcs_field field)
{
	u64 value;

	__asm__ volatile("vmread %1, %0" : "=r"(value) : "r"((u64)field) : "cc");
	return value;
}

static inline void bench_write(enum vmcs_field field, u64 value)
{
	__asm__ volatile("vmwrite %1, %0" ::"r"((u64)field), "r"(value) : "cc");
}

/* The frame around a bench: prepare with or without EPT. Each loop tells what it found wrong. */
const char *vmx_bench_prepare(void (*code)(void), bool has_ept);
/* The same with so many L2s, under one EPT. */
const char *vmx_bench_prepare_many(void (*code)(void), u32 count);
const char *vmx_bench_finish(void);
void vmx_bench_wrong(const char *what);
/* VMRESUME of an L2 that executes VMCALL and nothing else. */
void vmx_bench_round_trips(u64 iterations);

/* BENCH_FUNCTION in that frame. */
#define BENCH_VMX(name_, iterations_, code_, has_ept_)                                         \
	static void run_##name_(u64 iterations);                                               \
	static const char *prepare_##name_(void)                                               \
	{                                                                                      \
		return vmx_bench_prepare(code_, has_ept_);                                     \
	}                                                                                      \
	static const struct bench_frame frame_##name_ = { prepare_##name_, vmx_bench_finish }; \
	BENCH_FUNCTION(name_, iterations_, run_##name_, &frame_##name_);                       \
	static void run_##name_(u64 iterations)

#endif
