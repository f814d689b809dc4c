/* SPDX-License-Identifier: MIT */
/* Faults of L0 on purpose, so that tests can prove guard pages, permissions and dumps. */
#ifndef HV_PANIC_TEST_H
#define HV_PANIC_TEST_H

#include "hv/types.h"

enum panic_test {
	PANIC_TEST_NONE,
	PANIC_TEST_ASSERT,   /* a broken promise: PANIC without an exception */
	PANIC_TEST_UD,       /* an invalid instruction: #UD */
	PANIC_TEST_OVERFLOW, /* endless recursion: the guard page, #DF on its own stack */
	PANIC_TEST_CODE,     /* a write to code: #PF, error code 3 */
	PANIC_TEST_CONST,    /* a write to a constant: #PF, error code 3 */
	PANIC_TEST_NX,       /* a jump into data: #PF, error code 0x11 */
	PANIC_TEST_NULL,     /* a read of address 0: #PF, error code 0 */
	PANIC_TESTS,
};

/* Does what its name says, on this CPU; returns for PANIC_TEST_NONE only.
 * A fault that does not come is a panic too. */
void panic_test_run(enum panic_test which);

#endif
