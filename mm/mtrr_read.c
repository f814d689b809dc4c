/* SPDX-License-Identifier: MIT */
/* The snapshot of this CPU's MTRRs. */
#include "hv/msr_index.h"
#include "hv/panic.h"
#include "hv/x86.h"
#include "mm/mtrr.h"

#define CPUID_FEATURES   1u
#define CPUID_EDX_MTRR   BIT(12)
#define CPUID_EXT_LAST   0x80000000u
#define CPUID_ADDR_SIZES 0x80000008u
#define MTRRCAP_VARIABLE BITS(7, 0)
#define MTRRCAP_FIXED    BIT(8)
#define PHYADDR_LEGACY   36u /* without the leaf (SDM "CPUID--CPU Identification") */

static const u32 fixed_msrs[MTRR_FIXED_REGS] = {
	MSR_IA32_MTRR_FIX64K_00000,    MSR_IA32_MTRR_FIX16K_80000,    MSR_IA32_MTRR_FIX16K_A0000,
	MSR_IA32_MTRR_FIX4K_C0000,     MSR_IA32_MTRR_FIX4K_C0000 + 1, MSR_IA32_MTRR_FIX4K_C0000 + 2,
	MSR_IA32_MTRR_FIX4K_C0000 + 3, MSR_IA32_MTRR_FIX4K_C0000 + 4, MSR_IA32_MTRR_FIX4K_C0000 + 5,
	MSR_IA32_MTRR_FIX4K_C0000 + 6, MSR_IA32_MTRR_FIX4K_C0000 + 7,
};

static u32 read_maxphyaddr(void)
{
	if (cpuid(CPUID_EXT_LAST, 0).eax < CPUID_ADDR_SIZES)
		return PHYADDR_LEGACY;
	return cpuid(CPUID_ADDR_SIZES, 0).eax & 0xff;
}

void mtrr_read(struct mtrr_map *map)
{
	u64 capabilities;

	*map = (struct mtrr_map){ .maxphyaddr = read_maxphyaddr() };
	if (!(cpuid(CPUID_FEATURES, 0).edx & CPUID_EDX_MTRR)) {
		map->def_type = MTRR_DEF_ENABLED | MEMORY_WB;
		return;
	}
	map->def_type = rdmsr(MSR_IA32_MTRR_DEF_TYPE);
	capabilities = rdmsr(MSR_IA32_MTRRCAP);
	if (capabilities & MTRRCAP_FIXED)
		for (u32 i = 0; i < MTRR_FIXED_REGS; i++)
			map->fixed[i] = rdmsr(fixed_msrs[i]);
	map->variable_count = capabilities & MTRRCAP_VARIABLE;
	ASSERT(map->variable_count <= MTRR_VARIABLE_MAX);
	for (u32 i = 0; i < map->variable_count; i++) {
		map->variable[i].base = rdmsr(MSR_IA32_MTRR_PHYSBASE0 + 2 * i);
		map->variable[i].mask = rdmsr(MSR_IA32_MTRR_PHYSBASE0 + 2 * i + 1);
	}
}
