/* SPDX-License-Identifier: MIT */
/* What the two L2s compute, each in its own memory. This runs as L2, on the image's code. */
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "tests/guest/demo.h"

#define NUMBERS DEMO_BYTES
#define PRIMES  23000u /* below 2^18 = NUMBERS */
#define KEYS    (DEMO_BYTES / sizeof(u64))
#define STEPS   2048u /* between two calls of L1 */

_Static_assert(NUMBERS == 1u << 18, "PRIMES");

/* L1 gets its turn after so many steps of an L2, as a timer would give it. */
static void step(u32 *steps)
{
	if (++*steps % STEPS == 0)
		vmcall();
}

static void strike_multiples(u8 *is_prime, u64 prime, u32 *steps)
{
	for (u64 n = prime * prime; n < NUMBERS; n += prime) {
		is_prime[n] = 0;
		step(steps);
	}
}

/* The sieve of Eratosthenes; how many primes it leaves. */
static u64 sieve(u8 *is_prime, u32 *steps)
{
	u64 primes = 0;

	for (u64 n = 0; n < NUMBERS; n++)
		is_prime[n] = n >= 2;
	for (u64 n = 2; n * n < NUMBERS; n++) {
		if (is_prime[n])
			strike_multiples(is_prime, n, steps);
	}
	for (u64 n = 0; n < NUMBERS; n++)
		primes += is_prime[n];
	return primes;
}

static void round_done(struct demo_job *job, bool is_right)
{
	job->done++;
	job->wrong += !is_right;
	cpuid(0, 0);               /* L1's business */
	rdmsr(MSR_IA32_APIC_BASE); /* L0's: L1 lets it through */
	vmcall();
}

static void finish(struct demo_job *job)
{
	job->finished = 1;
	for (;;)
		vmcall();
}

void demo_primes(struct demo_job *job)
{
	u32 steps = 0;

	while (job->done < job->rounds)
		round_done(job, sieve((u8 *)job->memory, &steps) == PRIMES);
	finish(job);
}

/* Numbers that look random, and their sum. */
static u64 fill(u64 *keys, u64 seed)
{
	u64 sum = 0;

	for (u64 i = 0; i < KEYS; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		keys[i] = seed;
		sum += seed;
	}
	return sum;
}

/* Heapsort: let the key at i sink to where its children are smaller. */
static void sink(u64 *keys, u64 i, u64 count, u32 *steps)
{
	u64 key = keys[i], child;

	for (; (child = 2 * i + 1) < count; i = child) {
		if (child + 1 < count && keys[child + 1] > keys[child])
			child++;
		if (keys[child] <= key)
			break;
		keys[i] = keys[child];
		step(steps);
	}
	keys[i] = key;
}

static void sort(u64 *keys, u32 *steps)
{
	for (u64 i = KEYS / 2; i-- > 0;)
		sink(keys, i, KEYS, steps);
	for (u64 count = KEYS - 1; count > 0; count--) {
		u64 largest = keys[0];

		keys[0] = keys[count];
		keys[count] = largest;
		sink(keys, 0, count, steps);
	}
}

static bool is_sorted(const u64 *keys, u64 sum)
{
	for (u64 i = 0; i < KEYS; i++) {
		if (i && keys[i - 1] > keys[i])
			return false;
		sum -= keys[i];
	}
	return sum == 0;
}

void demo_sort(struct demo_job *job)
{
	u64 *keys = (u64 *)job->memory;
	u32 steps = 0;

	while (job->done < job->rounds) {
		u64 sum = fill(keys, job->done);

		sort(keys, &steps);
		round_done(job, is_sorted(keys, sum));
	}
	finish(job);
}
