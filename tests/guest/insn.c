/* SPDX-License-Identifier: MIT */
/* Instructions that a hypervisor may intercept or that tell whether a feature is really there. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

TEST(insn, wbinvd_is_harmless)
{
	/* Expect: WBINVD runs and memory keeps its contents. */
	static u64 word = 0x1122334455667788;
	struct trap trap = TRAP_OF(__asm__ volatile("wbinvd" ::: "memory"));

	EXPECT_EQ(trap.vector, TRAP_NONE);
	EXPECT_EQ(READ_ONCE(word), 0x1122334455667788);
}
