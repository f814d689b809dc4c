/* SPDX-License-Identifier: MIT */
/* Instructions that only the tests use, beside hv/x86.h; and what CPUID says about them. */
#ifndef TESTS_GUEST_LIB_CPU_H
#define TESTS_GUEST_LIB_CPU_H

#include "hv/cpuid.h"
#include "tests/guest/lib/descriptors.h"

/* Bits 63:48 must equal bit 47 with 4-level paging. */
#define NON_CANONICAL 0x0000800000000000ULL

X86_REGISTER(cr8)
X86_REGISTER(dr0)
X86_REGISTER(dr7)

static inline u64 xgetbv(u32 index)
{
	u32 low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
	return (u64)high << 32 | low;
}

static inline u64 rdtscp(u32 *aux)
{
	u32 low, high;

	__asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(*aux));
	return (u64)high << 32 | low;
}

static inline bool is_intel(void)
{
	struct cpuid_regs r = cpuid(0, 0);

	return r.ebx == 0x756e6547 && r.edx == 0x49656e69 && r.ecx == 0x6c65746e;
}

/* A register of an extended leaf (edx, mostly); 0 where the CPU has no such leaf. */
static inline struct cpuid_regs cpuid_extended(u32 leaf)
{
	if (cpuid(CPUID_LEAF_EXTENDED, 0).eax < leaf)
		return (struct cpuid_regs){ 0 };
	return cpuid(leaf, 0);
}

static inline u32 physical_address_bits(void)
{
	u32 bits = cpuid_extended(0x80000008).eax & 0xff;

	return bits ? bits : 36;
}

static inline bool has_vmx(void)
{
	return (cpuid(1, 0).ecx & CPUID_1_ECX_VMX) != 0;
}

static inline bool has_xsave(void)
{
	return (cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE) != 0;
}

static inline bool has_rdtscp(void)
{
	return (cpuid_extended(0x80000001).edx & CPUID_X1_EDX_RDTSCP) != 0;
}

static inline bool has_nx(void)
{
	return (cpuid_extended(0x80000001).edx & CPUID_X1_EDX_NX) != 0;
}

#endif
