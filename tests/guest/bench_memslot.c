/* SPDX-License-Identifier: MIT */
/*
 * L1 maps and unmaps memory of its L2, while Nestor's table has a region for each four pages of it:
 * the rows of Linux' memslot_perf_test, run in L1. docs/bench.md defines them.
 */
#include "hv/x86.h"
#include "tests/guest/lib/bench_regions.h"
#include "tests/guest/lib/ept12.h"
#include "tests/guest/lib/vmx_bench.h"

#define REGIONS      8192u
#define REGION_PAGES 4u
#define REGION_BYTES (REGION_PAGES * PAGE_SIZE)
#define PAGES        (REGIONS * REGION_PAGES)
#define WINDOW       (2 * GIB) /* where L2 sees the regions */
#define PAGE_AT(i)   (WINDOW + (i)*PAGE_SIZE)
#define REGION_AT(i) (WINDOW + (i)*REGION_BYTES)
#define WARM_UP      1u /* iterations that bench_run() does before it measures */

_Static_assert(REGIONS *REGION_BYTES == BENCH_REGIONS_BYTES, "128 MiB, as there");

/* RSI: the page that was mapped last. */
BENCH_L2_CODE(touch_regions, "1: movb $1, (%rsi); add $16384, %rsi; jmp 1b")
/* RSI: the first page; RDI: how many. Then only calls, until told to touch again. */
BENCH_L2_CODE(touch_all, "1: movb $1, (%rsi); add $4096, %rsi; dec %rdi; jnz 1b\n"
			 "2: vmcall; jmp 2b")

static u64 next; /* iterations done */

static const char *prepare_regions(void (*code)(void))
{
	const char *why = bench_regions_add(REGIONS, REGION_BYTES);

	if (why)
		return why;
	next = 0;
	why = vmx_bench_prepare(code, true);
	if (why)
		bench_regions_delete();
	return why;
}

static const char *finish_regions(void)
{
	const char *wrong = vmx_bench_finish();

	bench_regions_delete();
	return wrong;
}

static void map_page(u64 i)
{
	ept12_map(vmx_bench.eptp, PAGE_AT(i), BENCH_REGIONS_AT + i * PAGE_SIZE);
}

/* L2 touches the first page of each region; EPT12 maps it when L2 has found it missing. */
static void map(u64 iterations)
{
	while (iterations--) {
		u32 reason = bench_resume(0, REGION_AT(next ? next - 1 : 0));

		if (reason != EXIT_EPT_VIOLATION ||
		    bench_read(VMCS_GUEST_PHYSICAL_ADDR) != REGION_AT(next)) {
			vmx_bench_wrong("L2 did not come back with the violation that is next");
			return;
		}
		map_page(next * REGION_PAGES);
		next++;
	}
}

/* Tables of the window are there, with nothing in them. */
static const char *prepare_map(void)
{
	const char *why = prepare_regions(touch_regions);

	for (u64 i = 0; !why && i < PAGES; i++) {
		map_page(i);
		ept12_unmap(vmx_bench.eptp, PAGE_AT(i));
	}
	return why;
}

static const struct bench_frame map_frame = { prepare_map, finish_regions };
BENCH_WHEN_NAMED(memslot_map, REGIONS - WARM_UP, map, &map_frame);

/* EPT12 maps everything, and L2 has touched it. */
static const char *prepare_unmap(void)
{
	const char *why = prepare_regions(touch_all);

	if (why)
		return why;
	for (u64 i = 0; i < PAGES; i++)
		map_page(i);
	if (bench_resume(PAGES, WINDOW) != EXIT_VMCALL)
		vmx_bench_wrong("L2 did not touch its memory");
	return NULL;
}

/* L2 does not find what is unmapped. */
static const char *finish_unmap(void)
{
	bench_write(VMCS_GUEST_RIP, vmx_bench.start);
	if (bench_resume(1, WINDOW) != EXIT_EPT_VIOLATION)
		vmx_bench_wrong("L2 reaches a page that was unmapped");
	return finish_regions();
}

static void unmap(u64 chunks, u64 pages)
{
	while (chunks--) {
		for (u64 i = 0; i < pages; i++)
			ept12_unmap(vmx_bench.eptp, PAGE_AT(next++));
		ept12_invept(vmx_bench.eptp);
		if (bench_resume(0, 0) != EXIT_VMCALL)
			vmx_bench_wrong("L2 did not come back with VMCALL");
	}
}

static void unmap_pages(u64 iterations)
{
	unmap(iterations, 1);
}

/* Chunks of 2 MiB, split where a region ends: so each has a region's pages. */
static void unmap_regions(u64 iterations)
{
	unmap(iterations, REGION_PAGES);
}

static const struct bench_frame unmap_frame = { prepare_unmap, finish_unmap };
BENCH_WHEN_NAMED(memslot_unmap, PAGES - WARM_UP, unmap_pages, &unmap_frame);
BENCH_WHEN_NAMED(memslot_unmap_chunked, REGIONS - WARM_UP, unmap_regions, &unmap_frame);
