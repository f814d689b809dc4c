/* SPDX-License-Identifier: MIT */
/* The time-stamp counter, read in each of its ways. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/test.h"

#define ROUNDS 1000
#define LEAP   100000000000ULL /* ticks; far above what a test takes */

TEST(tsc, rdtsc_grows)
{
	/* Expect: never zero, and each read is above the one before. */
	u64 last = rdtsc();

	EXPECT(last != 0);
	for (int i = 0; i < ROUNDS; i++) {
		u64 now = rdtsc();

		if (now <= last) {
			EXPECT(now > last);
			return;
		}
		last = now;
	}
}

TEST(tsc, ways_to_read_it_agree)
{
	/* Expect: RDTSC, RDMSR of IA32_TSC, RDTSC again are in order, also many times. */
	if (machine_is_tcg())
		SKIP("TCG does not give the counter by RDMSR");
	for (int i = 0; i < ROUNDS; i++) {
		u64 first = rdtsc(), second = rdmsr(MSR_IA32_TSC), third = rdtsc();

		if (first > second || second > third) {
			EXPECT(first <= second);
			EXPECT(second <= third);
			return;
		}
	}
}

TEST(tsc, rdtscp_is_in_order_with_rdtsc)
{
	/* Expect: RDTSC, RDTSCP, RDTSC do not go back. */
	u64 first, second, third;
	u32 aux;

	if (!has_rdtscp())
		SKIP("the CPU has no RDTSCP");
	first = rdtsc();
	second = rdtscp(&aux);
	third = rdtsc();
	EXPECT(first <= second);
	EXPECT(second <= third);
}

TEST(tsc, rdtscp_returns_tsc_aux)
{
	/* Expect: ECX of RDTSCP is IA32_TSC_AUX, for several values. */
	static const u32 values[] = { 0, 1, 0xdeadbeef, 0xffffffff };
	u64 before;
	u32 aux;

	if (!has_rdtscp())
		SKIP("the CPU has no RDTSCP");
	before = rdmsr(MSR_IA32_TSC_AUX);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		wrmsr(MSR_IA32_TSC_AUX, values[i]);
		(void)rdtscp(&aux);
		EXPECT_EQ(aux, values[i]);
		EXPECT_EQ(rdmsr(MSR_IA32_TSC_AUX), values[i]);
	}
	wrmsr(MSR_IA32_TSC_AUX, before);
}

TEST(tsc, exits_do_not_turn_it_back)
{
	/* Expect: over CPUID, which exits under every hypervisor, time goes on. */
	u64 last = rdtsc();

	for (int i = 0; i < ROUNDS / 10; i++) {
		u64 now;

		cpuid(0, 0);
		now = rdtsc();
		EXPECT(now > last);
		last = now;
	}
}

static bool has_tsc_adjust(void)
{
	return cpuid(0, 0).eax >= 7 && (cpuid(7, 0).ebx & CPUID_7_EBX_TSC_ADJUST);
}

TEST(tsc, adjust_moves_the_counter)
{
	/* Expect: a change of IA32_TSC_ADJUST is added to the counter, forwards and backwards. */
	u64 before, first, second;

	if (!has_tsc_adjust())
		SKIP("no IA32_TSC_ADJUST");
	before = rdmsr(MSR_IA32_TSC_ADJUST);
	first = rdtsc();
	wrmsr(MSR_IA32_TSC_ADJUST, before + LEAP);
	second = rdtsc();
	EXPECT_EQ(rdmsr(MSR_IA32_TSC_ADJUST), before + LEAP);
	EXPECT(second - first >= LEAP);
	EXPECT(second - first < LEAP + LEAP / 2);
	wrmsr(MSR_IA32_TSC_ADJUST, before);
	EXPECT(rdtsc() - first < LEAP / 2);
	EXPECT_EQ(rdmsr(MSR_IA32_TSC_ADJUST), before);
}

TEST(tsc, a_write_of_the_counter_shows_in_adjust)
{
	/* Expect: WRMSR of IA32_TSC changes IA32_TSC_ADJUST by what it changes the counter by. */
	u64 before, first, change;

	if (!has_tsc_adjust())
		SKIP("no IA32_TSC_ADJUST");
	before = rdmsr(MSR_IA32_TSC_ADJUST);
	first = rdtsc();
	wrmsr(MSR_IA32_TSC, first + LEAP);
	change = rdmsr(MSR_IA32_TSC_ADJUST) - before;
	EXPECT(change <= LEAP);
	EXPECT(change > LEAP / 2);
	wrmsr(MSR_IA32_TSC_ADJUST, before);
	EXPECT(rdtsc() - first < LEAP / 2);
}
