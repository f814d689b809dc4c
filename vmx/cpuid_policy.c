/* SPDX-License-Identifier: MIT */
/* Building L1's CPUID table: copy what the host says,
 * keep what is known, mask what is not offered, add what is ours. */
#include "vmx/cpuid_policy.h"
#include "hv/abi.h"
#include "hv/cpuid.h"
#include "hv/msr_index.h"
#include "hv/panic.h"
#include "hv/string.h"
#include "vmx/controls.h"

/* x2APIC and TSC-deadline: of the local APIC that L0 emulates, whatever the host has. */
#define ECX_EMULATED        (CPUID_1_ECX_X2APIC | CPUID_1_ECX_TSC_DEADLINE)
#define CACHE_LEVEL_SHARED  3u /* caches from this level on are shared by all vCPUs */
#define LINEAR_BITS_4_LEVEL 48u
#define XSTATE_COMPONENTS   10u

/* State that stays in the hardware while L1 and L2 run. */
#define XCR0_OFFERED        (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512 | XCR0_PKRU)

/* The bits of each leaf that may pass; a leaf without a row here reads as 0.
 * Subleaves beyond those in a row do, too. */
static const struct keep {
	u32 leaf, subleaf;
	struct cpuid_regs bits;
} keep_table[] = {
	{ 0x0, 0, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x1, 0, { ~0u, 0x0000ffff, ~0u, ~0u } },
	{ 0x2, 0, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x6, 0, { 0x4, 0, 0, 0 } }, /* ARAT */
	{ 0x7, 0, { ~0u, ~0u, ~0u, 0x0080451c } },
	{ 0x7, 1, { 0x1c30, 0, 0, 0 } }, /* AVX-VNNI, AVX512-BF16, FZRM, FSRS, FSRC */
	{ 0xd, 1, { 0xf, 0, 0, 0 } },
	{ 0x80000001, 0, { ~0u, 0, 0x00000121, 0x2c100800 } },
	{ 0x80000002, 0, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x80000003, 0, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x80000004, 0, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x80000006, 0, { 0, 0, ~0u, 0 } },
	{ 0x80000007, 0, { 0, 0, 0, 0x100 } }, /* invariant TSC */
	{ 0x80000008, 0, { 0xffff, 0, 0, 0 } },
};

/* A basic leaf of the host; zeros where it has none, not what the CPU answers then. */
static struct cpuid_regs host_leaf(u32 leaf, u32 subleaf)
{
	if (leaf < CPUID_LEAF_EXTENDED && leaf > cpuid(0, 0).eax)
		return (struct cpuid_regs){ 0 };
	return cpuid(leaf, subleaf);
}

static struct cpuid_regs kept(u32 leaf, u32 subleaf)
{
	struct cpuid_regs regs = host_leaf(leaf, subleaf);

	for (u32 i = 0; i < ARRAY_SIZE(keep_table); i++) {
		const struct keep *keep = &keep_table[i];

		if (keep->leaf != leaf || keep->subleaf != subleaf)
			continue;
		regs.eax &= keep->bits.eax;
		regs.ebx &= keep->bits.ebx;
		regs.ecx &= keep->bits.ecx;
		regs.edx &= keep->bits.edx;
		return regs;
	}
	return (struct cpuid_regs){ 0 };
}

static struct cpuid_row *row_of(struct cpuid_policy *policy, u32 leaf)
{
	u32 ext = leaf - CPUID_LEAF_EXTENDED;

	if (leaf < CPUID_BASIC_ROWS)
		return &policy->basic[leaf];
	if (ext < CPUID_EXT_ROWS)
		return ext < policy->ext_count ? &policy->ext[ext] : NULL;
	return NULL;
}

static void copy_leaves(struct cpuid_policy *policy)
{
	u32 ext_last = cpuid(CPUID_LEAF_EXTENDED, 0).eax;

	if (ext_last >= CPUID_LEAF_EXTENDED)
		policy->ext_count = MIN(ext_last - CPUID_LEAF_EXTENDED + 1, CPUID_EXT_ROWS);
	for (u32 leaf = 0; leaf < CPUID_BASIC_ROWS; leaf++)
		policy->basic[leaf].regs = kept(leaf, 0);
	for (u32 i = 0; i < policy->ext_count; i++)
		policy->ext[i].regs = kept(CPUID_LEAF_EXTENDED + i, 0);
	policy->basic[0].regs.eax = CPUID_BASIC_ROWS - 1;
	if (policy->ext_count)
		policy->ext[0].regs.eax = CPUID_LEAF_EXTENDED + policy->ext_count - 1;
}

/* Append a subleaf to the leaf that is being built; subleaf 0 is its first. */
static struct cpuid_regs *add_subleaf(struct cpuid_policy *policy, struct cpuid_row *row)
{
	ASSERT(policy->subleaf_count < CPUID_SUBLEAVES);
	if (row->count == 0)
		row->first = (u8)policy->subleaf_count;
	row->count++;
	return &policy->subleaves[policy->subleaf_count++];
}

/* Bits of the APIC id that tell the vCPUs apart. */
static u32 apic_id_bits(u32 vcpus)
{
	return vcpus > 1 ? 32u - (u32)__builtin_clz(vcpus - 1) : 0;
}

/* One thread a core, one package: the first levels belong to one vCPU, the rest to all. */
static void build_caches(struct cpuid_policy *policy, u32 vcpus)
{
	struct cpuid_row *row = &policy->basic[CPUID_LEAF_CACHES];
	u32 ids = MIN((1u << apic_id_bits(vcpus)) - 1, 63u);

	for (u32 i = 0; i < 8; i++) {
		struct cpuid_regs regs = host_leaf(CPUID_LEAF_CACHES, i);
		u32 level = regs.eax >> 5 & 7;

		if ((regs.eax & 0x1f) == 0)
			break;
		regs.eax = (regs.eax & 0x3ff) | ids << 26;
		if (level >= CACHE_LEVEL_SHARED)
			regs.eax |= ids << 14;
		*add_subleaf(policy, row) = regs;
	}
	row->special = true;
}

static void build_topology(struct cpuid_policy *policy, u32 vcpus)
{
	struct cpuid_row *row = &policy->basic[CPUID_LEAF_TOPOLOGY];

	*add_subleaf(policy, row) = (struct cpuid_regs){ .ebx = 1, .ecx = 1u << 8 | 0 };
	*add_subleaf(policy, row) = (struct cpuid_regs){
		.eax = apic_id_bits(vcpus),
		.ebx = vcpus,
		.ecx = 2u << 8 | 1,
	};
	row->patch = CPUID_PATCH_TOPOLOGY;
	row->special = true;
}

static void build_features7(struct cpuid_policy *policy)
{
	struct cpuid_row *row = &policy->basic[CPUID_LEAF_FEATURES7];

	row->regs.eax = MIN(row->regs.eax, 1u);
	row->regs.ebx |= CPUID_7_EBX_TSC_ADJUST; /* emulated, whatever the host has */
	row->regs.ecx &= ~CPUID_7_ECX_OSPKE;
	*add_subleaf(policy, row) = row->regs;
	if (row->regs.eax == 1)
		*add_subleaf(policy, row) = kept(CPUID_LEAF_FEATURES7, 1);
	row->patch = CPUID_PATCH_FEATURES7;
	row->special = true;
}

/*
 * A component without a size cannot be saved: Bochs 2.7's tigerlake and icelake name PKRU like
 * that. Without its three parts AVX-512 cannot be enabled, so fewer are not offered.
 */
static u64 offered_xcr0(u64 host)
{
	u64 xcr0 = host & XCR0_OFFERED;

	for (u32 i = 2; i < 32; i++)
		if ((xcr0 & BIT(i)) && host_leaf(CPUID_LEAF_XSTATE, i).eax == 0)
			xcr0 &= ~BIT(i);
	if ((xcr0 & XCR0_AVX512) != XCR0_AVX512)
		xcr0 &= ~XCR0_AVX512;
	return xcr0;
}

static void build_xstate(struct cpuid_policy *policy)
{
	struct cpuid_row *row = &policy->basic[CPUID_LEAF_XSTATE];
	struct cpuid_regs host = host_leaf(CPUID_LEAF_XSTATE, 0);
	u32 *features = &policy->basic[CPUID_LEAF_FEATURES].regs.ecx;

	row->special = true;
	if (!(*features & CPUID_1_ECX_XSAVE) || !(host.eax & XCR0_X87)) {
		*features &= ~CPUID_1_ECX_XSAVE;
		*add_subleaf(policy, row) = (struct cpuid_regs){ 0 };
		return;
	}
	row->patch = CPUID_PATCH_XSTATE;
	policy->xcr0 = offered_xcr0((u64)host.edx << 32 | host.eax);
	for (u32 i = 0; i < XSTATE_COMPONENTS; i++) {
		struct cpuid_regs *regs = add_subleaf(policy, row);

		if (i == 0)
			regs->eax = (u32)policy->xcr0;
		else if (i == 1)
			*regs = kept(CPUID_LEAF_XSTATE, 1);
		else if (policy->xcr0 & BIT(i))
			*regs = cpuid(CPUID_LEAF_XSTATE, i);
	}
	policy->subleaves[row->first].ecx = cpuid_xsave_size(policy, policy->xcr0);
}

static void build_features(struct cpuid_policy *policy, u32 vcpus)
{
	struct cpuid_row *row = &policy->basic[CPUID_LEAF_FEATURES];

	row->regs.ebx |= MIN(vcpus, 255u) << 16;
	row->regs.ecx =
		(row->regs.ecx & ~CPUID_1_ECX_OSXSAVE) | CPUID_1_ECX_HYPERVISOR | ECX_EMULATED;
	row->regs.edx &= ~CPUID_1_EDX_HTT;
	if (vcpus > 1)
		row->regs.edx |= CPUID_1_EDX_HTT;
	row->patch = CPUID_PATCH_FEATURES;
	row->special = true;
}

static void build_address_width(struct cpuid_policy *policy)
{
	struct cpuid_row *row = row_of(policy, CPUID_LEAF_ADDRESS_BITS);
	u32 linear;

	if (!row)
		return;
	linear = MIN(row->regs.eax >> 8, LINEAR_BITS_4_LEVEL);
	row->regs.eax = (row->regs.eax & 0xff) | linear << 8;
}

static u32 crystal_hz(const struct cpuid_setup *setup)
{
	return (u32)(setup->tsc_hz / setup->tsc_per_tick);
}

/*
 * The measured frequency, whatever the host's leaves say. SDM "Time-Stamp Counter and Nominal Core
 * Crystal Clock": TSC frequency = ECX * EBX / EAX, and ECX is the clock of the APIC timer, too.
 */
static void build_clocks(struct cpuid_policy *policy, const struct cpuid_setup *setup)
{
	u32 mhz = (u32)((setup->tsc_hz + 500000) / 1000000);

	policy->basic[CPUID_LEAF_TSC].regs = (struct cpuid_regs){
		.eax = 1,
		.ebx = setup->tsc_per_tick,
		.ecx = crystal_hz(setup),
	};
	policy->basic[CPUID_LEAF_FREQUENCIES].regs = (struct cpuid_regs){
		.eax = mhz,
		.ebx = mhz,
		.ecx = (crystal_hz(setup) + 500000) / 1000000,
	};
}

static void build_hypervisor(struct cpuid_policy *policy, const struct cpuid_setup *setup)
{
	policy->hyper[0].regs = (struct cpuid_regs){
		.eax = NESTOR_CPUID_BASE + CPUID_HYPER_ROWS - 1,
		.ebx = NESTOR_SIGNATURE_EBX,
		.ecx = NESTOR_SIGNATURE_ECX,
		.edx = NESTOR_SIGNATURE_EDX,
	};
	policy->hyper[1].regs = (struct cpuid_regs){ .eax = NESTOR_ABI_VERSION };
	policy->hyper[CPUID_HYPER_CLOCKS].regs = (struct cpuid_regs){
		.eax = (u32)(setup->tsc_hz / 1000),
		.ebx = crystal_hz(setup) / 1000,
	};
}

/* What may lift a mask, as bits. */
enum unless {
	UNLESS_NEVER = 0,
	UNLESS_NESTED = 1,
	UNLESS_RDTSCP = 2,
	UNLESS_INVPCID = 4,
	UNLESS_XSAVES = 8,
	UNLESS_PKRU = 16,
	UNLESS_COMPACTS = 32
};

static u32 lifted(const struct cpuid_policy *policy, const struct cpuid_setup *setup)
{
	u32 lifts = setup->nested ? UNLESS_NESTED : 0;

	if (setup->cpu2_controls & CPU2_ENABLE_RDTSCP)
		lifts |= UNLESS_RDTSCP;
	if (setup->cpu2_controls & CPU2_ENABLE_INVPCID)
		lifts |= UNLESS_INVPCID;
	if (setup->cpu2_controls & CPU2_ENABLE_XSAVES)
		lifts |= UNLESS_XSAVES;
	if (setup->xsave_compacts)
		lifts |= UNLESS_COMPACTS;
	if (policy->xcr0 & XCR0_PKRU)
		lifts |= UNLESS_PKRU;
	return lifts;
}

static void mask_features(struct cpuid_policy *policy, const struct cpuid_setup *setup)
{
	static const struct {
		u32 leaf, subleaf, offset, bits, unless;
	} masks[] = {
#define CPUID_MASK(leaf_, subleaf_, register_, bit_, unless_, reason_)               \
	{ (leaf_), (subleaf_), offsetof(struct cpuid_regs, register_), 1u << (bit_), \
	  UNLESS_##unless_ },
#include "vmx/cpuid_masks.def"
#undef CPUID_MASK
	};
	u32 lifts = lifted(policy, setup);

	for (u32 i = 0; i < ARRAY_SIZE(masks); i++) {
		struct cpuid_row *row = row_of(policy, masks[i].leaf);
		struct cpuid_regs *regs;

		if (!row || (masks[i].unless & lifts))
			continue;
		regs = &row->regs;
		if (row->count > masks[i].subleaf)
			regs = &policy->subleaves[row->first + masks[i].subleaf];
		*(u32 *)(void *)((char *)regs + masks[i].offset) &= ~masks[i].bits;
	}
}

void cpuid_policy_build(struct cpuid_policy *policy, const struct cpuid_setup *setup)
{
	memset(policy, 0, sizeof(*policy));
	copy_leaves(policy);
	build_features(policy, setup->vcpus);
	build_caches(policy, setup->vcpus);
	build_features7(policy);
	build_topology(policy, setup->vcpus);
	build_xstate(policy);
	build_address_width(policy);
	build_clocks(policy, setup);
	build_hypervisor(policy, setup);
	mask_features(policy, setup);
}
