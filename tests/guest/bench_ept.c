/* SPDX-License-Identifier: MIT */
/* What it costs when L2 touches memory for the first time. docs/bench.md defines the rows. */
#include "hv/string.h"
#include "hv/x86.h"
#include "tests/guest/lib/ept12.h"
#include "tests/guest/lib/vmx_bench.h"

#define WARM_UP    1u        /* iterations that bench_run() does before it measures */
#define PAGES      511u      /* with that, as many as one table of EPT12 has */
#define WINDOW     (2 * GIB) /* where L2 sees the pages; nothing of L1's is there */
#define PAGE_AT(i) (WINDOW + (i)*PAGE_SIZE)

/* RSI: the page; RDI: how many. */
BENCH_L2_CODE(touch, "1: movb $1, (%rsi); add $4096, %rsi; dec %rdi; jnz 1b\n"
		     "vmcall")
BENCH_L2_CODE(touch_for_ever, "1: movb $1, (%rsi); add $4096, %rsi; jmp 1b")

/* The pages are in one block of 2 MiB: so one leaf of EPT01 may be behind all of them. */
static u8 memory[2 * 2 * MIB];
static u64 next;    /* the first page that is still to be touched, or found missing */
static u64 touched; /* how many L2 has written to */

static u64 page(u64 i)
{
	return ALIGN_UP((u64)memory, 2 * MIB) + i * PAGE_SIZE;
}

/* The pages, and EPT12 down to the entries of their window. */
static const char *prepare(void (*code)(void), bool is_mapped)
{
	const char *why = vmx_bench_prepare(code, true);

	next = touched = 0;
	memset(memory, 0, sizeof(memory));
	for (u32 i = 0; !why && i < PAGES + WARM_UP; i++) {
		ept12_map(vmx_bench.eptp, PAGE_AT(i), page(i));
		if (!is_mapped)
			ept12_unmap(vmx_bench.eptp, PAGE_AT(i));
	}
	return why;
}

static const char *finish(void)
{
	u64 written = 0;

	for (u32 i = 0; i < PAGES + WARM_UP; i++)
		written += *(const volatile u8 *)page(i);
	if (written != touched)
		vmx_bench_wrong("L2 did not write to each page that it has touched");
	return vmx_bench_finish();
}

/* EPT12 maps them: L1 has no part in it. */
static void first_touch(u64 iterations)
{
	bench_write(VMCS_GUEST_RIP, vmx_bench.start);
	if (bench_resume(iterations, PAGE_AT(next)) != EXIT_VMCALL)
		vmx_bench_wrong("L2 did not come back with VMCALL");
	next += iterations;
	touched = next;
}

static const char *prepare_first_touch(void)
{
	return prepare(touch, true);
}

static const struct bench_frame first_touch_frame = { prepare_first_touch, finish };
BENCH_FUNCTION(l2_ept_first_touch, PAGES, first_touch, &first_touch_frame);

/* EPT12 maps them one by one, as L2 finds each missing. */
static void violations(u64 iterations)
{
	while (iterations--) {
		/* At the page that was mapped last, or at the very first. */
		u32 reason = bench_resume(0, PAGE_AT(touched));

		touched = next;
		if (reason != EXIT_EPT_VIOLATION ||
		    bench_read(VMCS_GUEST_PHYSICAL_ADDR) != PAGE_AT(next)) {
			vmx_bench_wrong("L2 did not come back with the violation that is next");
			return;
		}
		ept12_map(vmx_bench.eptp, PAGE_AT(next), page(next));
		next++;
	}
}

static const char *prepare_violations(void)
{
	return prepare(touch_for_ever, false);
}

static const struct bench_frame violations_frame = { prepare_violations, finish };
BENCH_FUNCTION(rt_ept_violation, PAGES, violations, &violations_frame);
