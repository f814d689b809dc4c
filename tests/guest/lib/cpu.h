/* SPDX-License-Identifier: MIT */
/* Instructions that only the tests use, beside hv/x86.h; and what CPUID says about them. */
#ifndef TESTS_GUEST_LIB_CPU_H
#define TESTS_GUEST_LIB_CPU_H

#include "hv/x86.h"
#include "tests/guest/lib/descriptors.h"

#define CPUID_1_ECX_VMX        BIT(5)
#define CPUID_1_ECX_CX16       BIT(13)
#define CPUID_1_ECX_XSAVE      BIT(26)
#define CPUID_1_ECX_OSXSAVE    BIT(27)
#define CPUID_1_ECX_HYPERVISOR BIT(31)
#define CPUID_1_EDX_APIC       BIT(9)
#define CPUID_1_EDX_MTRR       BIT(12)
#define CPUID_1_EDX_PGE        BIT(13)
#define CPUID_1_EDX_PAT        BIT(16)
#define CPUID_X1_EDX_SYSCALL   BIT(11)
#define CPUID_X1_EDX_NX        BIT(20)
#define CPUID_X1_EDX_RDTSCP    BIT(27)
#define CPUID_X1_EDX_LM        BIT(29)

#define DEBUG_REGISTER(reg)                                                  \
	static inline u64 read_##reg(void)                                   \
	{                                                                    \
		u64 value;                                                   \
                                                                             \
		__asm__ volatile("mov %%" #reg ", %0" : "=r"(value));        \
		return value;                                                \
	}                                                                    \
	static inline void write_##reg(u64 value)                            \
	{                                                                    \
		__asm__ volatile("mov %0, %%" #reg ::"r"(value) : "memory"); \
	}

DEBUG_REGISTER(cr8)
DEBUG_REGISTER(dr0)
DEBUG_REGISTER(dr6)
DEBUG_REGISTER(dr7)

#undef DEBUG_REGISTER

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
	if (cpuid(0x80000000, 0).eax < leaf)
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
