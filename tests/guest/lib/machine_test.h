/* SPDX-License-Identifier: MIT */
/*
 * Tests of the interrupt machine. Each names what it needs; where that is missing it is skipped,
 * with the reason. Around its body stand irq_begin() and a quiet machine: local APIC reset, all
 * lines of the 8259s and the I/O APIC masked, devices silent.
 *
 *     MACHINE_TEST(irq, pit_through_8259, NEED_PIC | NEED_PIT)
 *     {
 *             // Expect: ...
 *     }
 *
 * APIC_TEST(name, needs) makes two tests of one body: apic/name in xAPIC mode, x2apic/name in
 * x2APIC mode. There is no way back from x2APIC mode, and suites run in the order of their names.
 */
#ifndef TESTS_GUEST_LIB_MACHINE_TEST_H
#define TESTS_GUEST_LIB_MACHINE_TEST_H

#include "tests/guest/lib/irq.h"
#include "tests/test.h"

enum need {
	NEED_APIC = 1 << 0, /* in whatever mode */
	NEED_XAPIC = 1 << 1,
	NEED_X2APIC = 1 << 2, /* switches to it */
	NEED_CPUS_2 = 1 << 3,
	NEED_DEADLINE = 1 << 4,
	NEED_PIC = 1 << 5,
	NEED_PIT = 1 << 6,
	NEED_IOAPIC = 1 << 7,
	NEED_RTC = 1 << 8,
	NEED_COM1 = 1 << 9,
	NEED_NOT_BOCHS = 1 << 10, /* the body says what Bochs 2.7 does instead */
};

void machine_test(u32 needs, void (*body)(void));
/* NULL, or what of it is missing. */
const char *machine_lacks(u32 needs);
/* All silent; 8259s initialized. */
void machine_quiet(void);

#define MACHINE_TEST(suite_, name_, needs_)                    \
	static void body_##suite_##_##name_(void);             \
	TEST(suite_, name_)                                    \
	{                                                      \
		machine_test(needs_, body_##suite_##_##name_); \
	}                                                      \
	static void body_##suite_##_##name_(void)

#define APIC_TEST(name_, needs_)                                         \
	static void body_apic_##name_(void);                             \
	TEST(apic, name_)                                                \
	{                                                                \
		machine_test(NEED_XAPIC | (needs_), body_apic_##name_);  \
	}                                                                \
	TEST(x2apic, name_)                                              \
	{                                                                \
		machine_test(NEED_X2APIC | (needs_), body_apic_##name_); \
	}                                                                \
	static void body_apic_##name_(void)

#endif
