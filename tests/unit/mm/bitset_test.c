/* SPDX-License-Identifier: MIT */
/* mm/bitset.c beside an array of bools, and at the edges of its levels. */
#include "unit.h"
#include "host_memory.h"
#include "mm/bitset.h"

#define BITS_MAX 300000u

static struct bitset set;
static u64 *words;

static void make_set(u64 bits)
{
	free(words);
	words = malloc(bitset_words(bits) *
		       sizeof(u64)); /* exact, so that ASan sees a word too many */
	bitset_init(&set, words, bits);
}

UNIT(books_are_one_bit_and_a_sixtythird)
{
	assert_int_equal(bitset_words(1), 1);
	assert_int_equal(bitset_words(64), 1);
	assert_int_equal(bitset_words(65), 2 + 1);
	assert_int_equal(bitset_words(4096), 64 + 1);
	assert_int_equal(bitset_words(4097), 65 + 2 + 1);
}

UNIT(empty_set_has_no_member)
{
	make_set(5000);
	assert_true(bitset_find(&set, 0) == BITSET_NONE);
	assert_true(bitset_find(&set, 4999) == BITSET_NONE);
	for (u64 n = 0; n < 5000; n++)
		assert_false(bitset_test(&set, n));
}

UNIT(each_single_member_is_found_from_everywhere_below)
{
	static const u64 members[] = { 0, 1, 63, 64, 65, 4095, 4096, 4097, 262143, 262144, 299999 };

	make_set(BITS_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		bitset_set(&set, members[i]);
		assert_int_equal(bitset_find(&set, 0), members[i]);
		assert_int_equal(bitset_find(&set, members[i]), members[i]);
		assert_true(bitset_find(&set, members[i] + 1) == BITSET_NONE);
		bitset_clear(&set, members[i]);
		assert_true(bitset_find(&set, 0) == BITSET_NONE);
	}
}

UNIT(clearing_one_of_two_in_a_word_keeps_the_other)
{
	make_set(BITS_MAX);
	bitset_set(&set, 70000);
	bitset_set(&set, 70001);
	bitset_clear(&set, 70000);
	assert_int_equal(bitset_find(&set, 0), 70001);
}

UNIT(set_and_clear_twice_is_as_once)
{
	make_set(100);
	bitset_set(&set, 7);
	bitset_set(&set, 7);
	bitset_clear(&set, 7);
	bitset_clear(&set, 7);
	assert_true(bitset_find(&set, 0) == BITSET_NONE);
}

static u64 model_find(const bool *model, u64 bits, u64 from)
{
	while (from < bits && !model[from])
		from++;
	return from < bits ? from : BITSET_NONE;
}

static void compare_with_model(u64 bits, u64 seed, u32 density)
{
	bool *model = calloc(bits, sizeof(bool));

	make_set(bits);
	for (u32 i = 0; i < 20000; i++) {
		u64 n = unit_random(&seed) % bits;
		u64 from = unit_random(&seed) % bits;

		model[n] = unit_random(&seed) % 100 < density;
		if (model[n])
			bitset_set(&set, n);
		else
			bitset_clear(&set, n);
		assert_int_equal(bitset_test(&set, n), model[n]);
		if (i % 16 == 0)
			assert_true(bitset_find(&set, from) == model_find(model, bits, from));
	}
	free(model);
}

UNIT(random_operations_agree_with_an_array)
{
	compare_with_model(1, 11, 50);
	compare_with_model(64, 12, 10);
	compare_with_model(1000, 13, 5);
	compare_with_model(5000, 14, 50);
	compare_with_model(BITS_MAX, 15, 30);
}

static void set_beyond_the_end(void)
{
	bitset_set(&set, 100);
}

UNIT(number_beyond_the_end_is_refused)
{
	make_set(100);
	assert_true(host_panics(set_beyond_the_end, "n < set->bits"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(books_are_one_bit_and_a_sixtythird),
		cmocka_unit_test(empty_set_has_no_member),
		cmocka_unit_test(each_single_member_is_found_from_everywhere_below),
		cmocka_unit_test(clearing_one_of_two_in_a_word_keeps_the_other),
		cmocka_unit_test(set_and_clear_twice_is_as_once),
		cmocka_unit_test(random_operations_agree_with_an_array),
		cmocka_unit_test(number_beyond_the_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
