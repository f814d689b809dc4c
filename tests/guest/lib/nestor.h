/* SPDX-License-Identifier: MIT */
/* Nestor as its guest sees it: discovery by CPUID and the hypercalls of hv/abi.h. */
#ifndef TESTS_GUEST_LIB_NESTOR_H
#define TESTS_GUEST_LIB_NESTOR_H

#include "hv/abi.h"
#include "hv/types.h"

enum nestor_counter {
#define COUNTER(name, text) NESTOR_COUNTER_##name,
#include "hv/counters.def"
#undef COUNTER
	NESTOR_COUNTERS
};

enum nestor_nested_count {
#define NESTED_COUNT(name, from, text) NESTOR_NESTED_##name,
#include "hv/nested_counts.def"
#undef NESTED_COUNT
	NESTOR_NESTED_COUNTS
};

void nestor_init(void);
bool nestor_is_present(void);
/* The base of Nestor's CPUID leaves; 0 when it is not there. */
u32 nestor_cpuid_base(void);

/* Returns RAX: 0 or a negative error. *result, unless NULL, takes RBX. */
s64 nestor_call(u64 number, u64 rbx, u64 rcx, u64 *result);
/* The same with a third argument. */
s64 nestor_call3(u64 number, u64 rbx, u64 rcx, u64 rdx);
/* Is this bit of NESTOR_CAP_* set? False where Nestor is not there. */
bool nestor_has(u64 capability);
/* At the head of a test that changes its memory or delays kicks (tests/test.h). */
#define TEST_CALLS_REQUIRED()                           \
	do {                                            \
		if (!nestor_has(NESTOR_CAP_TEST_CALLS)) \
			SKIP("needs test_calls = on");  \
	} while (0)

/* Zero-filled where Nestor has fewer. False on an error. */
bool nestor_read_counters(u64 counters[NESTOR_COUNTERS]);
/* One of them; 0 where it cannot be read. */
u64 nestor_count(enum nestor_counter which);
/* What nested VMX counts; as nestor_read_counters. */
bool nestor_read_nested(u64 counts[NESTOR_NESTED_COUNTS]);
/* Exits so far with this basic reason; ~0 on an error. */
u64 nestor_exit_count(u32 reason);

#endif
