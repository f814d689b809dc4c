/* SPDX-License-Identifier: MIT */
/* What a BIOS leaves behind (bios = on). Only alone (suite=bios), before other tests set up the
 * 8259s and the 8254. */
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/legacy.h"
#include "tests/guest/lib/memory.h"
#include "tests/test.h"

#define PIC_MASTER_MASK 0x21

TEST(bios, timer_ends_a_halt_in_real_mode)
{
	/* Expect: with all as it was found, STI; HLT goes on after one tick, which the handler
	 * counted. */
	const u32 *ticks = (const void *)(REAL_CODE + (u64)(real_result - real_code));

	if (in8(PIC_MASTER_MASK) & 1)
		SKIP("IRQ 0 is masked: no BIOS, or other tests were here before");
	if (!memory_is_spare_page(REAL_CODE))
		SKIP("no free page at 8000h");
	memcpy((void *)(u64)REAL_CODE, real_code, (size_t)(real_code_end - real_code));
	legacy_run(legacy_real, 1);
	EXPECT_EQ(legacy_vector, LEGACY_NO_VECTOR);
	EXPECT_EQ(*ticks, 1);
}
