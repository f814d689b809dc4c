/* SPDX-License-Identifier: MIT */
/*
 * The main function of a test image: proves that the harness can fail, runs the selected tests in
 * the order of their names, then the benches, and ends with a verdict.
 *
 *     suite=a,b     only these suites
 *     test=a,b      only tests of these names
 *     bench=a,b     these benches, or all, or none; with suite= or test=, none unless asked
 *     profile=a     no benches, but one iteration of this one between two marks (make profile)
 *     list          print the names, run nothing
 *     kicks=n       how many kicks the tests of kicks send
 *     rounds=n      how often the demo computes what it does in a suite
 *     typed=text    what will be typed at COM1 each time a test says "guest: type now"
 */
#include "tests/guest/lib/runner.h"
#include "tests/guest/lib/bench.h"
#include "tests/guest/lib/cmdline.h"
#include "tests/guest/lib/console.h"
#include "tests/guest/lib/init.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/outcome.h"
#include "tests/guest/lib/report.h"
#include "tests/guest/lib/selfcheck.h"
#include "tests/test.h"

extern const struct test guest_tests_start[], guest_tests_end[];
extern const struct bench guest_benches_start[], guest_benches_end[];

static const char *const keys[] = { "suite", "test",  "bench",  "profile",
				    "list",  "kicks", "rounds", "typed" };
static const char *options = "";

u64 runner_number(const char *key, u64 otherwise)
{
	size_t length;
	u64 number;

	if (!cmdline_find(options, key, &length))
		return otherwise;
	if (!cmdline_number(options, key, &number))
		report_fatal("%s= takes a decimal number", key);
	return number;
}

const char *runner_text(const char *key, size_t *length)
{
	return cmdline_find(options, key, length);
}

static bool is_test_selected(const char *cmdline, const struct test *test)
{
	size_t length;
	const char *list = cmdline_find(cmdline, "suite", &length);

	if (list && !cmdline_list_has(list, length, test->suite))
		return false;
	list = cmdline_find(cmdline, "test", &length);
	return !list || cmdline_list_has(list, length, test->name);
}

static bool is_bench_selected(const char *cmdline, const struct bench *bench)
{
	size_t length;
	const char *list = cmdline_find(cmdline, "bench", &length);

	if (!list)
		return bench->place != WHEN_NAMED && !cmdline_find(cmdline, "suite", &length) &&
		       !cmdline_find(cmdline, "test", &length);
	return (bench->place != WHEN_NAMED && cmdline_list_has(list, length, "all")) ||
	       cmdline_list_has(list, length, bench->name);
}

static void print_outcome(u32 number, const struct test *test, const struct outcome *outcome)
{
	switch (outcome->result) {
	case NESTOR_TEST_PASS:
		print_line("ok %u - %s/%s", number, test->suite, test->name);
		return;
	case NESTOR_TEST_SKIP:
		print_line("ok %u - %s/%s # SKIP %s", number, test->suite, test->name,
			   outcome->text);
		return;
	case NESTOR_TEST_FAIL:
	case NESTOR_TEST_ERROR:
		print_line("not ok %u - %s/%s # %s", number, test->suite, test->name,
			   outcome->text);
		return;
	}
}

static void run_tests(const char *cmdline, struct report_counts *counts)
{
	u32 planned = 0, number = 0;

	for (const struct test *test = guest_tests_start; test < guest_tests_end; test++)
		planned += is_test_selected(cmdline, test);
	print_line("TAP version 13");
	print_line("1..%u", planned);
	for (const struct test *test = guest_tests_start; test < guest_tests_end; test++) {
		const struct outcome *outcome;

		if (!is_test_selected(cmdline, test))
			continue;
		outcome = outcome_of(test->run);
		counts->outcomes[outcome->result]++;
		print_outcome(++number, test, outcome);
		if (nestor_is_present())
			nestor_call(NESTOR_CALL_TEST_RESULT, outcome->result, 0, NULL);
	}
}

static void run_benches(const char *cmdline, struct report_counts *counts)
{
	for (const struct bench *bench = guest_benches_start; bench < guest_benches_end; bench++) {
		if (!is_bench_selected(cmdline, bench))
			continue;
		if (!bench_run(bench))
			counts->outcomes[NESTOR_TEST_FAIL]++;
		counts->benches++;
	}
}

static void run_profile(const char *list, size_t length)
{
	for (const struct bench *bench = guest_benches_start; bench < guest_benches_end; bench++) {
		const char *why;

		if (!cmdline_list_has(list, length, bench->name))
			continue;
		why = bench_profile(bench);
		print_line("# profile of %s: %s", bench->name, why ? why : "ran");
	}
}

_Noreturn static void list_all(void)
{
	static const struct report_counts none;

	for (const struct test *test = guest_tests_start; test < guest_tests_end; test++)
		print_line("# %s/%s", test->suite, test->name);
	for (const struct bench *bench = guest_benches_start; bench < guest_benches_end; bench++)
		print_line("# bench %s", bench->name);
	report_end(REPORT_PASSED, &none);
}

_Noreturn void guest_main(const char *cmdline)
{
	struct report_counts counts = { 0 };
	const char *wrong, *profiled;
	size_t length;

	wrong = cmdline_find_unknown(cmdline, keys, ARRAY_SIZE(keys), &length);
	if (wrong)
		report_fatal("unknown option '%.*s'; expected suite=, test=, bench=, profile=, "
			     "kicks=, rounds=, typed= or list",
			     (int)length, wrong);
	if (cmdline_find(cmdline, "list", &length))
		list_all();
	wrong = selfcheck();
	if (wrong)
		report_fatal("the harness is broken: %s", wrong);

	options = cmdline;
	outcome_set_verbose(true);
	run_tests(cmdline, &counts);
	profiled = cmdline_find(cmdline, "profile", &length);
	if (profiled)
		run_profile(profiled, length);
	else
		run_benches(cmdline, &counts);
	report_end(report_code_of(&counts), &counts);
}
