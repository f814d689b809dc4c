/* SPDX-License-Identifier: MIT */
/* What L1 sees of CPUID, over the answers of a made-up CPU that has every feature. */
#include "unit.h"
#include "hv/abi.h"
#include "hv/msr_index.h"
#include "vmx/controls.h"
#include "vmx/cpuid_policy.h"

#define HIGHEST      0x16u
#define TSC_HZ       2999999999ULL
#define ALL_CONTROLS (CPU2_ENABLE_RDTSCP | CPU2_ENABLE_INVPCID | CPU2_ENABLE_XSAVES)

static struct cpuid_policy policy;
static struct cpuid_context context;

static void set(u32 leaf, u32 subleaf, struct cpuid_regs regs)
{
	host_cpuid_set(leaf, subleaf, regs);
}

/* Every bit of every feature leaf is 1;
 * sizes and topology are those of a real desktop CPU with AVX-512. */
static void load_full_host(void)
{
	static const struct cpuid_regs ones = { ~0u, ~0u, ~0u, ~0u };

	host_x86_reset();
	for (u32 leaf = 0; leaf <= 0x20; leaf++)
		set(leaf, 0, ones);
	set(0, 0, (struct cpuid_regs){ 0x20, 0x756e6547, 0x6c65746e, 0x49656e69 });
	set(1, 0, (struct cpuid_regs){ 0x50654, 0xff100800, ~0u, ~0u });
	set(4, 0, (struct cpuid_regs){ 0xfc004121, 1, 2, 0 });
	set(4, 1, (struct cpuid_regs){ 0xfc01c163, 3, 4, 5 });
	set(4, 2, (struct cpuid_regs){ 0, 0, 0, 0 });
	set(7, 0, (struct cpuid_regs){ 2, ~0u, ~0u, ~0u });
	set(7, 1, ones);
	set(7, 2, ones);
	set(0xd, 0, (struct cpuid_regs){ 0x600e7 | 0x200, 0xaaaa, 0xbbbb, ~0u });
	set(0xd, 1, (struct cpuid_regs){ 0x1f, 0xcccc, ~0u, ~0u });
	set(0xd, 2, (struct cpuid_regs){ 256, 576, 0, 0 });
	set(0xd, 5, (struct cpuid_regs){ 64, 1088, 0, 0 });
	set(0xd, 6, (struct cpuid_regs){ 512, 1152, 0, 0 });
	set(0xd, 7, (struct cpuid_regs){ 1024, 1664, 0, 0 });
	set(0xd, 9, (struct cpuid_regs){ 8, 2688, 2, 0 });
	set(0xd, 17, (struct cpuid_regs){ 64, 2752, 2, 0 });
	for (u32 leaf = 0x80000001; leaf <= 0x80000008; leaf++)
		set(leaf, 0, ones);
	set(0x80000000, 0, (struct cpuid_regs){ 0x80000008, 0, 0, 0 });
	set(0x80000008, 0, (struct cpuid_regs){ 0x392e, 7, 7, 7 });
}

static void build_as(struct cpuid_setup setup)
{
	setup.tsc_hz = TSC_HZ;
	setup.tsc_per_tick = 1;
	cpuid_policy_build(&policy, &setup);
	context = (struct cpuid_context){ .xcr0 = 1 };
}

static void build(u32 vcpus, u32 controls, bool nested)
{
	build_as((struct cpuid_setup){ .vcpus = vcpus,
				       .cpu2_controls = controls,
				       .nested = nested,
				       .xsave_compacts = true });
}

static void build_full(u32 vcpus)
{
	load_full_host();
	build(vcpus, ALL_CONTROLS, false);
}

static struct cpuid_regs ask(u32 leaf, u32 subleaf)
{
	return cpuid_policy_answer(&policy, &context, leaf, subleaf);
}

static void assert_regs(struct cpuid_regs got, struct cpuid_regs want)
{
	assert_int_equal(got.eax, want.eax);
	assert_int_equal(got.ebx, want.ebx);
	assert_int_equal(got.ecx, want.ecx);
	assert_int_equal(got.edx, want.edx);
}

UNIT(the_vendor_is_the_hosts_and_the_highest_leaf_ours)
{
	build_full(1);
	assert_regs(ask(0, 0), (struct cpuid_regs){ HIGHEST, 0x756e6547, 0x6c65746e, 0x49656e69 });
	assert_regs(ask(0, 77), ask(0, 0)); /* leaf 0 ignores ECX */
	assert_int_equal(ask(0x80000000, 0).eax, 0x80000008);
}

UNIT(a_smaller_host_gets_no_leaves_by_mistake)
{
	load_full_host();
	set(0, 0, (struct cpuid_regs){ 0xa, 1, 2, 3 });
	set(0x80000000, 0, (struct cpuid_regs){ 0x80000004, 0, 0, 0 });
	build(1, ALL_CONTROLS, false);
	assert_int_equal(ask(0, 0).eax, HIGHEST);
	assert_int_equal(ask(0x80000000, 0).eax, 0x80000004);
	assert_int_equal(policy.xcr0, 0); /* no leaf 0Dh */
	assert_false(ask(1, 0).ecx & 1u << 26);
	assert_regs(ask(0xd, 0), (struct cpuid_regs){ 0 });
	assert_regs(ask(0xd, 1), (struct cpuid_regs){ 0 });
	assert_regs(ask(0x14, 0), (struct cpuid_regs){ 0 });
	assert_int_equal(ask(0xb, 0).ecx, 0x100); /* ours */
	assert_regs(ask(0x80000008, 0), ask(HIGHEST, 0));
}

UNIT(a_host_without_extended_leaves_is_survived)
{
	load_full_host();
	set(0x80000000, 0, (struct cpuid_regs){ 0x20, 0, 0, 0 });
	build(1, ALL_CONTROLS, false);
	assert_int_equal(policy.ext_count, 0);
	assert_regs(ask(0x80000000, 0), ask(HIGHEST, 0));
}

UNIT(every_mask_holds_on_a_host_with_all_features)
{
	static const struct {
		u32 leaf, subleaf, offset, bit;
	} masks[] = {
#define CPUID_MASK(leaf_, subleaf_, register_, bit_, unless_, reason_) \
	{ (leaf_), (subleaf_), offsetof(struct cpuid_regs, register_), (bit_) },
#include "vmx/cpuid_masks.def"
#undef CPUID_MASK
	};

	load_full_host();
	set(0xd, 9, (struct cpuid_regs){ 0 }); /* PKRU has no size: as on Bochs 2.7's tigerlake */
	build_as((struct cpuid_setup){ .vcpus = 4 });
	context.cr4 = ~0ULL;
	assert_true(ARRAY_SIZE(masks) > 35);
	for (u32 i = 0; i < ARRAY_SIZE(masks); i++) {
		struct cpuid_regs regs = ask(masks[i].leaf, masks[i].subleaf);
		u32 value;

		memcpy(&value, (char *)&regs + masks[i].offset, sizeof(value));
		if (value >> masks[i].bit & 1)
			fail_msg("leaf %x.%u offset %u bit %u is offered", masks[i].leaf,
				 masks[i].subleaf, masks[i].offset, masks[i].bit);
	}
}

UNIT(controls_and_nesting_lift_their_masks_only)
{
	load_full_host();
	build(1, CPU2_ENABLE_RDTSCP, false);
	assert_true(ask(0x80000001, 0).edx & 1u << 27);
	assert_true(ask(7, 0).ecx & 1u << 22);
	assert_false(ask(7, 0).ebx & 1u << 10);
	assert_false(ask(0xd, 1).eax & 1u << 3);
	assert_false(ask(1, 0).ecx & 1u << 5);
	build(1, CPU2_ENABLE_INVPCID | CPU2_ENABLE_XSAVES, true);
	assert_false(ask(0x80000001, 0).edx & 1u << 27);
	assert_true(ask(7, 0).ebx & 1u << 10);
	assert_true(ask(0xd, 1).eax & 1u << 3);
	assert_true(ask(1, 0).ecx & 1u << 5);
}

UNIT(a_state_component_without_a_size_is_not_offered)
{
	build_full(1);
	assert_true(ask(0xd, 0).eax & 1u << 9);
	assert_true(ask(7, 0).ecx & 1u << 3);
	load_full_host();
	set(0xd, 9, (struct cpuid_regs){ 0 });
	build(1, ALL_CONTROLS, false);
	assert_false(ask(0xd, 0).eax & 1u << 9);
	assert_false(ask(7, 0).ecx & 1u << 3);
}

UNIT(ordinary_features_pass)
{
	struct cpuid_regs one, seven;

	build_full(1);
	one = ask(1, 0);
	seven = ask(7, 0);
	assert_int_equal(one.eax, 0x50654);
	assert_int_equal(one.ecx & 0x02980201,
			 0x02980201);     /* SSE3 SSSE3 SSE4.1 SSE4.2 POPCNT AES */
	assert_true(one.edx & 1u << 6);   /* PAE */
	assert_true(seven.ebx & 1u << 7); /* SMEP */
	assert_true(seven.ecx & 1u << 2); /* UMIP */
	assert_int_equal(seven.edx, 0x0080451c);
	assert_int_equal(ask(0x80000001, 0).edx, 0x2c100800);
	assert_int_equal(ask(0x80000007, 0).edx, 0x100);
	assert_int_equal(ask(6, 0).eax, 4);
}

UNIT(nothing_is_offered_that_the_host_lacks)
{
	load_full_host();
	set(1, 0, (struct cpuid_regs){ 0x50654, 0, 0, 0 });
	set(7, 0, (struct cpuid_regs){ 0 });
	set(0x80000001, 0, (struct cpuid_regs){ 0 });
	build(1, ALL_CONTROLS, true);
	/* A hypervisor, and what its own local APIC has. */
	assert_int_equal(ask(1, 0).ecx, 1u << 31 | 1u << 24 | 1u << 21);
	assert_int_equal(ask(1, 0).edx, 0);
	assert_regs(ask(7, 0), (struct cpuid_regs){ .ebx = 1u << 1 }); /* IA32_TSC_ADJUST */
	assert_regs(ask(0x80000001, 0), (struct cpuid_regs){ 0 });
	assert_int_equal(policy.xcr0, 0); /* no XSAVE */
	assert_regs(ask(0xd, 0), (struct cpuid_regs){ 0 });
}

UNIT(the_hypervisor_names_itself)
{
	struct cpuid_regs base;

	build_full(1);
	base = ask(NESTOR_CPUID_BASE, 0);
	assert_true(ask(1, 0).ecx & 1u << 31);
	assert_int_equal(base.eax, NESTOR_CPUID_BASE + 0x10);
	assert_memory_equal(&base.ebx, "NestorNestor", 12);
	assert_int_equal(ask(NESTOR_CPUID_BASE + 1, 0).eax, NESTOR_ABI_VERSION);
	assert_regs(ask(NESTOR_CPUID_BASE + 2, 0), (struct cpuid_regs){ 0 });
	assert_regs(ask(0x40000100, 0), (struct cpuid_regs){ 0 });
	assert_regs(ask(0x4fffffff, 0), (struct cpuid_regs){ 0 });
}

UNIT(the_clocks_are_the_measured_ones)
{
	load_full_host(); /* whose own leaves 15h and 16h are all ones */
	build(1, ALL_CONTROLS, false);
	assert_regs(ask(0x15, 0), (struct cpuid_regs){ 1, 1, (u32)TSC_HZ, 0 });
	assert_regs(ask(0x16, 0), (struct cpuid_regs){ 3000, 3000, 3000, 0 });
	assert_regs(ask(NESTOR_CPUID_BASE + 0x10, 0),
		    (struct cpuid_regs){ 2999999, 2999999, 0, 0 });
	set(0, 0, (struct cpuid_regs){ 0xb, 1, 2, 3 });
	build(1, ALL_CONTROLS, false);
	assert_int_equal(ask(0x15, 0).ecx, (u32)TSC_HZ);
}

UNIT(a_tsc_too_fast_for_a_crystal_has_a_ratio)
{
	load_full_host();
	cpuid_policy_build(
		&policy,
		&(struct cpuid_setup){ .vcpus = 1, .tsc_hz = 5000000000ULL, .tsc_per_tick = 2 });
	assert_regs(ask(0x15, 0), (struct cpuid_regs){ 1, 2, 2500000000u, 0 });
	assert_regs(ask(0x16, 0), (struct cpuid_regs){ 5000, 5000, 2500, 0 });
	assert_regs(ask(NESTOR_CPUID_BASE + 0x10, 0),
		    (struct cpuid_regs){ 5000000, 2500000, 0, 0 });
}

UNIT(a_leaf_out_of_range_gets_the_highest_basic_leaf)
{
	static const u32 outside[] = { 0x17,       0x20,       0x3fffffff, 0x50000000,
				       0x7fffffff, 0x80000009, 0xc0000000, ~0u };

	build_full(1);
	for (u32 i = 0; i < ARRAY_SIZE(outside); i++) {
		assert_regs(ask(outside[i], 0), ask(HIGHEST, 0));
		assert_regs(ask(outside[i], 2), ask(HIGHEST, 2)); /* with the same ECX */
	}
}

UNIT(unknown_subleaves_read_as_zero)
{
	build_full(4);
	assert_regs(ask(7, 2), (struct cpuid_regs){ 0 });
	assert_regs(ask(7, ~0u), (struct cpuid_regs){ 0 });
	assert_int_equal(ask(7, 0).eax, 1);
	assert_int_equal(ask(7, 1).eax, 0x1c30);
	assert_regs(ask(4, 2), (struct cpuid_regs){ 0 });
	assert_regs(ask(0xd, 17), (struct cpuid_regs){ 0 }); /* AMX: on the host, not offered */
	assert_regs(ask(0xd, 63), (struct cpuid_regs){ 0 });
}

UNIT(leaves_without_subleaves_ignore_ecx)
{
	build_full(2);
	assert_regs(ask(1, 5), ask(1, 0));
	assert_regs(ask(2, 9), ask(2, 0));
	assert_regs(ask(0x80000008, 1), ask(0x80000008, 0));
}

UNIT(hidden_leaves_read_as_zero)
{
	static const u32 hidden[] = {
		3, 5, 8, 9, 0xa, 0xc, 0xe, 0xf, 0x10, 0x12, 0x14, 0x80000005
	};

	build_full(1);
	for (u32 i = 0; i < ARRAY_SIZE(hidden); i++)
		assert_regs(ask(hidden[i], 0), (struct cpuid_regs){ 0 });
}

UNIT(dynamic_bits_follow_the_vcpu)
{
	build_full(4);
	assert_false(ask(1, 0).ecx & 1u << 27);
	assert_false(ask(7, 0).ecx & 1u << 4);
	context.cr4 = CR4_OSXSAVE;
	assert_true(ask(1, 0).ecx & 1u << 27);
	assert_false(ask(7, 0).ecx & 1u << 4);
	context.cr4 = CR4_PKE;
	assert_false(ask(1, 0).ecx & 1u << 27);
	assert_true(ask(7, 0).ecx & 1u << 4);
	assert_int_equal(ask(1, 0).ebx >> 24, 0);
	context.apic_id = 3;
	assert_int_equal(ask(1, 0).ebx >> 24, 3);
	assert_int_equal(ask(0xb, 0).edx, 3);
	assert_int_equal(ask(0xb, 9).edx, 3);
}

UNIT(one_vcpu_is_no_multiprocessor)
{
	build_full(1);
	assert_false(ask(1, 0).edx & 1u << 28);
	assert_int_equal(ask(1, 0).ebx >> 16 & 0xff, 1);
	assert_int_equal(ask(1, 0).ebx & 0xffff, 0x0800); /* CLFLUSH size is the host's */
	assert_int_equal(ask(4, 1).eax, 0x163);
	assert_regs(ask(0xb, 1), (struct cpuid_regs){ .eax = 0, .ebx = 1, .ecx = 0x201 });
}

UNIT(vcpus_are_cores_of_one_package)
{
	build_full(3);
	assert_true(ask(1, 0).edx & 1u << 28);
	assert_int_equal(ask(1, 0).ebx >> 16 & 0xff, 3);
	assert_int_equal(ask(4, 0).eax, 3u << 26 | 0x121);            /* level 1: its own */
	assert_int_equal(ask(4, 1).eax, 3u << 26 | 3u << 14 | 0x163); /* level 3: shared */
	assert_regs(ask(0xb, 0), (struct cpuid_regs){ .eax = 0, .ebx = 1, .ecx = 0x100 });
	assert_regs(ask(0xb, 1), (struct cpuid_regs){ .eax = 2, .ebx = 3, .ecx = 0x201 });
	assert_regs(ask(0xb, 2), (struct cpuid_regs){ .ecx = 2 });
}

UNIT(xsave_sizes_follow_the_enabled_state)
{
	build_full(1);
	assert_int_equal(policy.xcr0, 0x2e7);
	assert_regs(ask(0xd, 0), (struct cpuid_regs){ 0x2e7, 576, 2696, 0 });
	context.xcr0 = 7;
	assert_int_equal(ask(0xd, 0).ebx, 832);
	context.xcr0 = 0xe7;
	assert_int_equal(ask(0xd, 0).ebx, 2688);
	context.xcr0 = 0x203; /* a hole in the standard form, none in the compacted one */
	assert_int_equal(ask(0xd, 0).ebx, 2696);
	assert_int_equal(ask(0xd, 1).ebx, 576 + 8);
	context.xcr0 = 0x207;
	assert_int_equal(ask(0xd, 1).ebx, 832 + 8);
	assert_regs(ask(0xd, 1), (struct cpuid_regs){ 0xf, 840, 0, 0 });
}

UNIT(a_compacted_form_that_is_wrong_is_not_offered)
{
	load_full_host();
	build_as((struct cpuid_setup){ .vcpus = 1, .cpu2_controls = ALL_CONTROLS });
	context.xcr0 = 7;
	/* XSAVEOPT, and XGETBV with ECX = 1 */
	assert_regs(ask(0xd, 1), (struct cpuid_regs){ .eax = 5 });
	assert_int_equal(ask(0xd, 0).ebx, 832);
}

UNIT(compacted_components_are_aligned_only_where_they_ask)
{
	load_full_host();
	set(0xd, 2, (struct cpuid_regs){ 100, 576, 0, 0 });
	build(1, ALL_CONTROLS, false);
	context.xcr0 = 0x207;
	assert_int_equal(ask(0xd, 1).ebx, 704 + 8); /* component 9 asks for 64 bytes */
	set(0xd, 9, (struct cpuid_regs){ 8, 2688, 0, 0 });
	build(1, ALL_CONTROLS, false);
	context.xcr0 = 0x207;
	assert_int_equal(ask(0xd, 1).ebx, 676 + 8);
}

UNIT(an_incomplete_avx512_is_not_offered)
{
	load_full_host();
	set(0xd, 0, (struct cpuid_regs){ 0x67, 0, 0, 0 });
	build(1, ALL_CONTROLS, false);
	assert_int_equal(policy.xcr0, 7);
	assert_int_equal(ask(0xd, 0).ecx, 832);
	assert_regs(ask(0xd, 5), (struct cpuid_regs){ 0 });
}

UNIT(the_linear_width_stays_at_four_levels)
{
	build_full(1);
	assert_regs(ask(0x80000008, 0), (struct cpuid_regs){ 0x302e, 0, 0, 0 });
}

UNIT(building_again_leaves_nothing_behind)
{
	static struct cpuid_policy first;

	build_full(4);
	build_full(2);
	first = policy;
	memset(&policy, 0xa5, sizeof(policy));
	build_full(2);
	assert_memory_equal(&first, &policy, sizeof(policy));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vendor_is_the_hosts_and_the_highest_leaf_ours),
		cmocka_unit_test(a_smaller_host_gets_no_leaves_by_mistake),
		cmocka_unit_test(a_host_without_extended_leaves_is_survived),
		cmocka_unit_test(every_mask_holds_on_a_host_with_all_features),
		cmocka_unit_test(controls_and_nesting_lift_their_masks_only),
		cmocka_unit_test(a_state_component_without_a_size_is_not_offered),
		cmocka_unit_test(ordinary_features_pass),
		cmocka_unit_test(nothing_is_offered_that_the_host_lacks),
		cmocka_unit_test(the_hypervisor_names_itself),
		cmocka_unit_test(the_clocks_are_the_measured_ones),
		cmocka_unit_test(a_tsc_too_fast_for_a_crystal_has_a_ratio),
		cmocka_unit_test(a_leaf_out_of_range_gets_the_highest_basic_leaf),
		cmocka_unit_test(unknown_subleaves_read_as_zero),
		cmocka_unit_test(leaves_without_subleaves_ignore_ecx),
		cmocka_unit_test(hidden_leaves_read_as_zero),
		cmocka_unit_test(dynamic_bits_follow_the_vcpu),
		cmocka_unit_test(one_vcpu_is_no_multiprocessor),
		cmocka_unit_test(vcpus_are_cores_of_one_package),
		cmocka_unit_test(xsave_sizes_follow_the_enabled_state),
		cmocka_unit_test(a_compacted_form_that_is_wrong_is_not_offered),
		cmocka_unit_test(compacted_components_are_aligned_only_where_they_ask),
		cmocka_unit_test(an_incomplete_avx512_is_not_offered),
		cmocka_unit_test(the_linear_width_stays_at_four_levels),
		cmocka_unit_test(building_again_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
