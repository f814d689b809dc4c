/* SPDX-License-Identifier: MIT */
/* CPUID: leaves that agree with each other, with the control registers,
 * and with the rules for leaves out of range. */
#include "hv/abi.h"
#include "hv/msr_index.h"
#include "hv/xsave_format.h"
#include "tests/guest/lib/cpu.h"
#include "tests/test.h"

#define HYPERVISOR_LEAF 0x40000000u
#define XSAVE_PKRU      9u

static bool is_same(struct cpuid_regs a, struct cpuid_regs b)
{
	return a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx && a.edx == b.edx;
}

static bool has_leaf(u32 leaf)
{
	return cpuid(0, 0).eax >= leaf;
}

TEST(cpuid, vendor_string_is_stable)
{
	/* Expect: two reads of leaf 0 are equal, and the vendor is made of printable characters. */
	struct cpuid_regs r = cpuid(0, 0);
	u32 words[] = { r.ebx, r.edx, r.ecx };

	EXPECT(is_same(r, cpuid(0, 0)));
	for (size_t i = 0; i < sizeof(words); i++) {
		u32 c = words[i / 4] >> i % 4 * 8 & 0xff;

		EXPECT(c >= ' ' && c <= '~');
	}
}

TEST(cpuid, highest_basic_leaf_is_plausible)
{
	/* Expect: a 64-bit CPU has leaf 1, and no more basic leaves than manuals know. */
	u32 highest = cpuid(0, 0).eax;

	EXPECT(highest >= 1);
	EXPECT(highest <= 0x40);
}

TEST(cpuid, upper_halves_are_cleared)
{
	/* Expect: CPUID clears bits 63:32 of RAX, RBX, RCX and RDX. */
	u64 rax = ~0ULL << 32, rbx = ~0ULL, rcx = ~0ULL << 32, rdx = ~0ULL;

	__asm__ volatile("cpuid" : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx));
	EXPECT_EQ(rax >> 32, 0);
	EXPECT_EQ(rbx >> 32, 0);
	EXPECT_EQ(rcx >> 32, 0);
	EXPECT_EQ(rdx >> 32, 0);
}

TEST(cpuid, leaf_1_names_what_long_mode_needs)
{
	/* Expect: FPU, TSC, MSR, PAE, CX8, PGE, CMOV, PAT, FXSR, SSE and SSE2 are all there. */
	u32 must = BIT(0) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(13) | BIT(15) | BIT(16) |
		   BIT(24) | BIT(25) | BIT(26);

	EXPECT_EQ(cpuid(1, 0).edx & must, must);
	EXPECT(cpuid(1, 0).eax != 0);
}

TEST(cpuid, leaf_1_clflush_line_is_64_bytes)
{
	/* Expect: CLFSH is named and the line size is 8 quadwords. */
	struct cpuid_regs r = cpuid(1, 0);

	EXPECT(r.edx & BIT(19));
	EXPECT_EQ(r.ebx >> 8 & 0xff, 8);
}

TEST(cpuid, osxsave_bit_follows_cr4)
{
	/* Expect: CPUID.1:ECX.OSXSAVE is CR4.OSXSAVE, both ways. */
	u64 cr4 = read_cr4();

	if (!has_xsave())
		SKIP("the CPU has no XSAVE");
	write_cr4(cr4 & ~(u64)CR4_OSXSAVE);
	EXPECT_EQ(cpuid(1, 0).ecx & CPUID_1_ECX_OSXSAVE, 0);
	write_cr4(cr4 | CR4_OSXSAVE);
	EXPECT_EQ(cpuid(1, 0).ecx & CPUID_1_ECX_OSXSAVE, CPUID_1_ECX_OSXSAVE);
	write_cr4(cr4);
}

TEST(cpuid, apic_bit_follows_apic_base)
{
	/* Expect: CPUID.1:EDX.APIC is IA32_APIC_BASE.EN.
	 * (Clearing EN is not tried: some machines never come back.) */
	bool enabled = rdmsr(MSR_IA32_APIC_BASE) & APIC_BASE_ENABLED;

	EXPECT_EQ(cpuid(1, 0).edx & CPUID_1_EDX_APIC, enabled ? CPUID_1_EDX_APIC : 0);
}

TEST(cpuid, leaf_7_has_no_wild_subleaves)
{
	/* Expect: subleaf 0 names few subleaves; a subleaf above them is all zero. */
	u32 highest;

	if (!has_leaf(7))
		SKIP("no leaf 7");
	highest = cpuid(7, 0).eax;
	EXPECT(highest <= 2);
	EXPECT(is_same(cpuid(7, highest + 1), (struct cpuid_regs){ 0 }));
}

TEST(cpuid, xsave_size_follows_xcr0)
{
	/* Expect: leaf 0Dh subleaf 0 EBX is the legacy area with
	 * XCR0 = x87 or x87 + SSE, more with AVX, never above ECX. */
	u64 cr4 = read_cr4(), supported;

	if (!has_xsave() || !has_leaf(CPUID_LEAF_XSTATE))
		SKIP("the CPU has no XSAVE");
	write_cr4(cr4 | CR4_OSXSAVE);
	supported = cpuid(CPUID_LEAF_XSTATE, 0).eax;
	EXPECT_EQ(supported & 3, 3);
	xsetbv(0, 1);
	EXPECT_EQ(cpuid(CPUID_LEAF_XSTATE, 0).ebx, XSAVE_HEADER_END);
	xsetbv(0, 3);
	EXPECT_EQ(cpuid(CPUID_LEAF_XSTATE, 0).ebx, XSAVE_HEADER_END);
	if (supported & 4) {
		struct cpuid_regs avx = cpuid(CPUID_LEAF_XSTATE, 2);

		xsetbv(0, 7);
		EXPECT_EQ(cpuid(CPUID_LEAF_XSTATE, 0).ebx, avx.eax + avx.ebx);
	}
	EXPECT(cpuid(CPUID_LEAF_XSTATE, 0).ebx <= cpuid(CPUID_LEAF_XSTATE, 0).ecx);
	xsetbv(0, 1);
	write_cr4(cr4);
}

TEST(cpuid, xsave_maximum_covers_every_component)
{
	/* Expect: leaf 0Dh ECX is at least where each supported
	 * component of the standard format ends. */
	struct cpuid_regs all;

	if (!has_xsave() || !has_leaf(CPUID_LEAF_XSTATE))
		SKIP("the CPU has no XSAVE");
	all = cpuid(CPUID_LEAF_XSTATE, 0);
	for (u32 i = 2; i < 32; i++) {
		struct cpuid_regs component = cpuid(CPUID_LEAF_XSTATE, i);

		/* Bochs 2.7's tigerlake and icelake offer PKRU, but leave its subleaf empty. */
		if (!(all.eax & BIT(i)) || (i == XSAVE_PKRU && component.eax == 0))
			continue;
		if (component.eax == 0)
			test_fail(__FILE__, __LINE__, "XCR0 bit %u has an empty subleaf", i);
		EXPECT(component.ebx >= XSAVE_HEADER_END);
		EXPECT(component.eax + component.ebx <= all.ecx);
	}
}

TEST(cpuid, extended_leaves_are_there)
{
	/* Expect: at least 80000008h; long mode and SYSCALL
	 * are named (the image runs in 64-bit mode). */
	u32 must = CPUID_X1_EDX_LM | CPUID_X1_EDX_SYSCALL;

	EXPECT(cpuid(0x80000000, 0).eax >= 0x80000008);
	EXPECT_EQ(cpuid(0x80000001, 0).edx & must, must);
}

TEST(cpuid, brand_string_is_text)
{
	/* Expect: leaves 80000002h to 80000004h hold printable characters, then zeros. */
	bool ended = false;

	if (cpuid(0x80000000, 0).eax < 0x80000004)
		SKIP("no brand string");
	for (u32 i = 0; i < 48; i++) {
		struct cpuid_regs r = cpuid(0x80000002 + i / 16, 0);
		u32 words[] = { r.eax, r.ebx, r.ecx, r.edx };
		u32 c = words[i / 4 % 4] >> i % 4 * 8 & 0xff;

		EXPECT(c == 0 || (!ended && c >= ' ' && c <= '~'));
		ended |= c == 0;
	}
}

TEST(cpuid, address_sizes_are_legal)
{
	/* Expect: 36 to 52 physical bits; 48 or 57 linear bits. */
	u32 sizes = cpuid(0x80000008, 0).eax, physical = sizes & 0xff, linear = sizes >> 8 & 0xff;

	EXPECT(physical >= 36 && physical <= 52);
	EXPECT(linear == 48 || linear == 57);
}

TEST(cpuid, hypervisor_bit_and_signature_agree)
{
	/* Expect: with CPUID.1:ECX[31] leaf 40000000h names a range of its own;
	 * without it that leaf is like any out of range. */
	struct cpuid_regs r = cpuid(HYPERVISOR_LEAF, 0);

	if (cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR) {
		EXPECT(r.eax >= HYPERVISOR_LEAF || r.eax == 0);
		EXPECT(r.ebx != 0);
	} else {
		EXPECT(r.ebx != NESTOR_SIGNATURE_EBX);
		EXPECT(is_same(r,
			       is_intel() ? cpuid(cpuid(0, 0).eax, 0) : (struct cpuid_regs){ 0 }));
	}
}

TEST(cpuid, leaf_out_of_range_is_the_highest_basic_leaf)
{
	/* Expect: a leaf above the highest basic or extended one gives the data of the highest
	 * basic leaf (SDM, CPUID), subleaf by subleaf. */
	u32 basic = cpuid(0, 0).eax, extended = cpuid(0x80000000, 0).eax;

	if (!is_intel())
		SKIP("Intel's rule; other vendors return zeros");
	for (u32 subleaf = 0; subleaf < 3; subleaf++) {
		EXPECT(is_same(cpuid(basic + 1, subleaf), cpuid(basic, subleaf)));
		EXPECT(is_same(cpuid(0x3fffffff, subleaf), cpuid(basic, subleaf)));
		EXPECT(is_same(cpuid(extended + 1, subleaf), cpuid(basic, subleaf)));
	}
}

TEST(cpuid, feature_registers_agree)
{
	/* Expect: what CPUID offers can be turned on: NX by EFER.NXE;
	 * AVX comes with XSAVE, XCR0.AVX with AVX. */
	u32 ecx = cpuid(1, 0).ecx;

	EXPECT_EQ(has_nx(), (rdmsr(MSR_IA32_EFER) & EFER_NXE) != 0);
	if (ecx & BIT(28))
		EXPECT(has_xsave());
	if (has_xsave() && has_leaf(CPUID_LEAF_XSTATE))
		EXPECT_EQ(cpuid(CPUID_LEAF_XSTATE, 0).eax >> 2 & 1, ecx >> 28 & 1);
}
