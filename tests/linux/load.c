/* SPDX-License-Identifier: MIT */
/* A checksum load on all CPUs at once: load <rounds>. Each CPU's process fills a buffer and sums it
 * up; all must agree. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPUS_MAX 64
#define WORDS    (1u << 18) /* 2 MiB */

struct result {
	uint64_t sum;
	int cpu;
	int done;
};

/* FNV-1a over the words of a buffer that a linear congruential generator filled. */
static uint64_t compute(uint64_t *words, unsigned int rounds)
{
	uint64_t value = 1, sum = 0xcbf29ce484222325ULL;

	for (unsigned int round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < WORDS; i++)
			words[i] = value = value * 6364136223846793005ULL + 1442695040888963407ULL;
		for (unsigned int i = 0; i < WORDS; i++)
			sum = (sum ^ words[i]) * 0x100000001b3ULL;
	}
	return sum;
}

static void run_on(int cpu, unsigned int rounds, struct result *result)
{
	cpu_set_t set;
	uint64_t *words = malloc(WORDS * sizeof(*words));

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (!words || sched_setaffinity(0, sizeof(set), &set)) {
		perror("load");
		exit(1);
	}
	result->sum = compute(words, rounds);
	result->cpu = sched_getcpu();
	result->done = 1;
	exit(0);
}

static int judge(const struct result *results, int cpus)
{
	for (int cpu = 0; cpu < cpus; cpu++) {
		const struct result *r = &results[cpu];

		printf("CPU %d: sum %016llx\n", cpu, (unsigned long long)r->sum);
		if (!r->done || r->cpu != cpu || r->sum != results[0].sum) {
			printf("CPU %d: %s, ran on CPU %d, expected sum %016llx\n", cpu,
			       r->done ? "done" : "died", r->cpu,
			       (unsigned long long)results[0].sum);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 1;
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	struct result *results = mmap(NULL, CPUS_MAX * sizeof(*results), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (results == MAP_FAILED || cpus < 1 || cpus > CPUS_MAX) {
		perror("load");
		return 1;
	}
	for (int cpu = 0; cpu < cpus; cpu++)
		if (fork() == 0)
			run_on(cpu, rounds, &results[cpu]);
	while (wait(NULL) > 0)
		;
	return judge(results, cpus);
}
