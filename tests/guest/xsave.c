/* SPDX-License-Identifier: MIT */
/*
 * State components beyond SSE, as operating systems switch them: what XRSTOR loads, each form of
 * XSAVE stores again, even a single bit of it (SDM volume 1, "Managing State Using the XSAVE
 * Feature Set").
 */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "hv/xsave_format.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/test.h"

#define XSTATE_BV         (XSAVE_XSTATE_BV / sizeof(u64))
#define XCOMP_BV          (XSAVE_XCOMP_BV / sizeof(u64))
#define SWITCHED          (XCR0_AVX | XCR0_AVX512) /* each bit of them is a register's */
#define CPUID_D1_XSAVEOPT BIT(0)
#define LAST_COMPONENT    7u

static _Alignas(64) u64 from[PAGE_SIZE / sizeof(u64)], to[PAGE_SIZE / sizeof(u64)];

enum form { XSAVE, XSAVEOPT, XSAVEC, XSAVES };

static void save(enum form form, void *area, u64 mask)
{
	u32 low = (u32)mask, high = (u32)(mask >> 32);

	switch (form) {
	case XSAVE:
		xsave(area, mask);
		break;
	case XSAVEOPT:
		__asm__ volatile("xsaveopt64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
		break;
	case XSAVEC:
		xsavec(area, mask);
		break;
	case XSAVES:
		__asm__ volatile("xsaves64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
		break;
	}
}

static bool is_offered(enum form form)
{
	static const u32 bits[] = { [XSAVEOPT] = CPUID_D1_XSAVEOPT,
				    [XSAVEC] = CPUID_D1_EAX_XSAVEC,
				    [XSAVES] = CPUID_D1_EAX_XSAVES };

	return !bits[form] || (cpuid(CPUID_LEAF_XSTATE, 1).eax & bits[form]);
}

/* Bytes from the start of an area to a component. */
static u32 offset_of(u32 component, u64 mask, bool compacted)
{
	u32 offset = XSAVE_HEADER_END;

	if (!compacted)
		return cpuid(CPUID_LEAF_XSTATE, component).ebx;
	for (u32 i = XSAVE_FIRST_EXTENDED;; i++) {
		struct cpuid_regs leaf;

		if (!(mask & BIT(i)))
			continue;
		leaf = cpuid(CPUID_LEAF_XSTATE, i);
		if (leaf.ecx & CPUID_D_ECX_ALIGNED)
			offset = (u32)ALIGN_UP(offset, 64);
		if (i == component)
			return offset;
		offset += leaf.eax;
	}
}

/* Only one value of one component is not zero: it goes in by XRSTOR, and out again by this form. */
static void expect_kept(enum form form, u32 component, u32 index, u64 mask)
{
	bool compacted = form == XSAVEC || form == XSAVES;

	memset(from, 0, sizeof(from));
	memset(to, 0, sizeof(to));
	from[XSTATE_BV] = BIT(component);
	from[offset_of(component, mask, false) / sizeof(u64) + index] = 1;
	xrstor(from, mask);
	save(form, to, mask);
	if (!(to[XSTATE_BV] & BIT(component)))
		test_fail(__FILE__, __LINE__, "form %u, component %u, value %u: not in XSTATE_BV",
			  form, component, index);
	if (to[offset_of(component, mask, compacted) / sizeof(u64) + index] != 1)
		test_fail(__FILE__, __LINE__, "form %u, component %u, value %u: not stored", form,
			  component, index);
	EXPECT_EQ(to[XCOMP_BV], compacted ? XCOMP_BV_COMPACTED | mask : 0);
}

static void expect_switched(enum form form)
{
	u64 cr4 = read_cr4(), mask;

	if (!has_xsave() || !is_offered(form))
		SKIP("the CPU has no such form");
	if (machine_is_bochs() && form >= XSAVEC)
		SKIP("Bochs 2.7 stores components over the header");
	write_cr4(cr4 | CR4_OSXSAVE);
	mask = cpuid(CPUID_LEAF_XSTATE, 0).eax & (XCR0_X87 | XCR0_SSE | SWITCHED);
	xsetbv(0, mask);
	for (u32 i = XSAVE_FIRST_EXTENDED; i <= LAST_COMPONENT; i++) {
		for (u32 k = 0;
		     (mask & BIT(i)) && k < cpuid(CPUID_LEAF_XSTATE, i).eax / sizeof(u64); k++)
			expect_kept(form, i, k, mask);
	}
	memset(from, 0, sizeof(from));
	xrstor(from, mask);
	xsetbv(0, XCR0_X87);
	write_cr4(cr4);
}

TEST(xsave, plain)
{
	/* Expect: XSAVE stores what XRSTOR loaded, every single bit's register. */
	expect_switched(XSAVE);
}

TEST(xsave, optimized)
{
	/* Expect: so does XSAVEOPT into an area that was not just restored. */
	expect_switched(XSAVEOPT);
}

TEST(xsave, compacted)
{
	/* Expect: so does XSAVEC, one component behind the other. */
	expect_switched(XSAVEC);
}

TEST(xsave, supervisor)
{
	/* Expect: so does XSAVES. */
	expect_switched(XSAVES);
}
