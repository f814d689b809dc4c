/* SPDX-License-Identifier: MIT */
/* Does a round trip cost more where L1 has more regions? docs/bench.md has the rows. */
#include "tests/guest/lib/bench_regions.h"
#include "tests/guest/lib/vmx_bench.h"

BENCH_L2_CODE(call, "1: vmcall; jmp 1b")

static const char *prepare(u32 regions)
{
	const char *why = bench_regions_add(regions, PAGE_SIZE);

	if (why)
		return why;
	why = vmx_bench_prepare(call, true);
	if (why)
		bench_regions_delete();
	return why;
}

static void round_trips(u64 iterations)
{
	while (iterations--) {
		if (bench_resume(0, 0) != EXIT_VMCALL)
			vmx_bench_wrong("L2 did not come back with VMCALL");
	}
}

static const char *finish(void)
{
	const char *wrong = vmx_bench_finish();

	bench_regions_delete();
	return wrong;
}

#define BENCH_WITH_REGIONS(count_)                                                     \
	static const char *prepare_##count_(void)                                      \
	{                                                                              \
		return prepare(count_);                                                \
	}                                                                              \
	static const struct bench_frame frame_##count_ = { prepare_##count_, finish }; \
	BENCH_WHEN_NAMED(rt_regions_##count_, 1000, round_trips, &frame_##count_)

BENCH_WITH_REGIONS(16);
BENCH_WITH_REGIONS(8192);
BENCH_WITH_REGIONS(32768);
