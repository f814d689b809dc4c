/* SPDX-License-Identifier: MIT */
/* CPUID: numbers of leaves, bits of features, and how wide a physical address is. */
#ifndef HV_CPUID_H
#define HV_CPUID_H

#include "hv/x86.h"

#define CPUID_LEAF_FEATURES      1u
#define CPUID_LEAF_CACHES        4u
#define CPUID_LEAF_FEATURES7     7u
#define CPUID_LEAF_TOPOLOGY      0xbu
#define CPUID_LEAF_XSTATE        0xdu
#define CPUID_LEAF_TSC           0x15u
#define CPUID_LEAF_FREQUENCIES   0x16u
#define CPUID_LEAF_HYPERVISOR    0x40000000u
#define CPUID_LEAF_EXTENDED      0x80000000u
#define CPUID_LEAF_ADDRESS_BITS  0x80000008u

#define CPUID_1_ECX_VMX          (1u << 5)
#define CPUID_1_ECX_CX16         (1u << 13)
#define CPUID_1_ECX_XSAVE        (1u << 26)
#define CPUID_1_ECX_OSXSAVE      (1u << 27)
#define CPUID_1_ECX_HYPERVISOR   (1u << 31)
#define CPUID_1_EDX_APIC         (1u << 9)
#define CPUID_1_ECX_X2APIC       (1u << 21)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_EDX_MTRR         (1u << 12)
#define CPUID_1_EDX_PGE          (1u << 13)
#define CPUID_1_EDX_PAT          (1u << 16)
#define CPUID_1_EDX_HTT          (1u << 28)
#define CPUID_7_EBX_TSC_ADJUST   (1u << 1)
#define CPUID_7_EBX_INVPCID      (1u << 10)
#define CPUID_7_ECX_OSPKE        (1u << 4)
#define CPUID_D1_EAX_XSAVEC      (1u << 1)
#define CPUID_D1_EAX_XSAVES      (1u << 3)
#define CPUID_D_ECX_ALIGNED      (1u << 1) /* a component's place in the compacted form */
#define CPUID_X1_EDX_SYSCALL     (1u << 11)
#define CPUID_X1_EDX_NX          (1u << 20)
#define CPUID_X1_EDX_RDTSCP      (1u << 27)
#define CPUID_X1_EDX_LM          (1u << 29)

/* MAXPHYADDR; without the leaf it is 36 (SDM "CPUID--CPU Identification"). */
static inline u32 cpuid_physical_bits(void)
{
	if (cpuid(CPUID_LEAF_EXTENDED, 0).eax < CPUID_LEAF_ADDRESS_BITS)
		return 36;
	return cpuid(CPUID_LEAF_ADDRESS_BITS, 0).eax & 0xff;
}

#endif
