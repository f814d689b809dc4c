/* SPDX-License-Identifier: MIT */
/*
 * How the cost of one instruction is declared:
 *
 *     BENCH_INSN(l1_cpuid, ANYWHERE, 1000, "xor %%eax, %%eax", "cpuid");
 *
 * Two loops that differ in the measured instruction only are run and their difference is printed,
 * by iteration: "BENCH l1_cpuid insns=212 exits=1 vmread=2". Where the time-stamp counter does not
 * count instructions the key is "ticks" instead. Under Nestor follow what it counted: what should
 * not happen in steady state always, the rest where there was some. 0 means that there was none.
 */
#ifndef TESTS_GUEST_LIB_BENCH_H
#define TESTS_GUEST_LIB_BENCH_H

#include "hv/types.h"

/* WHEN_NAMED: under Nestor with test_calls = on, and only where the command line names it. */
enum bench_place { ANYWHERE, NESTOR_ONLY, WHEN_NAMED };

/* What a bench needs around its loops. Both return NULL, or why it cannot run, or went wrong. */
struct bench_frame {
	const char *(*prepare)(void);
	const char *(*finish)(void);
};

struct bench {
	const char *name;
	enum bench_place place;
	u64 iterations;
	void (*with)(u64 iterations);
	void (*without)(u64 iterations);
	const struct bench_frame *frame; /* or NULL */
};

/* The loop counter is in a register that neither setup nor
 * the instruction may use: RAX to RDI are theirs. */
#define BENCH_LOOP(name_, setup_, insn_)                                                      \
	static void name_(u64 iterations)                                                     \
	{                                                                                     \
		__asm__ volatile("1:\n\t" setup_ "\n\t" insn_ "\n\t"                          \
				 "dec %0\n\t"                                                 \
				 "jnz 1b"                                                     \
				 : "+r"(iterations)                                           \
				 :                                                            \
				 : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "cc", "memory"); \
	}

#define BENCH_INSN(name_, place_, iterations_, setup_, insn_)                                \
	BENCH_LOOP(bench_with_##name_, setup_, insn_)                                        \
	BENCH_LOOP(bench_without_##name_, setup_, "")                                        \
	static const struct bench bench_entry_##name_ __attribute__((                        \
		used, section(".data.benches." #name_), aligned(8))) = {                     \
		#name_, place_, iterations_, bench_with_##name_, bench_without_##name_, NULL \
	}

#define BENCH_ENTRY(name_, place_, iterations_, run_, frame_)                            \
	BENCH_LOOP(bench_without_##name_, "", "")                                        \
	static const struct bench bench_entry_##name_                                    \
		__attribute__((used, section(".data.benches." #name_), aligned(8))) = {  \
			#name_, place_, iterations_, run_, bench_without_##name_, frame_ \
		}

/* The same for a loop in C, all of whose cost is meant; prepared and finished by a frame. */
#define BENCH_FUNCTION(name_, iterations_, run_, frame_) \
	BENCH_ENTRY(name_, ANYWHERE, iterations_, run_, frame_)
/* One that takes long. */
#define BENCH_WHEN_NAMED(name_, iterations_, run_, frame_) \
	BENCH_ENTRY(name_, WHEN_NAMED, iterations_, run_, frame_)
/* The same for two loops in C, whose difference is meant. */
#define BENCH_DIFFERENCE(name_, iterations_, with_, without_, frame_)                   \
	static const struct bench bench_entry_##name_                                   \
		__attribute__((used, section(".data.benches." #name_), aligned(8))) = { \
			#name_, WHEN_NAMED, iterations_, with_, without_, frame_        \
		}

/* False: it ran and went wrong. Not to run here is right. */
bool bench_run(const struct bench *bench);
/* One iteration, after some, between two marks at which Bochs' debugger stops. NULL, or why it did
 * not run or went wrong. */
const char *bench_profile(const struct bench *bench);

#endif
