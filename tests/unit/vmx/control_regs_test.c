/* SPDX-License-Identifier: MIT */
/* The rules of MOV to CR0 and CR4, each broken alone. */
#include "unit.h"
#include "vmx/control_regs.h"
#include "vmx/cpuid_policy.h"

#define ALLOWED_CR4 (CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP)

static const struct cr_state real_mode = { .cr0 = CR0_ET };
static const struct cr_state protected_mode = { .cr0 = CR0_PE | CR0_ET };
static const struct cr_state long_mode = {
	.cr0 = CR0_PE | CR0_PG | CR0_ET,
	.cr4 = CR4_PAE,
	.efer = EFER_LME | EFER_LMA,
	.cs_long = true,
};

UNIT(cr0_accepts_what_kernels_write)
{
	assert_false(cr0_write_faults(&real_mode, CR0_PE | CR0_ET));
	assert_false(cr0_write_faults(&protected_mode, CR0_PE | CR0_PG));
	assert_false(cr0_write_faults(&long_mode, CR0_PE | CR0_PG | CR0_CD));
	assert_false(cr0_write_faults(&long_mode, CR0_PE | CR0_PG | CR0_CD | CR0_NW));
}

UNIT(cr0_upper_half_faults)
{
	assert_true(cr0_write_faults(&long_mode, CR0_PE | CR0_PG | BIT(32)));
}

UNIT(cr0_paging_needs_protection)
{
	assert_true(cr0_write_faults(&real_mode, CR0_PG));
}

UNIT(cr0_nw_needs_cd)
{
	assert_true(cr0_write_faults(&protected_mode, CR0_PE | CR0_NW));
}

UNIT(cr0_long_mode_needs_pae_a_32bit_cs_and_tss)
{
	struct cr_state s = { .cr0 = CR0_PE, .efer = EFER_LME, .cr4 = CR4_PAE };

	assert_false(cr0_write_faults(&s, CR0_PE | CR0_PG));
	s.cs_long = true;
	assert_true(cr0_write_faults(&s, CR0_PE | CR0_PG));
	s.cs_long = false;
	s.tss_16bit = true;
	assert_true(cr0_write_faults(&s, CR0_PE | CR0_PG));
	s.tss_16bit = false;
	s.cr4 = 0;
	assert_true(cr0_write_faults(&s, CR0_PE | CR0_PG));
}

UNIT(cr0_paging_stays_on_in_64bit_code_and_with_pcid)
{
	struct cr_state s = long_mode;

	assert_true(cr0_write_faults(&s, CR0_PE));
	s.cs_long = false;
	assert_false(cr0_write_faults(&s, CR0_PE));
	s.cr4 |= CR4_PCIDE;
	assert_true(cr0_write_faults(&s, CR0_PE));
}

UNIT(cr4_bits_that_are_not_offered_fault)
{
	assert_false(cr4_write_faults(&protected_mode, CR4_PSE, ALLOWED_CR4));
	assert_true(cr4_write_faults(&protected_mode, CR4_VMXE, ALLOWED_CR4));
	assert_true(cr4_write_faults(&protected_mode, BIT(63), ALLOWED_CR4));
}

UNIT(cr4_pae_stays_on_in_long_mode)
{
	assert_true(cr4_write_faults(&long_mode, 0, ALLOWED_CR4));
	assert_false(cr4_write_faults(&long_mode, CR4_PAE | CR4_PGE, ALLOWED_CR4));
}

UNIT(cr4_pcid_needs_long_mode_and_pcid_zero)
{
	struct cr_state s = long_mode;

	assert_false(cr4_write_faults(&s, CR4_PAE | CR4_PCIDE, ALLOWED_CR4));
	s.cr3 = 5;
	assert_true(cr4_write_faults(&s, CR4_PAE | CR4_PCIDE, ALLOWED_CR4));
	assert_true(cr4_write_faults(&protected_mode, CR4_PAE | CR4_PCIDE, ALLOWED_CR4));
}

UNIT(lma_follows_lme_and_paging)
{
	assert_int_equal(efer_after_cr0(EFER_LME, CR0_PG | CR0_PE), EFER_LME | EFER_LMA);
	assert_int_equal(efer_after_cr0(EFER_LME | EFER_LMA, CR0_PE), EFER_LME);
	assert_int_equal(efer_after_cr0(EFER_NXE, CR0_PG | CR0_PE), EFER_NXE);
}

UNIT(pdptes_load_when_pae_paging_changes)
{
	struct cr_state before = { .cr0 = CR0_PE, .cr4 = CR4_PAE }, after = before;

	assert_false(cr_write_loads_pdptes(&before, &after));
	after.cr0 |= CR0_PG;
	assert_true(cr_write_loads_pdptes(&before, &after));
	before = after;
	after.cr4 |= CR4_PGE;
	assert_true(cr_write_loads_pdptes(&before, &after));
	after.efer = before.efer = EFER_LMA;
	assert_false(cr_write_loads_pdptes(&before, &after));
}

UNIT(pdpte_reserved_bits_count_only_when_present)
{
	assert_false(pdpte_is_invalid(BIT(1), 40));
	assert_true(pdpte_is_invalid(1 | BIT(1), 40));
	assert_true(pdpte_is_invalid(1 | BIT(40), 40));
	assert_false(pdpte_is_invalid(1 | BIT(39), 40));
}

UNIT(one_invalid_pdpte_of_four_is_enough)
{
	for (u32 i = 0; i < 4; i++) {
		u64 pdptes[4] = { 1, 1, 1, 1 };

		assert_false(pdptes_are_invalid(pdptes, 40));
		pdptes[i] |= BIT(1);
		assert_true(pdptes_are_invalid(pdptes, 40));
	}
}

UNIT(xcr0_components_depend_on_each_other)
{
	static const struct {
		u64 value;
		bool valid;
	} cases[] = {
		{ 1, true },    { 3, true },     { 7, true },     { 0, false },
		{ 2, false },   { 5, false },    { 0x0b, false }, { 0x1b, true },
		{ 0xe7, true }, { 0x67, false }, { 0xe3, false }, { 1ULL << 63 | 1, false },
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(xcr0_is_valid(cases[i].value, 0xff), cases[i].valid);
	assert_false(xcr0_is_valid(7, 3));
}

static void cr4_bits_follow_the_cpuid_that_the_guest_sees(void **state)
{
	struct cpuid_policy policy = { 0 };

	(void)state;
	assert_int_equal(cr4_offered(&policy), CR4_PCE);
	policy.basic[1].regs.edx = 1u << 6;
	policy.basic[1].regs.ecx = 1u << 26;
	policy.basic[7].regs.ecx = 1u << 3;
	assert_int_equal(cr4_offered(&policy), CR4_PCE | CR4_PAE | CR4_OSXSAVE | CR4_PKE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cr0_accepts_what_kernels_write),
		cmocka_unit_test(cr0_upper_half_faults),
		cmocka_unit_test(cr0_paging_needs_protection),
		cmocka_unit_test(cr0_nw_needs_cd),
		cmocka_unit_test(cr0_long_mode_needs_pae_a_32bit_cs_and_tss),
		cmocka_unit_test(cr0_paging_stays_on_in_64bit_code_and_with_pcid),
		cmocka_unit_test(cr4_bits_that_are_not_offered_fault),
		cmocka_unit_test(cr4_pae_stays_on_in_long_mode),
		cmocka_unit_test(cr4_pcid_needs_long_mode_and_pcid_zero),
		cmocka_unit_test(lma_follows_lme_and_paging),
		cmocka_unit_test(pdptes_load_when_pae_paging_changes),
		cmocka_unit_test(cr4_bits_follow_the_cpuid_that_the_guest_sees),
		cmocka_unit_test(xcr0_components_depend_on_each_other),
		cmocka_unit_test(pdpte_reserved_bits_count_only_when_present),
		cmocka_unit_test(one_invalid_pdpte_of_four_is_enough),
	};

	return cmocka_run_group_tests_name("vmx/control_regs", tests, NULL, NULL);
}
