/* SPDX-License-Identifier: MIT */
/* What Nestor counts of L1's VMX, and what it tells of an entry that it refuses. */
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/vmx_ept.h"

#define GPA                  0xd0000000ULL
#define BEYOND_RAM           0x000ffffffffff000ULL
#define ERROR_ENTRY_CONTROLS 7u

L2_CODE(touches, "1: movb $1, (%rdi); vmcall; jmp 1b");

#define NESTOR_REQUIRED()                           \
	do {                                        \
		if (!nestor_has(NESTOR_CAP_NESTED)) \
			SKIP("needs Nestor's VMX"); \
	} while (0)

static u64 before[NESTOR_NESTED_COUNTS], after[NESTOR_NESTED_COUNTS];

static u64 growth(enum nestor_nested_count which)
{
	return after[which] - before[which];
}

VMX_TEST(vmx_context, loads_are_counted, 0)
{
	/* Expect: each VMPTRLD of a VMCS that was loaded before finds its context; the current
	 * VMCS's own and VMCLEAR count nowhere. */
	struct l2 *first, *second;

	NESTOR_REQUIRED();
	first = l2_new(touches);
	second = l2_new(touches);
	EXPECT(nestor_read_nested(before));
	for (u32 i = 0; i < 5; i++) {
		l2_load(first);
		l2_load(second);
		l2_load(second);
	}
	l2_clear(first);
	EXPECT(nestor_read_nested(after));
	EXPECT_EQ(growth(NESTOR_NESTED_CONTEXTS_KEPT), 10);
	EXPECT_EQ(growth(NESTOR_NESTED_CONTEXTS_NEW), 0);
	EXPECT_EQ(growth(NESTOR_NESTED_CONTEXTS_RECYCLED), 0);
	EXPECT_EQ(growth(NESTOR_NESTED_CONTEXTS_MOVED), 0);
}

VMX_TEST(vmx_context, leaves_are_counted, 0)
{
	/* Expect: where L1 gave L2 another page, INVEPT zaps one leaf and the next touch maps one;
	 * an INVEPT with nothing changed does nothing. */
	struct l2 *l2;
	u64 eptp;

	NESTOR_REQUIRED();
	NEEDS_INVEPT(INVEPT_SINGLE);
	l2 = l2_under_ept(touches, &eptp);
	l2->regs[RDI] = GPA;
	ept_map(eptp, GPA, EPT_LEVEL_4K, vmx_page() | EPT_MEMORY);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT(nestor_read_nested(before));
	ept_map(eptp, GPA, EPT_LEVEL_4K, vmx_page() | EPT_MEMORY);
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT_EQ(l2_enter_at(l2, touches), EXIT_VMCALL);
	EXPECT(nestor_read_nested(after));
	EXPECT_EQ(growth(NESTOR_NESTED_EPT02_ZAPPED_INVEPT), 1);
	EXPECT_EQ(growth(NESTOR_NESTED_EPT02_MAPPED_4K), 1);
	EXPECT_EQ(growth(NESTOR_NESTED_EPT02_FAULTS), 1);
	EXPECT_EQ(growth(NESTOR_NESTED_EPT02_ROOTS_MADE), 0);
}

TEST(nestor, nested_counts_stay_inside_the_buffer)
{
	/* Expect: with room for two values only two are written; memory that is no RAM is an
	 * error. */
	static u64 values[3];
	u64 count = 0;

	NESTOR_REQUIRED();
	values[2] = 0x1234;
	EXPECT_EQ(nestor_call(NESTOR_CALL_NESTED_COUNTS, (u64)values, 2, &count), 0);
	EXPECT(count >= NESTOR_NESTED_COUNTS);
	EXPECT_EQ(values[2], 0x1234);
	EXPECT(nestor_call(NESTOR_CALL_NESTED_COUNTS, BEYOND_RAM, 2, NULL) < 0);
}

VMX_TEST(vmx_context, recorder_names_the_rule_that_refuses, 0)
{
	/* Expect: error 7; and the flight recorder, which is printed here, has the rule's name. */
	struct l2 *l2;

	NESTOR_REQUIRED();
	l2 = l2_new(touches);
	vmx_write(VMCS_CR3_TARGET_COUNT, ~0u);
	EXPECT_EQ(l2_enter(l2), L2_VMFAIL | ERROR_ENTRY_CONTROLS);
	EXPECT_EQ(nestor_call(NESTOR_CALL_RECORDER, 4, 0, NULL), 0);
}
