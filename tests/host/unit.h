/* SPDX-License-Identifier: MIT */
/* cmocka and what its header needs before it,
 * and one line to declare a test: UNIT(name) { ... }. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hv/types.h"

#define UNIT(name) static void name(__attribute__((unused)) void **state)

/* Numbers that look random and are the same in every run (xorshift64*). */
static inline u64 unit_random(u64 *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1dULL;
}

#endif
