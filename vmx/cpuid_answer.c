/* SPDX-License-Identifier: MIT */
/*
 * Answering CPUID from the policy: a table lookup, and for a few leaves the vCPU's part of the
 * answer. L1 executes CPUID often and each one exits, so the plain leaves take the short way.
 */
#include "hv/abi.h"
#include "hv/cpuid.h"
#include "hv/msr_index.h"
#include "hv/xsave_format.h"
#include "vmx/cpuid_policy.h"

#define HYPER_RANGE_LAST 0x4fffffffu

/* What no policy fills: leaves for hypervisors that are not there. */
static const struct cpuid_row zero_row;

static const struct cpuid_row *find_row(const struct cpuid_policy *policy, u32 leaf)
{
	if (likely(leaf < CPUID_BASIC_ROWS))
		return &policy->basic[leaf];
	if (leaf - CPUID_LEAF_EXTENDED < policy->ext_count)
		return &policy->ext[leaf - CPUID_LEAF_EXTENDED];
	if (leaf >= NESTOR_CPUID_BASE && leaf <= HYPER_RANGE_LAST)
		return leaf - NESTOR_CPUID_BASE < CPUID_HYPER_ROWS
			       ? &policy->hyper[leaf - NESTOR_CPUID_BASE]
			       : &zero_row;
	return &policy->basic[CPUID_BASIC_ROWS - 1];
}

/* Bytes that XSAVE's standard form takes for these components. */
static u32 standard_size(const struct cpuid_regs *components, u32 count, u64 mask)
{
	u32 end = XSAVE_HEADER_END;

	for (u32 i = XSAVE_FIRST_EXTENDED; i < count; i++) {
		if (mask & BIT(i))
			end = MAX(end, components[i].ebx + components[i].eax);
	}
	return end;
}

/* Bytes that the compacted form takes: the components follow each other, some of them aligned. */
static u32 compacted_size(const struct cpuid_regs *components, u32 count, u64 mask)
{
	u32 end = XSAVE_HEADER_END;

	for (u32 i = XSAVE_FIRST_EXTENDED; i < count; i++) {
		if (!(mask & BIT(i)))
			continue;
		if (components[i].ecx & CPUID_D_ECX_ALIGNED)
			end = (u32)ALIGN_UP(end, 64);
		end += components[i].eax;
	}
	return end;
}

u32 cpuid_xsave_size(const struct cpuid_policy *policy, u64 mask)
{
	const struct cpuid_row *row = &policy->basic[CPUID_LEAF_XSTATE];

	return standard_size(&policy->subleaves[row->first], row->count, mask);
}

static void patch_xstate(const struct cpuid_policy *policy, const struct cpuid_context *context,
			 u32 subleaf, struct cpuid_regs *regs)
{
	const struct cpuid_row *row = &policy->basic[CPUID_LEAF_XSTATE];

	if (subleaf == 0)
		regs->ebx = cpuid_xsave_size(policy, context->xcr0);
	if (subleaf == 1 && (regs->eax & CPUID_D1_EAX_XSAVEC))
		regs->ebx = compacted_size(&policy->subleaves[row->first], row->count,
					   context->xcr0 | context->xss);
}

static struct cpuid_regs subleaf_regs(const struct cpuid_policy *policy,
				      const struct cpuid_row *row, u32 subleaf)
{
	if (row->count == 0)
		return row->regs;
	if (subleaf < row->count)
		return policy->subleaves[row->first + subleaf];
	/* An invalid level of the topology still names itself
	 * (SDM: CPUID, leaf 0BH); all else is 0. */
	if (row->patch == CPUID_PATCH_TOPOLOGY)
		return (struct cpuid_regs){ .ecx = subleaf & 0xff };
	return (struct cpuid_regs){ 0 };
}

static struct cpuid_regs special_answer(const struct cpuid_policy *policy,
					const struct cpuid_context *context,
					const struct cpuid_row *row, u32 subleaf)
{
	struct cpuid_regs regs = subleaf_regs(policy, row, subleaf);

	switch ((enum cpuid_patch)row->patch) {
	case CPUID_PATCH_NONE:
		break;
	case CPUID_PATCH_FEATURES:
		regs.ebx |= context->apic_id << 24;
		if (policy->xcr0 && (context->cr4 & CR4_OSXSAVE))
			regs.ecx |= CPUID_1_ECX_OSXSAVE;
		if (!context->has_apic)
			regs.edx &= ~CPUID_1_EDX_APIC;
		break;
	case CPUID_PATCH_FEATURES7:
		if (subleaf == 0 && (context->cr4 & CR4_PKE))
			regs.ecx |= CPUID_7_ECX_OSPKE;
		break;
	case CPUID_PATCH_TOPOLOGY:
		regs.edx = context->apic_id;
		break;
	case CPUID_PATCH_XSTATE:
		patch_xstate(policy, context, subleaf, &regs);
		break;
	}
	return regs;
}

struct cpuid_regs cpuid_policy_answer(const struct cpuid_policy *policy,
				      const struct cpuid_context *context, u32 leaf, u32 subleaf)
{
	const struct cpuid_row *row = find_row(policy, leaf);

	if (likely(!row->special))
		return row->regs;
	return special_answer(policy, context, row, subleaf);
}
