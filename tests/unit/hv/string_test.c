/* SPDX-License-Identifier: MIT */
/* The hypervisor's own string functions,
 * under other names so that libc's stay in use around them. */
#include <limits.h>
#include "unit.h"

#define memcpy  hv_memcpy
#define memmove hv_memmove
#define memset  hv_memset
#define memcmp  hv_memcmp
#define strlen  hv_strlen
#define strnlen hv_strnlen
#define strcmp  hv_strcmp
#define strncmp hv_strncmp
#define strchr  hv_strchr
#include "hv/string.c" /* NOLINT(bugprone-suspicious-include): to rename its functions */
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr

#define SPAN 40

static void fill(u8 *bytes)
{
	for (u8 i = 0; i < SPAN; i++)
		bytes[i] = (u8)(i + 1);
}

/* Every length and offset around the word size, neighbours untouched. */
UNIT(copy_and_set_equal_libc)
{
	u8 from[SPAN], got[SPAN], want[SPAN];

	fill(from);
	for (size_t at = 0; at < 9; at++) {
		for (size_t n = 0; n + at < SPAN; n++) {
			memset(got, 0xee, SPAN);
			memset(want, 0xee, SPAN);
			memcpy(want + at, from, n);
			assert_ptr_equal(hv_memcpy(got + at, from, n), got + at);
			assert_memory_equal(got, want, SPAN);
			memset(want + at, 0xa5, n);
			/* memset takes the low byte of its value. */
			assert_ptr_equal(hv_memset(got + at, 0x1a5, n), got + at);
			assert_memory_equal(got, want, SPAN);
		}
	}
}

UNIT(move_equals_libc_for_every_overlap)
{
	u8 got[SPAN], want[SPAN];

	for (size_t to = 0; to < SPAN; to++) {
		for (size_t from = 0; from < SPAN; from++) {
			size_t n = SPAN - MAX(to, from);

			fill(got);
			fill(want);
			memmove(want + to, want + from, n);
			assert_ptr_equal(hv_memmove(got + to, got + from, n), got + to);
			assert_memory_equal(got, want, SPAN);
		}
	}
}

UNIT(move_leaves_the_direction_flag_clear)
{
	char text[] = "abcdef";
	u64 flags;

	hv_memmove(text + 1, text, 4);
	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	assert_int_equal(flags & BIT(10), 0);
	assert_string_equal(text, "aabcdf");
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

UNIT(comparisons_agree_with_libc)
{
	static const char *const words[] = { "", "a", "ab", "abc", "abd", "b", "\x80", "a\xff" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(words); j++) {
			const char *a = words[i], *b = words[j];
			size_t both = MIN(strlen(a), strlen(b)) + 1;

			assert_int_equal(sign(hv_strcmp(a, b)), sign(strcmp(a, b)));
			assert_int_equal(sign(hv_memcmp(a, b, both)), sign(memcmp(a, b, both)));
			for (size_t n = 0; n < 5; n++)
				assert_int_equal(sign(hv_strncmp(a, b, n)), sign(strncmp(a, b, n)));
		}
	}
}

UNIT(lengths_and_search)
{
	static const char unterminated[3] = { 'x', 'y', 'z' };
	static const char word[] = "nestor";

	assert_int_equal(hv_strlen(""), 0);
	assert_int_equal(hv_strlen(word), 6);
	assert_int_equal(hv_strnlen(unterminated, 3), 3);
	assert_int_equal(hv_strnlen(word, 100), 6);
	assert_ptr_equal(hv_strchr(word, 's'), word + 2);
	assert_ptr_equal(hv_strchr(word, '\0'), word + 6);
	assert_null(hv_strchr(word, 'z'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_and_set_equal_libc),
		cmocka_unit_test(move_equals_libc_for_every_overlap),
		cmocka_unit_test(move_leaves_the_direction_flag_clear),
		cmocka_unit_test(comparisons_agree_with_libc),
		cmocka_unit_test(lengths_and_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
