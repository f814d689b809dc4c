/* SPDX-License-Identifier: MIT */
/* hv/format.c against libc's snprintf where both promise the same,
 * and against fixed text elsewhere. */
#include <limits.h>
#include <stdio.h>
#include "unit.h"

#include "hv/format.h"

/* Same text and same length as libc, in a large buffer and in one that cuts the text. */
#define SAME_AS_LIBC(...)                                                      \
	do {                                                                   \
		char ours[256], libcs[256], cut_ours[8], cut_libcs[8];         \
                                                                               \
		assert_int_equal(format_text(ours, sizeof(ours), __VA_ARGS__), \
				 snprintf(libcs, sizeof(libcs), __VA_ARGS__)); \
		assert_string_equal(ours, libcs);                              \
		(void)format_text(cut_ours, sizeof(cut_ours), __VA_ARGS__);    \
		snprintf(cut_libcs, sizeof(cut_libcs), __VA_ARGS__);           \
		assert_string_equal(cut_ours, cut_libcs);                      \
	} while (0)

#pragma GCC diagnostic ignored "-Wformat-truncation"

UNIT(plain_text_is_copied)
{
	SAME_AS_LIBC("hello, world");
	SAME_AS_LIBC("100%%");
	SAME_AS_LIBC("%s", "");
}

UNIT(integers_match_libc)
{
	SAME_AS_LIBC("%d %i %u %x %X", -1, INT_MIN, UINT_MAX, 0xbeefu, 0xbeefu);
	SAME_AS_LIBC("%d|%u|%x", 0, 0u, 0u);
	SAME_AS_LIBC("%lld %llu %llx", LLONG_MIN, ULLONG_MAX, ULLONG_MAX);
	SAME_AS_LIBC("%ld %lu %zu %zx", LONG_MIN, ULONG_MAX, (size_t)7, (size_t)-1);
	SAME_AS_LIBC("%hd %hu %hhd %hhu %hhx", (short)-2, (unsigned short)65535, (signed char)-3,
		     (unsigned char)255, (unsigned char)0xab);
}

UNIT(width_flags_and_precision_match_libc)
{
	SAME_AS_LIBC("[%5d] [%-5d] [%05d] [%05d]", 42, 42, 42, -42);
	SAME_AS_LIBC("[%16llx] [%016llx] [%-16llx]", 0x1234ull, 0x1234ull, 0x1234ull);
	SAME_AS_LIBC("[%*d] [%*d] [%0*x]", 6, 1, -6, 2, 8, 0xffu);
	SAME_AS_LIBC("[%2d]", 12345);
	SAME_AS_LIBC("[%8.3d] [%.8x] [%-8.3u]", -5, 0x12u, 7u);
	SAME_AS_LIBC("[%3c] [%-3c]", 'a', 'b');
}

UNIT(strings_match_libc)
{
	static const char unterminated[3] = { 'a', 'b', 'c' };

	SAME_AS_LIBC("[%s] [%8s] [%-8s]", "text", "text", "text");
	SAME_AS_LIBC("[%.2s] [%8.2s] [%.*s] [%.*s]", "text", "text", 3, "text", -1, "text");
	SAME_AS_LIBC("[%.0s]", "text");
	/* Expect: not one byte past the precision is read (ASan would tell). */
	SAME_AS_LIBC("[%.*s]", (int)sizeof(unterminated), unterminated);
}

UNIT(null_string_and_pointer)
{
	const char *volatile nothing = NULL;
	char buf[64];

	(void)format_text(buf, sizeof(buf), "%s %p %p", nothing, (void *)0x1000, NULL);
	assert_string_equal(buf, "(null) 0x1000 0x0");
}

static size_t format_unchecked(char *buf, size_t size, const char *fmt, ...)
{
	size_t length;
	va_list ap;

	va_start(ap, fmt);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	length = format_text_va(buf, size, fmt, ap);
#pragma GCC diagnostic pop
	va_end(ap);
	return length;
}

UNIT(odd_conversions)
{
	static const char *const formats[] = {
		"%f", "%08.3q %", "%", "50%", "%l", "%-5.2", "%ll!"
	};
	char buf[64];

	/* A known one that the compiler would warn of: the flag - wins over 0. */
	format_unchecked(buf, sizeof(buf), "[%-05d]", 42);
	assert_string_equal(buf, "[42   ]");
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		assert_int_equal(format_unchecked(buf, sizeof(buf), formats[i]),
				 strlen(formats[i]));
		assert_string_equal(buf, formats[i]);
	}
}

UNIT(the_buffer_bounds_hold)
{
	char buf[4] = { 'x', 'x', 'x', 'x' };

	assert_int_equal(format_text(buf, 0, "%s", "long text"), 9);
	assert_int_equal(buf[0], 'x');
	assert_int_equal(format_text(NULL, 0, "%d", 123), 3);
	assert_int_equal(format_text(buf, 1, "%s", "long text"), 9);
	assert_int_equal(buf[0], '\0');
	assert_int_equal(buf[1], 'x');
	assert_int_equal(format_text(buf, 3, "abcdef"), 6);
	assert_string_equal(buf, "ab");
	assert_int_equal(buf[3], 'x');
	assert_int_equal(format_text(buf, 4, "abc"), 3);
	assert_string_equal(buf, "abc");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_is_copied),
		cmocka_unit_test(integers_match_libc),
		cmocka_unit_test(width_flags_and_precision_match_libc),
		cmocka_unit_test(strings_match_libc),
		cmocka_unit_test(null_string_and_pointer),
		cmocka_unit_test(odd_conversions),
		cmocka_unit_test(the_buffer_bounds_hold),
	};

	return cmocka_run_group_tests_name("hv/format", tests, NULL, NULL);
}
