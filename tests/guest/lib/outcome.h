/* SPDX-License-Identifier: MIT */
/* Running one test function and judging it.
 * The EXPECT_*, SKIP and ERROR macros of tests/test.h report to here. */
#ifndef TESTS_GUEST_LIB_OUTCOME_H
#define TESTS_GUEST_LIB_OUTCOME_H

#include "hv/abi.h"
#include "hv/types.h"

#define OUTCOME_TEXT_MAX 300

struct outcome {
	enum nestor_outcome result;
	char text[OUTCOME_TEXT_MAX]; /* why, for every result but pass */
};

/*
 * Run a test and return its outcome; the most severe report wins, its first text is kept. A trap
 * that the test does not catch, and control registers that it leaves changed, are errors of the
 * test; the registers are put back.
 */
const struct outcome *outcome_of(void (*run)(void));
/* Say aloud the failures after the first (as TAP comments)? The self-check runs silent. */
void outcome_set_verbose(bool verbose);

#endif
