/* SPDX-License-Identifier: MIT */
/* How a run ends: its counts, the END line, the exit code, and the power. */
#ifndef TESTS_GUEST_LIB_REPORT_H
#define TESTS_GUEST_LIB_REPORT_H

#include "hv/abi.h"
#include "hv/types.h"

enum report_code {
	REPORT_PASSED = 0,
	REPORT_FAILED = 1,   /* a test failed */
	REPORT_ERROR = 2,    /* a test or the harness is broken, or the options are */
	REPORT_NONE_RAN = 3, /* nothing was selected */
};

struct report_counts {
	u32 outcomes[NESTOR_TEST_ERROR + 1]; /* by enum nestor_outcome */
	u32 benches;
};

/* The code that these counts deserve; the most severe wins. */
enum report_code report_code_of(const struct report_counts *counts);
/* Print the END line, stop the machine. */
_Noreturn void report_end(enum report_code code, const struct report_counts *counts);
/* "Bail out! text", then END with an error. */
_Noreturn void report_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
