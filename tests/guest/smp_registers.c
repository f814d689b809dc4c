/* SPDX-License-Identifier: MIT */
/*
 * Registers that no VMCS holds belong to a CPU alone: each CPU fills its own with a pattern, spins
 * while the others do the same, and looks again. Where Nestor lets several vCPUs share a CPU
 * (vcpus = n), they change places meanwhile.
 */
#include "hv/cpuid.h"
#include "hv/msr_index.h"
#include "hv/string.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/smp.h"

#define SPIN_TICKS  600000ULL /* several turns */
#define XMM_OFFSET  160u      /* in the FXSAVE area: XMM0 to XMM15 */
#define XMM_BYTES   256u
#define YMM_OFFSET  576u /* upper halves, in the standard form of the XSAVE area */
#define YMM_BYTES   256u
#define MSRS        6u
#define BREAKPOINTS 4u

struct registers {
	u8 fpu[4096] __attribute__((aligned(64)));
	u64 xcr0;
	u64 cr2;
	u64 dr[BREAKPOINTS];
	u64 dr6;
	u64 msrs[MSRS];
};

static const u32 msr_numbers[MSRS] = {
	MSR_IA32_STAR,  MSR_IA32_LSTAR,          MSR_IA32_CSTAR,
	MSR_IA32_FMASK, MSR_IA32_KERNEL_GS_BASE, MSR_IA32_TSC_AUX,
};

/* What each CPU had before, what it put there, and what it found. */
static struct registers before[CPUS_MAX], put[CPUS_MAX], found[CPUS_MAX];
static u32 arrived;

static u32 msr_count(void)
{
	return has_rdtscp() ? MSRS : MSRS - 1;
}

static bool has_avx(void)
{
	return has_xsave() && (cpuid(CPUID_LEAF_XSTATE, 0).eax & XCR0_AVX) != 0;
}

/* CR4 lets SSE and XSAVE be used. */
static void read_registers(struct registers *r)
{
	memset(r->fpu, 0, sizeof(r->fpu));
	if (has_xsave()) {
		r->xcr0 = xgetbv(0);
		xsave(r->fpu, r->xcr0);
	} else {
		fxsave(r->fpu);
	}
	r->cr2 = read_cr2();
	for (u32 i = 0; i < BREAKPOINTS; i++)
		r->dr[i] = read_breakpoint_address(i);
	r->dr6 = read_dr6();
	for (u32 i = 0; i < msr_count(); i++)
		r->msrs[i] = rdmsr(msr_numbers[i]);
}

static void write_registers(const struct registers *r)
{
	if (has_xsave()) {
		xsetbv(0, r->xcr0);
		xrstor(r->fpu, r->xcr0);
	} else {
		fxrstor(r->fpu);
	}
	write_cr2(r->cr2);
	for (u32 i = 0; i < BREAKPOINTS; i++)
		write_breakpoint_address(i, r->dr[i]);
	write_dr6(r->dr6);
	for (u32 i = 0; i < msr_count(); i++)
		wrmsr(msr_numbers[i], r->msrs[i]);
}

/* Every second CPU has AVX off: its neighbour's upper halves must live through that. */
static void make_pattern(struct registers *r, u32 cpu)
{
	u8 byte = (u8)(0x11 * (cpu + 1));

	read_registers(r);
	if (has_xsave())
		r->xcr0 = has_avx() && cpu % 2 == 0 ? XCR0_X87 | XCR0_SSE | XCR0_AVX
						    : XCR0_X87 | XCR0_SSE;
	memset(r->fpu + XMM_OFFSET, byte, XMM_BYTES);
	if (r->xcr0 & XCR0_AVX)
		memset(r->fpu + YMM_OFFSET, byte + 1, YMM_BYTES);
	*(u64 *)(r->fpu + 512) = r->xcr0; /* XSTATE_BV: all of it is there */
	r->cr2 = 0x1000ULL * (cpu + 1);
	for (u32 i = 0; i < BREAKPOINTS; i++)
		r->dr[i] = 0x100000ULL * (cpu + 1) + i;
	r->dr6 = DR6_AT_RESET | BIT(cpu % BREAKPOINTS);
	r->msrs[0] = (u64)(cpu + 1) << 32;
	for (u32 i = 1; i < msr_count(); i++)
		r->msrs[i] = 0x10000ULL * (cpu + 1) + i;
}

static void wait_for_all(u32 count)
{
	u64 start = rdtsc();

	__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
	while (READ_ONCE(arrived) < count && rdtsc() - start < IRQ_WAIT_TICKS)
		cpu_pause();
}

static void spin(u64 ticks)
{
	u64 start = rdtsc();

	while (rdtsc() - start < ticks)
		;
}

static void keep_registers(void *argument)
{
	u32 cpu = cpu_index(), count = *(u32 *)argument;
	u64 cr4 = read_cr4();

	write_cr4(cr4 | CR4_OSFXSR | (has_xsave() ? CR4_OSXSAVE : 0));
	read_registers(&before[cpu]);
	make_pattern(&put[cpu], cpu);
	write_registers(&put[cpu]);
	wait_for_all(count);
	spin(SPIN_TICKS);
	read_registers(&found[cpu]);
	write_registers(&before[cpu]);
	write_cr4(cr4);
}

static void expect_same(const struct registers *a, const struct registers *b)
{
	EXPECT_EQ(memcmp(a->fpu + XMM_OFFSET, b->fpu + XMM_OFFSET, XMM_BYTES), 0);
	EXPECT_EQ(memcmp(a->fpu + YMM_OFFSET, b->fpu + YMM_OFFSET, YMM_BYTES), 0);
	EXPECT_EQ(a->xcr0, b->xcr0);
	EXPECT_EQ(a->cr2, b->cr2);
	for (u32 i = 0; i < BREAKPOINTS; i++)
		EXPECT_EQ(a->dr[i], b->dr[i]);
	EXPECT_EQ(a->dr6, b->dr6);
	for (u32 i = 0; i < msr_count(); i++)
		EXPECT_EQ(a->msrs[i], b->msrs[i]);
}

MACHINE_TEST(smp, registers_are_each_cpus_own, NEED_CPUS_2)
{
	/* Expect: vectors, XCR0, CR2, debug and system-call registers stay what they are. */
	u32 count = smp_count();

	arrived = 0;
	for (u32 cpu = 1; cpu < count; cpu++)
		smp_start(cpu, keep_registers, &count);
	keep_registers(&count);
	for (u32 cpu = 1; cpu < count; cpu++)
		EXPECT(smp_finish(cpu));
	EXPECT_EQ(arrived, count);
	for (u32 cpu = 0; cpu < count; cpu++)
		expect_same(&found[cpu], &put[cpu]);
}

static void read_fresh(void *argument)
{
	u64 cr4 = read_cr4();

	write_cr4(cr4 | CR4_OSFXSR | (has_xsave() ? CR4_OSXSAVE : 0));
	read_registers(argument);
	write_cr4(cr4);
}

MACHINE_TEST(smp, a_cpu_starts_with_quiet_debug_registers, NEED_CPUS_2)
{
	/* Expect: DR0 to DR3 are 0 and DR6 has its reset value, since nobody has set them here. */
	for (u32 cpu = 1; cpu < smp_count(); cpu++) {
		EXPECT(smp_run(cpu, read_fresh, &found[cpu]));
		for (u32 i = 0; i < BREAKPOINTS; i++)
			EXPECT_EQ(found[cpu].dr[i], 0);
		EXPECT_EQ(found[cpu].dr6, DR6_AT_RESET);
	}
}
