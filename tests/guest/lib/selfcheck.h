/* SPDX-License-Identifier: MIT */
/* Proof, at the start of every run, that the harness can tell a bad test from a good one. */
#ifndef TESTS_GUEST_LIB_SELFCHECK_H
#define TESTS_GUEST_LIB_SELFCHECK_H

/* NULL, or what the harness got wrong. */
const char *selfcheck(void);

#endif
