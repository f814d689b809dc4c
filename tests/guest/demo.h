/* SPDX-License-Identifier: MIT */
/*
 * The demo: a small hypervisor (L1) runs two L2s. demo.c has its vCPUs' loops, demo_jobs.c what the
 * L2s compute, demo_memory.c the moves of their memory, demo_report.c what is told at the end.
 */
#ifndef TESTS_GUEST_DEMO_H
#define TESTS_GUEST_DEMO_H

#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/vmx.h"

#define DEMO_CPUS    2u
#define DEMO_L2S     2u
#define DEMO_PAGES   64u
#define DEMO_BYTES   (DEMO_PAGES * PAGE_SIZE)
#define DEMO_REASONS 80u /* basic exit reasons */
#define DEMO_VECTOR  0x54u

/* What an L2 computes; it writes this, its L1 reads it after exits. */
struct demo_job {
	u64 memory; /* DEMO_BYTES of it */
	u64 rounds; /* so many shall be done */
	u64 done, wrong;
	u64 finished;
};

/* Who may touch what: the CPU that "cpu" names, unless it says otherwise. */
struct demo_l2 {
	const char *name;
	struct l2 l2;
	struct demo_job job;
	u32 cpu;    /* whose it is; handed on with release */
	u32 ended;  /* set with release */
	u32 inside; /* may be in L2 at this moment; read by the other CPU for the statistics */

	u64 eptp;
	u64 window; /* where it has its memory: linear and L2-physical */
	u32 lock;   /* protects the rest, and EPT12's entries of the window */
	u32 moving; /* nothing may be mapped */
	u32 home;   /* which of the two places its memory is in */
	u64 homes[2][DEMO_PAGES];

	u64 exits[DEMO_REASONS];
	u64 turns, switches; /* on a CPU; on another than the time before */
	u64 moves, moves_while_inside;
	u64 migrations, migrations_while_inside;
	u64 strange; /* an exit that nobody expects, plus 1 */
};

extern struct demo_l2 demo_l2s[DEMO_L2S];

/* L2 code. */
void demo_primes(struct demo_job *job);
void demo_sort(struct demo_job *job);

/* Memory and EPT12 for one of them. */
void demo_memory_create(struct demo_l2 *guest, u32 number);
void demo_memory_destroy(struct demo_l2 *guest);
/* L2 found nothing at that address; false: it has no business there. */
bool demo_memory_fault(struct demo_l2 *guest, u64 gpa);
/* Let it lie elsewhere, contents and all, while its L2 runs on another CPU or waits. One at a time
 * may move an L2. */
void demo_memory_move(struct demo_l2 *guest, u32 cpus);
/* Drop the translations that another CPU waits for: each CPU in VMX operation, again and again. */
void demo_memory_serve(void);
/* Is the memory moved by Nestor? Otherwise L1 copies. */
bool demo_memory_is_nestors(void);

/* Nestor's books. */
struct demo_books {
	u64 counters[NESTOR_COUNTERS], nested[NESTOR_NESTED_COUNTS];
	u64 exits[DEMO_REASONS], exits_l2[DEMO_REASONS];
};
void demo_books_read(struct demo_books *books);
/* No CPU is in VMX operation any more. */
void demo_report(const struct demo_books *before, const struct demo_books *after, u32 cpus);

#endif
