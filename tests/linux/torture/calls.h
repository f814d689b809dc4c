/* SPDX-License-Identifier: MIT */
/* Calls that must not fail, the end of the program where one does, and chance. */
#ifndef TESTS_LINUX_TORTURE_CALLS_H
#define TESTS_LINUX_TORTURE_CALLS_H

#include "tests/linux/lib/port.h"

/* An error ends the program. Returns RBX. */
uint64_t call_make(struct call c);

/* End the program: a byte was wrong, or a call failed. */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What the actor is at, for that line. */
void now_doing(const char *what, uint64_t gpa);

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* 0 to below - 1. */
static inline uint64_t random_below(uint64_t *state, uint64_t below)
{
	return random_next(state) % below;
}

#endif
