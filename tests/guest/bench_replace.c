/* SPDX-License-Identifier: MIT */
/*
 * Pages get other frames at a given rate while an L2 runs that uses them: L2 works on CPU 0, and
 * CPU 1 has Nestor migrate the page that L2 writes to, its MSR bitmap, its VMCS and EPT12's root in
 * turn. docs/bench.md has the rows.
 */
#include "hv/x86.h"
#include "tests/guest/lib/ept12.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/vmx_bench.h"

#define WINDOW    (2 * GIB) /* where L2 sees its page */
#define LOOP_SIZE 3u        /* instructions of L2's for each unit of RDI */

/* RSI: the page; RDI: how long. */
BENCH_L2_CODE(count_up, "1: incq (%rsi); dec %rdi; jnz 1b\n"
			"vmcall")

enum { DATA, MSR_BITMAP, VMCS, EPT12, PAGES };

static u64 pages[PAGES];
static u64 period; /* ticks between two replacements, in which L2 goes on; a round of its work */
static u64 worked; /* what the page should hold */
static bool stop, failed;

static void replace(void *unused)
{
	(void)unused;
	for (u32 i = 0; !READ_ONCE(stop); i++) {
		u64 start = rdtsc();

		while (!READ_ONCE(stop) && rdtsc() - start < period)
			cpu_pause();
		failed |= region_migrate(pages[i % PAGES], PAGE_SIZE) != 0;
	}
}

static void work(u64 rounds)
{
	u64 units = rounds * period / LOOP_SIZE;

	WRITE_ONCE(stop, false);
	smp_start(1, replace, NULL);
	bench_write(VMCS_GUEST_RIP, vmx_bench.start);
	if (bench_resume(units, WINDOW) != EXIT_VMCALL)
		vmx_bench_wrong("L2 did not come back with VMCALL");
	WRITE_ONCE(stop, true);
	if (!smp_finish(1))
		vmx_bench_wrong("CPU 1 did not come back");
	worked += units;
}

static const char *prepare(u64 ticks)
{
	const char *why = machine_lacks(NEED_CPUS_2);

	if (!why)
		why = vmx_bench_prepare(count_up, true);
	if (why)
		return why;
	period = ticks;
	worked = 0;
	failed = false;
	pages[DATA] = memory_page_alloc();
	pages[MSR_BITMAP] = vmx_read(VMCS_MSR_BITMAP);
	pages[VMCS] = vmx_bench.l2s[0].vmcs;
	pages[EPT12] = ALIGN_DOWN(vmx_bench.eptp, PAGE_SIZE);
	ept12_map(vmx_bench.eptp, WINDOW, pages[DATA]);
	return NULL;
}

static const char *finish(void)
{
	if (failed)
		vmx_bench_wrong("a page was not replaced");
	if (*(const volatile u64 *)pages[DATA] != worked)
		vmx_bench_wrong("a write of L2's was lost");
	memory_page_free(pages[DATA]);
	return vmx_bench_finish();
}

static const char *prepare_10k(void)
{
	return prepare(10000);
}

static const char *prepare_100k(void)
{
	return prepare(100000);
}

static const struct bench_frame frame_10k = { prepare_10k, finish };
static const struct bench_frame frame_100k = { prepare_100k, finish };
BENCH_WHEN_NAMED(replace_10k, 400, work, &frame_10k);
BENCH_WHEN_NAMED(replace_100k, 100, work, &frame_100k);
