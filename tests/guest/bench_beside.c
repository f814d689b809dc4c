/* SPDX-License-Identifier: MIT */
/* What a round trip costs while another CPU runs L1: an unmapping that all CPUs must know of calls
 * it out. docs/bench.md has the row. */
#include "hv/x86.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/vmx_bench.h"

BENCH_L2_CODE(call, "1: vmcall; jmp 1b")

static bool stop;

static void run_l1(void *unused)
{
	(void)unused;
	while (!READ_ONCE(stop))
		cpu_pause();
}

static const char *prepare(void)
{
	const char *why = machine_lacks(NEED_CPUS_2);

	if (!why)
		why = vmx_bench_prepare(call, true);
	if (why)
		return why;
	WRITE_ONCE(stop, false);
	smp_start(1, run_l1, NULL);
	return NULL;
}

static const char *finish(void)
{
	WRITE_ONCE(stop, true);
	if (!smp_finish(1))
		vmx_bench_wrong("CPU 1 did not come back");
	return vmx_bench_finish();
}

static const struct bench_frame frame = { prepare, finish };
BENCH_WHEN_NAMED(rt_vmcall_beside, 1000, vmx_bench_round_trips, &frame);
