/* SPDX-License-Identifier: MIT */
/*
 * A set of small numbers as a tree of bits: level 0 has a bit per number, a bit of level n + 1 says
 * that a word of level n is not zero. So every operation touches at most one word a level. The
 * caller owns the words and does the locking.
 */
#ifndef MM_BITSET_H
#define MM_BITSET_H

#include "hv/types.h"

#define BITSET_LEVELS 6 /* 64^6 numbers */
#define BITSET_NONE   (~0ULL)

struct bitset {
	u64 *words[BITSET_LEVELS];
	u64 bits;
	u32 levels;
};

/* How many words bitset_init needs for numbers 0 ≤ n < bits; bits ≥ 1. */
u64 bitset_words(u64 bits);
/* An empty set; words stay the caller's and must outlive the set. */
void bitset_init(struct bitset *set, u64 *words, u64 bits);
void bitset_set(struct bitset *set, u64 n);
void bitset_clear(struct bitset *set, u64 n);
bool bitset_test(const struct bitset *set, u64 n);
/* The smallest member ≥ from, or BITSET_NONE. */
u64 bitset_find(const struct bitset *set, u64 from);

#endif
