/* SPDX-License-Identifier: MIT */
/* Hidden tests with known outcomes, run through the macros and the judge that the real ones use. */
#include "tests/guest/lib/selfcheck.h"
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/outcome.h"
#include "tests/guest/lib/report.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

static u32 one = 1;

static void passes(void)
{
	EXPECT(READ_ONCE(one) == 1);
	EXPECT_EQ(READ_ONCE(one), 1);
}

static void expect_fails(void)
{
	EXPECT(READ_ONCE(one) == 2);
}

static void expect_eq_fails(void)
{
	EXPECT_EQ(READ_ONCE(one), 2);
	EXPECT_EQ(READ_ONCE(one), 1);
}

static void skips(void)
{
	SKIP("on purpose");
}

static void fails_then_skips(void)
{
	EXPECT_EQ(READ_ONCE(one), 2);
	SKIP("on purpose");
}

static void fails_then_errs(void)
{
	EXPECT_EQ(READ_ONCE(one), 2);
	ERROR("on purpose");
}

static void traps(void)
{
	__asm__ volatile("ud2");
}

static void leaves_cr0_changed(void)
{
	write_cr0(read_cr0() | CR0_TS);
}

static void catches_its_trap(void)
{
	struct trap trap = TRAP_OF(__asm__ volatile("ud2"));

	EXPECT_EQ(trap.vector, VECTOR_UD);
	trap = TRAP_OF(__asm__ volatile("nop"));
	EXPECT_EQ(trap.vector, TRAP_NONE);
}

static const struct {
	void (*run)(void);
	enum nestor_outcome want;
	const char *name;
} checks[] = {
	{ passes, NESTOR_TEST_PASS, "a true EXPECT does not pass" },
	{ expect_fails, NESTOR_TEST_FAIL, "a false EXPECT does not fail" },
	{ expect_eq_fails, NESTOR_TEST_FAIL, "a false EXPECT_EQ does not fail" },
	{ skips, NESTOR_TEST_SKIP, "SKIP does not skip" },
	{ fails_then_skips, NESTOR_TEST_FAIL, "a failure is hidden by a later SKIP" },
	{ fails_then_errs, NESTOR_TEST_ERROR, "an ERROR is hidden by an earlier failure" },
	{ traps, NESTOR_TEST_ERROR, "a trap that nobody catches is no error" },
	{ leaves_cr0_changed, NESTOR_TEST_ERROR, "a changed CR0 is no error" },
	{ catches_its_trap, NESTOR_TEST_PASS, "TRAP_OF does not tell a trap from none" },
};

static const struct {
	struct report_counts counts;
	enum report_code want;
} verdicts[] = {
	{ { .outcomes = { 0 } }, REPORT_NONE_RAN },
	{ { .outcomes = { [NESTOR_TEST_PASS] = 1 } }, REPORT_PASSED },
	{ { .outcomes = { [NESTOR_TEST_PASS] = 1, [NESTOR_TEST_FAIL] = 1 } }, REPORT_FAILED },
	{ { .outcomes = { [NESTOR_TEST_FAIL] = 1, [NESTOR_TEST_ERROR] = 1 } }, REPORT_ERROR },
};

const char *selfcheck(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (outcome_of(checks[i].run)->result != checks[i].want)
			return checks[i].name;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		if (report_code_of(&verdicts[i].counts) != verdicts[i].want)
			return "the exit code does not follow the counts";
	}
	return NULL;
}
