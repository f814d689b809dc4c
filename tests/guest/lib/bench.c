/* SPDX-License-Identifier: MIT */
/* Measuring: each loop once to warm up and once by the clock, and Nestor's counters around it. */
#include "tests/guest/lib/bench.h"
#include "hv/format.h"
#include "hv/x86.h"
#include "tests/guest/lib/console.h"
#include "tests/guest/lib/nestor.h"

#define CALIBRATION_LOOPS 10000
#define CALIBRATION_SLACK 16 /* instructions around the loops */
#define LINE_MAX          (CONSOLE_LINE_MAX - 64)
#define PROFILE_WARM_UPS  8
#define COUNTS            (NESTOR_COUNTERS + NESTOR_NESTED_COUNTS)

struct line {
	char text[LINE_MAX];
	size_t length; /* of the whole text; LINE_MAX or more when it was cut */
};

struct measurement {
	u64 ticks;
	u64 counts[COUNTS]; /* Nestor's counters, then those of its nested VMX */
};

static const char *const names[COUNTS] = {
#define COUNTER(name, text) #name,
#include "hv/counters.def"
#undef COUNTER
#define NESTED_COUNT(name, from, text) #name,
#include "hv/nested_counts.def"
#undef NESTED_COUNT
};

/* What is told also where there was none. */
static const bool is_always_told[COUNTS] = {
	[NESTOR_COUNTER_WINDOW_PTE_WRITES] = true,
	[NESTOR_COUNTER_INVLPG] = true,
	[NESTOR_COUNTER_REGION_LOOKUPS] = true,
	[NESTOR_COUNTER_KICKS] = true,
};

/*
 * Bochs' time-stamp counter counts instructions. Two loops whose bodies differ by three
 * instructions and by one cycle or less on any CPU with a clock tell it from one that counts time.
 */
BENCH_LOOP(loop_short, "", "")
BENCH_LOOP(loop_long, "", "nop\n\tnop\n\tnop")

static u64 ticks_of(void (*run)(u64), u64 iterations)
{
	u64 start = rdtsc();

	run(iterations);
	return rdtsc() - start;
}

static bool is_instruction_counter(void)
{
	u64 shorter = ticks_of(loop_short, CALIBRATION_LOOPS);
	u64 longer = ticks_of(loop_long, CALIBRATION_LOOPS);

	return longer - shorter + CALIBRATION_SLACK - 3 * CALIBRATION_LOOPS <=
	       2 * CALIBRATION_SLACK;
}

static void read_counts(struct measurement *m)
{
	if (!nestor_is_present())
		return;
	nestor_read_counters(m->counts);
	if (nestor_has(NESTOR_CAP_NESTED))
		nestor_read_nested(m->counts + NESTOR_COUNTERS);
}

static struct measurement measure(void (*run)(u64), u64 iterations)
{
	struct measurement before = { 0 }, after = { 0 };

	run(1);
	read_counts(&before);
	after.ticks = ticks_of(run, iterations);
	read_counts(&after);
	for (size_t i = 0; i < COUNTS; i++)
		after.counts[i] -= before.counts[i];
	return after;
}

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *fmt, ...)
{
	va_list ap;

	if (line->length >= LINE_MAX)
		return;
	va_start(ap, fmt);
	line->length += format_text_va(line->text + line->length, LINE_MAX - line->length, fmt, ap);
	va_end(ap);
}

/* Append " name=value" in small letters, the value by iteration: whole when it divides, else with
 * two decimals, rounded up so that it is not 0. */
static void append_count(struct line *line, const char *name, u64 total, u64 iterations)
{
	u64 hundredths = (total * 100 + iterations - 1) / iterations;

	append(line, " ");
	for (; *name; name++)
		append(line, "%c", *name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name);
	append(line, "=%llu", (unsigned long long)(hundredths / 100));
	if (total % iterations)
		append(line, ".%02llu", (unsigned long long)(hundredths % 100));
}

/* A noisy clock may put the empty loop above the full one. */
static u64 difference(u64 with, u64 without)
{
	return with > without ? with - without : 0;
}

static const char *reason_not_to_run(const struct bench *bench)
{
	if (bench->place == NESTOR_ONLY && !nestor_is_present())
		return "needs Nestor";
	if (bench->place == WHEN_NAMED && !nestor_has(NESTOR_CAP_TEST_CALLS))
		return "needs Nestor with test_calls = on";
	return bench->frame ? bench->frame->prepare() : NULL;
}

bool bench_run(const struct bench *bench)
{
	const char *why = reason_not_to_run(bench);
	struct measurement with, without;
	struct line line = { .length = 0 };
	u64 ticks;

	if (why) {
		print_line("# BENCH %s not run: %s", bench->name, why);
		return true;
	}
	with = measure(bench->with, bench->iterations);
	without = measure(bench->without, bench->iterations);
	why = bench->frame ? bench->frame->finish() : NULL;
	if (why) {
		print_line("# BENCH %s has no result: %s", bench->name, why);
		return false;
	}
	ticks = difference(with.ticks, without.ticks);
	append(&line, " %s=%llu", is_instruction_counter() ? "insns" : "ticks",
	       (unsigned long long)((ticks + bench->iterations / 2) / bench->iterations));
	for (size_t i = 0; nestor_is_present() && i < COUNTS; i++) {
		u64 total = difference(with.counts[i], without.counts[i]);

		if (total || is_always_told[i])
			append_count(&line, names[i], total, bench->iterations);
	}
	print_line("BENCH %s%s", bench->name, line.text);
	return true;
}

/* A debugger of Bochs' stops here; else it does nothing. */
static void mark(void)
{
	__asm__ volatile("xchg %bx, %bx");
}

const char *bench_profile(const struct bench *bench)
{
	const char *why = reason_not_to_run(bench);

	if (why)
		return why;
	for (u32 i = 0; i < PROFILE_WARM_UPS; i++)
		bench->with(1);
	mark();
	bench->with(1);
	mark();
	return bench->frame ? bench->frame->finish() : NULL;
}
