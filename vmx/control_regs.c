/* SPDX-License-Identifier: MIT */
/* The rules of MOV to control registers
 * (SDM "MOV—Move to/from Control Registers"), as pure functions. */
#include "vmx/control_regs.h"
#include "hv/string.h"
#include "vmx/cpuid_policy.h"

bool cr0_write_faults(const struct cr_state *now, u64 value)
{
	bool paging_goes_on = (value & CR0_PG) && !(now->cr0 & CR0_PG);
	bool paging_goes_off = !(value & CR0_PG) && (now->cr0 & CR0_PG);

	if (value >> 32)
		return true;
	if ((value & CR0_PG) && !(value & CR0_PE))
		return true;
	if ((value & CR0_NW) && !(value & CR0_CD))
		return true;
	if (paging_goes_on && (now->efer & EFER_LME))
		return !(now->cr4 & CR4_PAE) || now->cs_long || now->tss_16bit;
	if (paging_goes_off)
		return ((now->efer & EFER_LMA) && now->cs_long) || (now->cr4 & CR4_PCIDE);
	return false;
}

bool cr4_write_faults(const struct cr_state *now, u64 value, u64 allowed)
{
	bool long_mode = now->efer & EFER_LMA;
	bool pcid_goes_on = (value & CR4_PCIDE) && !(now->cr4 & CR4_PCIDE);

	if (value & ~allowed)
		return true;
	if (long_mode && !(value & CR4_PAE))
		return true;
	return pcid_goes_on && (!long_mode || (now->cr3 & BITS(11, 0)));
}

/* Which CPUID bit a CR4 bit belongs to (SDM "Control Registers"). PCE has none. */
static const struct {
	u64 cr4;
	u32 leaf, offset, bit;
} cr4_features[] = {
#define FEATURE(cr4_, leaf_, register_, bit_)                                   \
	{                                                                       \
		(cr4_), (leaf_), offsetof(struct cpuid_regs, register_), (bit_) \
	}
	FEATURE(CR4_VME | CR4_PVI, 1, edx, 1), FEATURE(CR4_DE, 1, edx, 2),
	FEATURE(CR4_PSE, 1, edx, 3),           FEATURE(CR4_TSD, 1, edx, 4),
	FEATURE(CR4_PAE, 1, edx, 6),           FEATURE(CR4_MCE, 1, edx, 7),
	FEATURE(CR4_PGE, 1, edx, 13),          FEATURE(CR4_OSFXSR, 1, edx, 24),
	FEATURE(CR4_OSXMMEXCPT, 1, edx, 25),   FEATURE(CR4_VMXE, 1, ecx, 5),
	FEATURE(CR4_PCIDE, 1, ecx, 17),        FEATURE(CR4_OSXSAVE, 1, ecx, 26),
	FEATURE(CR4_FSGSBASE, 7, ebx, 0),      FEATURE(CR4_SMEP, 7, ebx, 7),
	FEATURE(CR4_SMAP, 7, ebx, 20),         FEATURE(CR4_UMIP, 7, ecx, 2),
	FEATURE(CR4_PKE, 7, ecx, 3),
#undef FEATURE
};

u64 cr4_offered(const struct cpuid_policy *policy)
{
	const struct cpuid_context no_state = { 0 };
	u64 offered = CR4_PCE;

	for (u32 i = 0; i < ARRAY_SIZE(cr4_features); i++) {
		struct cpuid_regs regs =
			cpuid_policy_answer(policy, &no_state, cr4_features[i].leaf, 0);
		u32 value;

		memcpy(&value, (const char *)&regs + cr4_features[i].offset, sizeof(value));
		if (value & BIT(cr4_features[i].bit))
			offered |= cr4_features[i].cr4;
	}
	return offered;
}

u64 efer_after_cr0(u64 efer, u64 cr0)
{
	if ((cr0 & CR0_PG) && (efer & EFER_LME))
		return efer | EFER_LMA;
	return efer & ~(u64)EFER_LMA;
}

bool is_pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(efer & EFER_LMA);
}

bool cr_write_loads_pdptes(const struct cr_state *before, const struct cr_state *after)
{
	u64 cr0_changes = before->cr0 ^ after->cr0;
	u64 cr4_changes = before->cr4 ^ after->cr4;

	if (!is_pae_paging(after->cr0, after->cr4, after->efer))
		return false;
	return (cr0_changes & (CR0_CD | CR0_NW | CR0_PG)) ||
	       (cr4_changes & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP));
}

bool pdpte_is_invalid(u64 pdpte, u32 maxphyaddr)
{
	u64 reserved = BITS(2, 1) | BITS(8, 5) | BITS(63, maxphyaddr);

	return (pdpte & 1) && (pdpte & reserved);
}

bool pdptes_are_invalid(const u64 pdptes[4], u32 maxphyaddr)
{
	for (u32 i = 0; i < 4; i++)
		if (pdpte_is_invalid(pdptes[i], maxphyaddr))
			return true;
	return false;
}

/* Components that come together or not at all. */
static bool all_or_none(u64 value, u64 mask)
{
	return (value & mask) == 0 || (value & mask) == mask;
}

bool xcr0_is_valid(u64 value, u64 supported)
{
	if ((value & ~supported) || !(value & XCR0_X87))
		return false;
	if ((value & XCR0_AVX) && !(value & XCR0_SSE))
		return false;
	if ((value & XCR0_AVX512) && !(value & XCR0_AVX))
		return false;
	return all_or_none(value, XCR0_MPX) && all_or_none(value, XCR0_AVX512);
}
