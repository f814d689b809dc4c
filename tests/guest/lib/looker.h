/* SPDX-License-Identifier: MIT */
/* Who reads a word all the time, on another CPU, in L1 or as an L2, while the test changes what is
 * there. What it may find the test says, from the return of a change on. */
#ifndef TESTS_GUEST_LIB_LOOKER_H
#define TESTS_GUEST_LIB_LOOKER_H

#include "hv/types.h"

/* Where the looker has the word, which may be anything at first. */
void looker_begin(u64 address);
/* The looker: once. */
void looker_look(void);

/* Before a change: it may find anything. */
void looker_finds_anything(void);
/* After it: this alone. Wait until it has looked so often; false: it stands still. */
bool looker_finds(u64 value, u32 times);
/* It has looked, and found nothing else. */
void looker_expect_right(void);

/* A region comes to REGION_HERE, with a word of this round, and goes; it looks so often at each.
 * False: a call failed, or it stands still. */
bool looker_sees_region(u64 round, u32 times);
/* The word of a round. */
static inline u64 looker_word(u64 round)
{
	return 4 * round + 1;
}

#endif
