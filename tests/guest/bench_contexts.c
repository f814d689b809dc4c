/* SPDX-License-Identifier: MIT */
/* Many L2s that take turns on one vCPU: fewer than Nestor has contexts, or more. docs/bench.md has
 * the rows. */
#include "tests/guest/lib/vmx_bench.h"

BENCH_L2_CODE(call, "1: vmcall; jmp 1b")

static void take_turns(u64 iterations)
{
	while (iterations--) {
		vmx_bench.current = (vmx_bench.current + 1) % vmx_bench.count;
		__asm__ volatile("vmptrld %0" ::"m"(vmx_bench.l2s[vmx_bench.current].vmcs)
				 : "cc", "memory");
		if (bench_resume(0, 0) != EXIT_VMCALL)
			vmx_bench_wrong("an L2 did not come back with VMCALL");
	}
}

static const char *prepare_16(void)
{
	return vmx_bench_prepare_many(call, 16);
}

static const char *prepare_256(void)
{
	return vmx_bench_prepare_many(call, 256);
}

static const struct bench_frame frame_16 = { prepare_16, vmx_bench_finish };
static const struct bench_frame frame_256 = { prepare_256, vmx_bench_finish };
BENCH_WHEN_NAMED(l2s_16, 1024, take_turns, &frame_16);
BENCH_WHEN_NAMED(l2s_256, 1024, take_turns, &frame_256);
