/* SPDX-License-Identifier: MIT */
/* Nestor's hypercalls for a program of L1's: by the port (hv/abi.h). */
#ifndef TESTS_LINUX_TORTURE_CALLS_H
#define TESTS_LINUX_TORTURE_CALLS_H

#include <stdint.h>

#include "hv/abi.h"

struct call {
	uint64_t number, rbx, rcx, rdx;
};

/* Lets this thread and those that it starts at the port. 0, or what to say of why not. */
const char *calls_open(void);

/* 0 or a negative error; what comes back in RBX is in c->rbx. */
int64_t call_try(struct call *c);
/* The same, and an error ends the program. Returns RBX. */
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
