/* SPDX-License-Identifier: MIT */
/* The snapshot of this CPU's MTRRs. */
#include "hv/cpuid.h"
#include "hv/msr_index.h"
#include "hv/panic.h"
#include "mm/mtrr.h"

const u32 mtrr_fixed_msrs[MTRR_FIXED_REGS] = {
	MSR_IA32_MTRR_FIX64K_00000,    MSR_IA32_MTRR_FIX16K_80000,    MSR_IA32_MTRR_FIX16K_A0000,
	MSR_IA32_MTRR_FIX4K_C0000,     MSR_IA32_MTRR_FIX4K_C0000 + 1, MSR_IA32_MTRR_FIX4K_C0000 + 2,
	MSR_IA32_MTRR_FIX4K_C0000 + 3, MSR_IA32_MTRR_FIX4K_C0000 + 4, MSR_IA32_MTRR_FIX4K_C0000 + 5,
	MSR_IA32_MTRR_FIX4K_C0000 + 6, MSR_IA32_MTRR_FIX4K_C0000 + 7,
};

void mtrr_read(struct mtrr_map *map)
{
	u64 capabilities;

	*map = (struct mtrr_map){ .maxphyaddr = cpuid_physical_bits() };
	if (!(cpuid(CPUID_LEAF_FEATURES, 0).edx & CPUID_1_EDX_MTRR)) {
		map->def_type = MTRR_DEF_ENABLED | MEMORY_WB;
		return;
	}
	map->def_type = rdmsr(MSR_IA32_MTRR_DEF_TYPE);
	capabilities = rdmsr(MSR_IA32_MTRRCAP);
	if (capabilities & MTRR_CAP_FIXED)
		for (u32 i = 0; i < MTRR_FIXED_REGS; i++)
			map->fixed[i] = rdmsr(mtrr_fixed_msrs[i]);
	map->variable_count = capabilities & MTRR_CAP_VARIABLE;
	ASSERT(map->variable_count <= MTRR_VARIABLE_MAX);
	for (u32 i = 0; i < map->variable_count; i++) {
		map->variable[i].base = rdmsr(MSR_IA32_MTRR_PHYSBASE0 + 2 * i);
		map->variable[i].mask = rdmsr(MSR_IA32_MTRR_PHYSBASE0 + 2 * i + 1);
	}
}
