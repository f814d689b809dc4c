/* SPDX-License-Identifier: MIT */
/*
 * Linux' clock and timers against the ACPI PM timer, which is read from its port: how many parts
 * per million the clock source is off while the CPU is busy and while it sleeps, and how late
 * timers are.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/io.h>
#include <time.h>

#define PM_TIMER     0x608
#define PM_HZ        3579545.0
#define PM_MASK      0xffffffu
#define NS           1000000000LL
#define PPM_MAX      500.0
#define SLEEPS       100
#define SLEEP_NS     1000000LL
#define EARLY_NS_MAX 600.0 /* two ticks of the PM timer */

struct instant {
	uint32_t pm;
	int64_t ns;
};

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

/* Both clocks at once, as well as it goes: the best of some tries, for an interrupt may come in
 * between. */
static struct instant look(void)
{
	struct instant best = { 0, 0 };
	int64_t shortest = INT64_MAX;

	for (int i = 0; i < 16; i++) {
		int64_t before = now();
		uint32_t pm = inl(PM_TIMER);
		int64_t after = now();

		if (after - before < shortest) {
			shortest = after - before;
			best = (struct instant){ pm, before + (after - before) / 2 };
		}
	}
	return best;
}

static double pm_ns(uint32_t from, uint32_t to)
{
	return ((to - from) & PM_MASK) / PM_HZ * (double)NS;
}

static void sleep_ns(int64_t ns)
{
	struct timespec t = { ns / NS, ns % NS };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static void work_ns(int64_t ns)
{
	int64_t end = now() + ns;

	while (now() < end)
		;
}

/* Half a second: the 24 bits of the PM timer last for 4.7. */
static int check_clock(const char *name, void (*pass)(int64_t ns))
{
	struct instant from = look(), to;
	double by_pm, ppm;

	pass(NS / 2);
	to = look();
	by_pm = pm_ns(from.pm, to.pm);
	ppm = ((double)(to.ns - from.ns) / by_pm - 1) * 1e6;
	printf("clock, %s: %.0f us by the PM timer, %+.1f ppm\n", name, by_pm / 1000, ppm);
	return ppm > PPM_MAX || ppm < -PPM_MAX;
}

/* Late they may be, by what the machine is busy with; early never. */
static int check_timers(void)
{
	double total = 0, least = 1e18, most = 0;

	for (int i = 0; i < SLEEPS; i++) {
		uint32_t from = inl(PM_TIMER);
		double slept;

		sleep_ns(SLEEP_NS);
		slept = pm_ns(from, inl(PM_TIMER));
		total += slept;
		least = slept < least ? slept : least;
		most = slept > most ? slept : most;
	}
	printf("timers of %lld us: %.1f us at least, %.1f on the average, %.1f at most\n",
	       SLEEP_NS / 1000, least / 1000, total / SLEEPS / 1000, most / 1000);
	return least < (double)SLEEP_NS * (1 - PPM_MAX / 1e6) - EARLY_NS_MAX;
}

int main(void)
{
	int wrong;

	if (ioperm(PM_TIMER, 4, 1)) {
		perror("clocks: the PM timer's port");
		return 1;
	}
	wrong = check_clock("busy", work_ns) + check_clock("asleep", sleep_ns) + check_timers();
	if (wrong)
		printf("%d of 3 are off: more than %.0f ppm, or early\n", wrong, PPM_MAX);
	return wrong != 0;
}
