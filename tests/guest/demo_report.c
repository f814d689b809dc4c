/* SPDX-License-Identifier: MIT */
/* What the demo tells when it is over: what happened, by whom it was served, and what it cost. */
#include "hv/string.h"
#include "hv/x86.h"
#include "tests/guest/demo.h"
#include "tests/guest/lib/console.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/vmx_bench.h"

#define ROUND_TRIPS 1000u

static const char *const reason_names[DEMO_REASONS] = {
#define EXIT_REASON(number, name, text) [number] = (text),
#include "vmx/exit_reasons.def"
#undef EXIT_REASON
};

static const char *const counter_texts[NESTOR_COUNTERS] = {
#define COUNTER(name, text) [NESTOR_COUNTER_##name] = (text),
#include "hv/counters.def"
#undef COUNTER
};

static const char *const nested_texts[NESTOR_NESTED_COUNTS] = {
#define NESTED_COUNT(name, from, text) [NESTOR_NESTED_##name] = (text),
#include "hv/nested_counts.def"
#undef NESTED_COUNT
};

BENCH_L2_CODE(call, "1: vmcall; jmp 1b")

void demo_books_read(struct demo_books *books)
{
	memset(books, 0, sizeof(*books));
	if (!nestor_is_present())
		return;
	nestor_read_counters(books->counters);
	nestor_read_nested(books->nested);
	nestor_call(NESTOR_CALL_EXIT_COUNTS, (u64)books->exits, DEMO_REASONS, NULL);
	nestor_call(NESTOR_CALL_EXITS_OF_L2, (u64)books->exits_l2, DEMO_REASONS, NULL);
}

static const char *name_of(u32 reason)
{
	return reason_names[reason] ? reason_names[reason] : "unknown reasons";
}

static void print_row(const char *what, u64 first, u64 second)
{
	print_line("#   %-44s %9llu %9llu", what, (unsigned long long)first,
		   (unsigned long long)second);
}

#define ROW(what, field) print_row(what, demo_l2s[0].field, demo_l2s[1].field)

static void print_exits_to_l1(void)
{
	print_line("#   and took over from it after");
	for (u32 reason = 0; reason < DEMO_REASONS; reason++) {
		if (demo_l2s[0].exits[reason] || demo_l2s[1].exits[reason])
			ROW(name_of(reason), exits[reason]);
	}
}

static void print_l2s(u32 cpus)
{
	bool is_nested = nestor_is_present(), is_moved_by_l0 = demo_memory_is_nestors();

	print_line("#");
	print_line(
		"# %s ran L1, a small hypervisor on %u %s%s; L1 ran two L2s, a sieve that counts",
		is_nested ? "Nestor (L0)" : "The bare CPU", cpus, is_nested ? "vCPU" : "CPU",
		cpus > 1 ? "s" : "");
	print_line(
		"# primes and a heapsort, each in 64 pages. In the midst of each turn of the one,");
	print_line("# %s the other's pages to different addresses of L1's memory%s",
		   is_moved_by_l0 ? "Nestor moved" : "L1 copied", cpus > 1 ? " while it was" : ".");
	if (cpus > 1)
		print_line("# running on the other vCPU, mostly; every second turn the L2s changed "
			   "places.");
	if (is_moved_by_l0)
		print_line("# Before each move Nestor also migrated the pages to other frames, "
			   "unseen by L1.");
	print_line("#");
	print_line("#   %-44s %9s %9s", "what L1 saw", demo_l2s[0].name, demo_l2s[1].name);
	ROW("rounds computed", job.done);
	ROW("of them with a wrong result", job.wrong);
	ROW("turns on a vCPU", turns);
	ROW("changes to the other vCPU", switches);
	ROW("moves of its 64 pages", moves);
	ROW("of them while it was running", moves_while_inside);
	if (is_moved_by_l0) {
		ROW("migrations of its 64 pages", migrations);
		ROW("of them while it was running", migrations_while_inside);
	}
	print_exits_to_l1();
}

static void print_exits(const struct demo_books *before, const struct demo_books *after)
{
	print_line("#");
	print_line("#   %-44s %9s %9s", "what Nestor did for it: exits after", "of L1", "of L2s");
	for (u32 reason = 0; reason < DEMO_REASONS; reason++) {
		u64 of_l1 = after->exits[reason] - before->exits[reason];
		u64 of_l2 = after->exits_l2[reason] - before->exits_l2[reason];

		if (of_l1 || of_l2)
			print_row(name_of(reason), of_l1, of_l2);
	}
}

static void print_growth(const char *const *texts, const u64 *before, const u64 *after, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		if (after[i] != before[i])
			print_line("#   %-54s %9llu", texts[i],
				   (unsigned long long)(after[i] - before[i]));
	}
}

static void print_counters(const struct demo_books *before, const struct demo_books *after)
{
	print_line("#");
	print_line("#   what it keeps: contexts of VMCSs, EPT02 of each EPT12");
	print_growth(nested_texts, before->nested, after->nested, NESTOR_NESTED_COUNTS);
	print_line("#");
	print_line("#   what else it counted");
	print_growth(counter_texts, before->counters, after->counters, NESTOR_COUNTERS);
}

/* A thousand round trips with nothing else around. */
static void print_round_trip(void)
{
	const char *why = vmx_bench_prepare(call, true);
	bool is_nested = nestor_is_present();
	struct demo_books before, after;
	u64 ticks, exits, accesses;

	demo_books_read(&before);
	ticks = rdtsc();
	for (u32 i = 0; !why && i < ROUND_TRIPS; i++)
		bench_resume(0, 0);
	ticks = (rdtsc() - ticks) / ROUND_TRIPS;
	demo_books_read(&after);
	EXPECT(!why && !vmx_bench_finish());
	exits = after.counters[NESTOR_COUNTER_EXITS] - before.counters[NESTOR_COUNTER_EXITS];
	accesses = after.counters[NESTOR_COUNTER_VMREAD] - before.counters[NESTOR_COUNTER_VMREAD] +
		   after.counters[NESTOR_COUNTER_VMWRITE] - before.counters[NESTOR_COUNTER_VMWRITE];
	print_line("#");
	print_line(
		"# A round trip (L1 enters L2, L2 calls L1) takes %llu ticks; with Bochs these are",
		(unsigned long long)ticks);
	print_line("# instructions, of all levels together.%s",
		   is_nested ? "" : " Here is no Nestor.");
	if (is_nested)
		print_line("# In it Nestor handles %llu exits, with %llu VMREAD and VMWRITE.",
			   (unsigned long long)(exits / ROUND_TRIPS),
			   (unsigned long long)(accesses / ROUND_TRIPS));
}

void demo_report(const struct demo_books *before, const struct demo_books *after, u32 cpus)
{
	print_l2s(cpus);
	if (nestor_is_present()) {
		print_exits(before, after);
		print_counters(before, after);
	}
	print_round_trip();
	print_line("#");
}
