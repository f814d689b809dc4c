/* SPDX-License-Identifier: MIT */
/* What tests may ask the runner. */
#ifndef TESTS_GUEST_LIB_RUNNER_H
#define TESTS_GUEST_LIB_RUNNER_H

#include "hv/types.h"

/* The decimal number of an option that is one of runner.c's keys; `otherwise` where it is not
 * given. */
u64 runner_number(const char *key, u64 otherwise);
/* Its value, of *length characters; NULL where it is not given. */
const char *runner_text(const char *key, size_t *length);

#endif
