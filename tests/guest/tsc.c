/* SPDX-License-Identifier: MIT */
/* The time-stamp counter, read in each of its ways. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/pm_timer.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

#define ROUNDS     1000
#define PM_HZ      3579545ULL
#define PM_MASK    BITS(23, 0)
#define TRIES      8u
#define CLOCK_LEAF 0x10u /* of Nestor's leaves */
#define FAR_AWAY   BIT(50)

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

/* By leaf 15h; 0 where it does not tell. */
static u64 claimed_hz(void)
{
	struct cpuid_regs r;

	if (cpuid(0, 0).eax < CPUID_LEAF_TSC)
		return 0;
	r = cpuid(CPUID_LEAF_TSC, 0);
	return r.eax ? (u64)r.ecx * r.ebx / r.eax : 0;
}

/* Both clocks at once: the shortest of some tries, as an exit of its own may come between them. */
static u32 read_both(u16 port, u64 *tsc)
{
	u64 shortest = ~0ULL;
	u32 pm = 0;

	*tsc = 0;
	for (u32 i = 0; i < TRIES; i++) {
		u64 before = rdtsc();
		u32 seen = in32(port);
		u64 took = rdtsc() - before;

		if (took >= shortest)
			continue;
		shortest = took;
		*tsc = before;
		pm = seen;
	}
	return pm;
}

TEST(tsc, leaf_15_tells_its_rate)
{
	/* Expect: TSC ticks in 5 ms of the PM timer are what leaf 15h says, to 2 in a thousand.
	 * (What an emulator's leaf says bare is its CPU model's, not its own.) */
	u64 hz = claimed_hz(), start, end, ticks, want;
	u16 port = pm_timer_port();
	u32 first, passed;

	if (!nestor_is_present())
		SKIP("an emulator's leaf 15h is made up");
	if (!port)
		SKIP("no PM timer in ACPI tables, no PIIX4");
	EXPECT(hz != 0);
	first = read_both(port, &start);
	do
		passed = (read_both(port, &end) - first) & PM_MASK;
	while (passed < PM_HZ / 200);
	ticks = end - start;
	want = passed * hz / PM_HZ;
	EXPECT(ticks > want - want / 500);
	EXPECT(ticks < want + want / 500);
}

TEST(tsc, the_leaves_agree_on_its_rate)
{
	/* Expect: leaf 16h in MHz, Nestor's leaf in kHz, and the crystal of leaf 15h in kHz. */
	u64 hz = claimed_hz();
	struct cpuid_regs r;

	if (!nestor_is_present())
		SKIP("an emulator's leaf 15h is made up");
	EXPECT_EQ(cpuid(CPUID_LEAF_FREQUENCIES, 0).eax, (hz + 500000) / 1000000);
	r = cpuid(nestor_cpuid_base() + CLOCK_LEAF, 0);
	EXPECT_EQ(r.eax, hz / 1000);
	EXPECT_EQ(r.ebx, cpuid(CPUID_LEAF_TSC, 0).ecx / 1000);
}

static bool has_tsc_adjust(void)
{
	return cpuid(0, 0).eax >= CPUID_LEAF_FEATURES7 &&
	       (cpuid(CPUID_LEAF_FEATURES7, 0).ebx & CPUID_7_EBX_TSC_ADJUST);
}

TEST(tsc, adjust_faults_where_it_is_not_offered)
{
	/* Expect: #GP for reads and writes. */
	if (has_tsc_adjust())
		SKIP("the CPU has IA32_TSC_ADJUST");
	EXPECT_EQ(TRAP_OF((void)rdmsr(MSR_IA32_TSC_ADJUST)).vector, VECTOR_GP);
	EXPECT_EQ(TRAP_OF(wrmsr(MSR_IA32_TSC_ADJUST, 0)).vector, VECTOR_GP);
}

TEST(tsc, adjust_moves_the_counter)
{
	/* Expect: what is added to IA32_TSC_ADJUST is added to the TSC, and back. */
	u64 adjust, before, after;

	if (!has_tsc_adjust())
		SKIP("the CPU has no IA32_TSC_ADJUST");
	adjust = rdmsr(MSR_IA32_TSC_ADJUST);
	before = rdtsc();
	wrmsr(MSR_IA32_TSC_ADJUST, adjust + FAR_AWAY);
	after = rdtsc();
	EXPECT_EQ(rdmsr(MSR_IA32_TSC_ADJUST), adjust + FAR_AWAY);
	EXPECT(after - before >= FAR_AWAY);
	EXPECT(after - before < FAR_AWAY + BIT(32));
	wrmsr(MSR_IA32_TSC_ADJUST, adjust);
	EXPECT_EQ(rdmsr(MSR_IA32_TSC_ADJUST), adjust);
	EXPECT(rdtsc() - before < BIT(32));
}

TEST(tsc, writes_show_in_adjust)
{
	/* Expect: a write of the TSC that moves it by x moves IA32_TSC_ADJUST by about x. */
	u64 adjust, start, moved;

	if (!has_tsc_adjust())
		SKIP("the CPU has no IA32_TSC_ADJUST");
	adjust = rdmsr(MSR_IA32_TSC_ADJUST);
	start = rdtsc();
	wrmsr(MSR_IA32_TSC, start + FAR_AWAY);
	moved = rdmsr(MSR_IA32_TSC_ADJUST) - adjust;
	wrmsr(MSR_IA32_TSC_ADJUST, adjust);
	EXPECT(moved <= FAR_AWAY);
	EXPECT(moved > FAR_AWAY - BIT(32));
	EXPECT(rdtsc() > start);
	EXPECT(rdtsc() - start < BIT(32));
}
