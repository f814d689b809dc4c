/* SPDX-License-Identifier: MIT */
/*
 * How a guest test is declared. A test is one function; its first comment line is "Expect:". It
 * registers itself:
 *
 *     TEST(cpuid, vendor_string_is_stable)
 *     {
 *             // Expect: two reads of leaf 0 give the same vendor.
 *             ...
 *             EXPECT_EQ(a.ebx, b.ebx);
 *     }
 *
 * Outcomes: pass, skip (SKIP("why")), fail (an EXPECT_* that does not hold; the test goes on),
 * error (ERROR("why"): the test itself is broken). The most severe wins. The runner prints one TAP
 * line a test.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include "hv/types.h"

struct test {
	const char *suite;
	const char *name;
	void (*run)(void);
};

#define TEST(suite_, name_)                                                                 \
	static void test_##suite_##_##name_(void);                                          \
	static const struct test test_entry_##suite_##_##name_                              \
		__attribute__((used, section(".data.tests." #suite_ "." #name_),            \
			       aligned(8))) = { #suite_, #name_, test_##suite_##_##name_ }; \
	static void test_##suite_##_##name_(void)

void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void test_skip(const char *why);
void test_error(const char *file, int line, const char *why);

#define EXPECT(cond)                                                         \
	do {                                                                 \
		if (!(cond))                                                 \
			test_fail(__FILE__, __LINE__, "expected %s", #cond); \
	} while (0)

#define EXPECT_EQ(got_, want_)                                                                  \
	do {                                                                                    \
		u64 expect_got_ = (u64)(got_), expect_want_ = (u64)(want_);                     \
                                                                                                \
		if (expect_got_ != expect_want_)                                                \
			test_fail(__FILE__, __LINE__, "expected %s = 0x%llx got 0x%llx", #got_, \
				  (unsigned long long)expect_want_,                             \
				  (unsigned long long)expect_got_);                             \
	} while (0)

#define SKIP(why)               \
	do {                    \
		test_skip(why); \
		return;         \
	} while (0)

#define ERROR(why)                                   \
	do {                                         \
		test_error(__FILE__, __LINE__, why); \
		return;                              \
	} while (0)

#endif
