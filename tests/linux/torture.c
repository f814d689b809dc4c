/* SPDX-License-Identifier: MIT */
/*
 * Changes of L1's memory while Linux runs in it: torture <rounds> [<seed> [<pause>]]. A worker on
 * each CPU rewrites and verifies pages; the actor changes memory under them, and under the kernel;
 * SIGTERM makes it the last round. Ends with 0, or 1 and a line about the first byte that was
 * wrong, or 77 where there is nothing to ask.
 *
 * torture verify <passes>: without the actor, until each worker has verified so many pages. For
 * L2s, while L1's memory, and so theirs, changes.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/linux/torture/calls.h"
#include "tests/linux/torture/pages.h"
#include "tests/linux/torture/ram.h"
#include "tests/linux/torture/regions.h"

#define CPUS_MAX      64u
#define ROUNDS_A_PASS 4u /* a worker verifies one page, at least, in so many rounds */
#define WORKERS_NICE  19 /* or the actor would wait for them, instead of changing memory */
#define REWRITES      4u /* of a page at a time: it is written to while it changes */
#define REPORTS       8u
#define NOTHING_TO_DO 77

struct worker {
	pthread_t thread;
	unsigned int cpu;
	uint64_t random;
	_Atomic uint64_t passes;
};

static struct worker workers[CPUS_MAX];
static unsigned int worker_count;
static atomic_int stop;
static volatile sig_atomic_t terminated;
static uint64_t passes_at_most = UINT64_MAX;

static void run_on(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("no CPU %u to run on", cpu);
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	run_on(worker->cpu);
	if (nice(WORKERS_NICE) == -1)
		fail("no other priority");
	while (!atomic_load(&stop) && atomic_load(&worker->passes) < passes_at_most) {
		struct page *page =
			pages_nth((unsigned int)random_below(&worker->random, pages_count()));

		if (!page_try_take(page))
			continue;
		page_verify(page);
		for (unsigned int i = 0; i < REWRITES; i++) {
			page_rewrite(page);
			page_verify(page);
		}
		page_release(page);
		atomic_fetch_add(&worker->passes, 1);
	}
	return NULL;
}

static void start_workers(uint64_t *random)
{
	worker_count = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	if (worker_count > CPUS_MAX)
		worker_count = CPUS_MAX;
	for (unsigned int i = 0; i < worker_count; i++) {
		workers[i].cpu = i;
		workers[i].random = random_next(random);
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			fail("no worker");
	}
}

static void await_workers(uint64_t passes)
{
	for (unsigned int i = 0; i < worker_count; i++)
		while (atomic_load(&workers[i].passes) < passes)
			sched_yield();
}

static void change_cpu(uint64_t *random)
{
	run_on((unsigned int)random_below(random, worker_count));
}

static const struct {
	void (*act)(uint64_t *random);
	unsigned int weight;
} acts[] = {
	{ ram_migrate_part, 8 }, { ram_migrate_page, 8 }, { ram_poison_page, 2 },
	{ ram_balloon_page, 6 }, { regions_step, 8 },     { ram_log, 4 },
	{ change_cpu, 2 },
};

static void act(uint64_t *random)
{
	unsigned int total = 0, at, i;

	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		total += acts[i].weight;
	at = (unsigned int)random_below(random, total);
	for (i = 0; at >= acts[i].weight; i++)
		at -= acts[i].weight;
	acts[i].act(random);
}

static void join_workers(void)
{
	now_doing("the end", 0);
	for (unsigned int i = 0; i < worker_count; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned int i = 0; i < pages_count(); i++)
		page_verify(pages_nth(i));
}

static unsigned long long count_passes(void)
{
	unsigned long long passes = 0;

	for (unsigned int i = 0; i < worker_count; i++)
		passes += atomic_load(&workers[i].passes);
	return passes;
}

static void print_summary(unsigned int rounds)
{
	printf("torture: no wrong byte: rounds=%u cpus=%u pages=%u huge=%u passes=%llu", rounds,
	       worker_count, pages_count(), pages_huge(), count_passes());
	printf(" ram_migrated=%llu ram_turns=%llu migrated=%llu busy=%llu poisoned=%llu "
	       "ballooned=%llu",
	       (unsigned long long)ram_count(RAM_MIGRATED),
	       (unsigned long long)ram_count(RAM_TURNS),
	       (unsigned long long)ram_count(RAM_PAGES_MIGRATED),
	       (unsigned long long)ram_count(RAM_BUSY), (unsigned long long)ram_count(RAM_POISONED),
	       (unsigned long long)ram_count(RAM_BALLOONED));
	printf(" regions_added=%u moved=%u deleted=%u logged=%u", regions_count(REGIONS_ADDED),
	       regions_count(REGIONS_MOVED), regions_count(REGIONS_DELETED),
	       regions_count(REGIONS_LOGGED));
	printf(" logs=%llu told=%llu checked=%llu\n", (unsigned long long)ram_count(RAM_LOGS),
	       (unsigned long long)ram_count(RAM_TOLD), (unsigned long long)ram_count(RAM_CHECKED));
}

static int verify_only(uint64_t passes)
{
	uint64_t random = 1;

	passes_at_most = passes;
	pages_create(NULL, 0, 0);
	start_workers(&random);
	join_workers();
	printf("torture: no wrong byte: cpus=%u pages=%u huge=%u passes=%llu\n", worker_count,
	       pages_count(), pages_huge(), count_passes());
	return 0;
}

static void take_sigterm(int number)
{
	(void)number;
	terminated = 1;
}

/* pause: milliseconds between two rounds, for others that want the CPUs too. */
static int change_memory(unsigned int rounds, uint64_t random, unsigned int pause)
{
	volatile uint64_t *added;
	unsigned int round = 0;
	uint64_t gpa;

	ram_create();
	regions_create();
	added = regions_added(&gpa);
	pages_create(added, gpa, ADDED_PAGES);
	start_workers(&random);
	signal(SIGTERM, take_sigterm);
	while (round < rounds && !terminated) {
		round++;
		act(&random);
		await_workers(round / ROUNDS_A_PASS); /* however the CPUs are shared */
		if (pause)
			usleep(pause * 1000);
		if ((uint64_t)round * REPORTS / rounds != (uint64_t)(round - 1) * REPORTS / rounds)
			printf("torture: round %u of %u\n", round, rounds);
	}
	atomic_store(&stop, 1);
	join_workers();
	regions_verify();
	print_summary(round);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	const char *lacks;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "verify"))
		return verify_only(strtoull(argv[2], NULL, 0));
	lacks = port_open();
	if (!rounds || lacks) {
		printf("torture: %s\n",
		       lacks ? lacks : "usage: torture <rounds> [<seed> [<pause>]]");
		return lacks ? NOTHING_TO_DO : 1;
	}
	return change_memory(rounds, argc > 2 ? strtoull(argv[2], NULL, 0) : 1,
			     argc > 3 ? (unsigned int)atoi(argv[3]) : 0);
}
