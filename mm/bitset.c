/* SPDX-License-Identifier: MIT */
/* Hierarchical bitset. Invariant: a bit of level n + 1
 * is set exactly when its word of level n is not zero. */
#include "mm/bitset.h"
#include "hv/panic.h"
#include "hv/string.h"

#define WORD_SHIFT 6
#define WORD_BITS  64u

static u64 words_for(u64 bits)
{
	return (bits + WORD_BITS - 1) >> WORD_SHIFT;
}

u64 bitset_words(u64 bits)
{
	u64 total = 0;

	do {
		bits = words_for(bits);
		total += bits;
	} while (bits > 1);
	return total;
}

void bitset_init(struct bitset *set, u64 *words, u64 bits)
{
	u64 count = bits;

	ASSERT(bits > 0);
	memset(words, 0, bitset_words(bits) * sizeof(*words));
	set->bits = bits;
	set->levels = 0;
	do {
		ASSERT(set->levels < BITSET_LEVELS);
		count = words_for(count);
		set->words[set->levels++] = words;
		words += count;
	} while (count > 1);
}

void bitset_set(struct bitset *set, u64 n)
{
	ASSERT(n < set->bits);
	for (u32 level = 0; level < set->levels; level++, n >>= WORD_SHIFT)
		set->words[level][n >> WORD_SHIFT] |= BIT(n % WORD_BITS);
}

void bitset_clear(struct bitset *set, u64 n)
{
	ASSERT(n < set->bits);
	for (u32 level = 0; level < set->levels; level++, n >>= WORD_SHIFT) {
		u64 *word = &set->words[level][n >> WORD_SHIFT];

		*word &= ~BIT(n % WORD_BITS);
		if (*word)
			return;
	}
}

bool bitset_test(const struct bitset *set, u64 n)
{
	ASSERT(n < set->bits);
	return set->words[0][n >> WORD_SHIFT] & BIT(n % WORD_BITS);
}

/* The first member below this bit of a level, which is known to be set. */
static u64 descend(const struct bitset *set, u32 level, u64 n)
{
	while (level-- > 0)
		n = n << WORD_SHIFT | (u64)__builtin_ctzll(set->words[level][n]);
	return n;
}

u64 bitset_find(const struct bitset *set, u64 from)
{
	u64 limit = set->bits; /* bits of this level */

	for (u32 level = 0; level < set->levels && from < limit; level++) {
		u64 word = set->words[level][from >> WORD_SHIFT] & (~0ULL << from % WORD_BITS);

		if (word)
			return descend(set, level,
				       ALIGN_DOWN(from, WORD_BITS) + (u64)__builtin_ctzll(word));
		from = (from >> WORD_SHIFT) + 1;
		limit = words_for(limit);
	}
	return BITSET_NONE;
}
