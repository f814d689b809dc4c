/* SPDX-License-Identifier: MIT */
/* VM entry's checks of the host-state area (SDM "Checks on Host Control Registers, MSRs, and SSP"
 * and what follows it). What enters is harmless as this CPU's state for the moment that it is. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/vmx_check.h"

#define LAST_CANONICAL     (NON_CANONICAL - 1)
#define FIRST_CANONICAL    (~LAST_CANONICAL) /* of the upper half */
#define EFER_KNOWN         (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define SELECTOR_FORBIDDEN 3 /* RPL and TI: so many low bits */

/* Non-canonical addresses of several kinds are refused. */
static void expect_canonical(enum vmcs_field field)
{
	EXPECT_REFUSED(BAD_HOST, field, NON_CANONICAL);
	EXPECT_REFUSED(BAD_HOST, field, ~NON_CANONICAL);
	EXPECT_REFUSED(BAD_HOST, field, BIT(63));
	EXPECT_REFUSED(BAD_HOST, field, LAST_CANONICAL | BIT(48));
}

/* And the last on either side enter, where this CPU can live with them. */
static void expect_free_if_canonical(enum vmcs_field field)
{
	expect_canonical(field);
	EXPECT_ENTERS(field, LAST_CANONICAL);
	EXPECT_ENTERS(field, FIRST_CANONICAL);
}

CHECK_TEST(host_cr0_has_fixed_bits)
{
	/* Expect: error 8 with PE, NE or PG 0, or any of bits 63:32 set. */
	u64 cr0 = check_base(VMCS_HOST_CR0);

	EXPECT_REFUSED(BAD_HOST, VMCS_HOST_CR0, cr0 & ~(u64)CR0_PE);
	EXPECT_REFUSED(BAD_HOST, VMCS_HOST_CR0, cr0 & ~(u64)CR0_NE);
	EXPECT_REFUSED(BAD_HOST, VMCS_HOST_CR0, cr0 & ~(u64)CR0_PG);
	for (u32 bit = 32; bit < 64; bit++)
		EXPECT_REFUSED(BAD_HOST, VMCS_HOST_CR0, cr0 | BIT(bit));
	EXPECT_ENTERS(VMCS_HOST_CR0, cr0 ^ CR0_WP);
}

CHECK_TEST(host_cr0_cache_bits_are_not_checked)
{
	/* Expect: each setting of CD and NW enters; the exit leaves both as they are. */
	u64 before = read_cr0();

	EXPECT_ENTERS(VMCS_HOST_CR0, check_base(VMCS_HOST_CR0) ^ CR0_CD);
	EXPECT_ENTERS(VMCS_HOST_CR0, check_base(VMCS_HOST_CR0) ^ CR0_NW);
	EXPECT_ENTERS(VMCS_HOST_CR0, check_base(VMCS_HOST_CR0) ^ (CR0_NW | CR0_CD));
	EXPECT_EQ(read_cr0(), before);
}

CHECK_TEST(host_cr4_has_fixed_bits)
{
	/* Expect: error 8 without VMXE, and for each bit that IA32_VMX_CR4_FIXED1 has as 0. */
	u64 cr4 = check_base(VMCS_HOST_CR4), allowed = rdmsr(MSR_IA32_VMX_CR4_FIXED1);

	EXPECT_REFUSED(BAD_HOST, VMCS_HOST_CR4, cr4 & ~(u64)CR4_VMXE);
	for (u32 bit = 0; bit < 64; bit++)
		if (!(allowed & BIT(bit)))
			EXPECT_REFUSED(BAD_HOST, VMCS_HOST_CR4, cr4 | BIT(bit));
	EXPECT_ENTERS(VMCS_HOST_CR4, cr4 ^ CR4_DE);
}

CHECK_TEST(host_cr3_is_within_the_address_width)
{
	/* Expect: error 8 for each bit beyond. */
	for (u32 bit = physical_address_bits(); bit < 64; bit++)
		EXPECT_REFUSED(BAD_HOST, VMCS_HOST_CR3, check_base(VMCS_HOST_CR3) | BIT(bit));
}

CHECK_TEST(host_sysenter_addresses_are_canonical)
{
	/* Expect: error 8 for others, in ESP and EIP. */
	expect_free_if_canonical(VMCS_HOST_SYSENTER_ESP);
	expect_free_if_canonical(VMCS_HOST_SYSENTER_EIP);
}

CHECK_TEST(host_pat_has_known_memory_types)
{
	/* Expect: error 8 for types 2, 3 and from 8 on in any of the eight; 0, 1, 4 to 7 enter;
	 * without the control it does not matter. */
	u64 pat = rdmsr(MSR_IA32_PAT);

	NEEDS(vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_LOAD_PAT), "load IA32_PAT");
	EXPECT_ENTERS(VMCS_HOST_PAT, ~0ULL);
	check_keep(VMCS_HOST_PAT, pat);
	check_keep_bits(VMCS_EXIT_CONTROLS, EXIT_CTL_LOAD_PAT, 0);
	check_pat_types(VMCS_HOST_PAT, BAD_HOST);
	EXPECT_EQ(rdmsr(MSR_IA32_PAT), pat);
}

CHECK_TEST(host_efer_has_reserved_bits)
{
	/* Expect: error 8 for each bit but SCE, LME, LMA and NXE; without the control it does not
	 * matter. */
	u64 efer = rdmsr(MSR_IA32_EFER);

	NEEDS(vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_LOAD_EFER), "load IA32_EFER");
	EXPECT_ENTERS(VMCS_HOST_EFER, ~0ULL);
	check_keep(VMCS_HOST_EFER, efer);
	check_keep_bits(VMCS_EXIT_CONTROLS, EXIT_CTL_LOAD_EFER, 0);
	for (u32 bit = 0; bit < 64; bit++)
		if (!(EFER_KNOWN & BIT(bit)))
			EXPECT_REFUSED(BAD_HOST, VMCS_HOST_EFER, efer | BIT(bit));
	EXPECT_ENTERS(VMCS_HOST_EFER, efer ^ EFER_SCE);
}

CHECK_TEST(host_efer_fits_the_address_space_size)
{
	/* Expect: error 8 where LMA or LME is 0 for a 64-bit host. */
	u64 efer = rdmsr(MSR_IA32_EFER);

	NEEDS(vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_LOAD_EFER), "load IA32_EFER");
	check_keep(VMCS_HOST_EFER, efer);
	check_keep_bits(VMCS_EXIT_CONTROLS, EXIT_CTL_LOAD_EFER, 0);
	EXPECT_REFUSED(BAD_HOST, VMCS_HOST_EFER, efer & ~(u64)EFER_LMA);
	EXPECT_REFUSED(BAD_HOST, VMCS_HOST_EFER, efer & ~(u64)EFER_LME);
	EXPECT_REFUSED(BAD_HOST, VMCS_HOST_EFER, efer & ~(u64)(EFER_LME | EFER_LMA));
}

static const enum vmcs_field selectors[] = {
	VMCS_HOST_SEL_ES, VMCS_HOST_SEL_CS, VMCS_HOST_SEL_SS, VMCS_HOST_SEL_DS,
	VMCS_HOST_SEL_FS, VMCS_HOST_SEL_GS, VMCS_HOST_SEL_TR,
};

CHECK_TEST(host_selectors_have_no_rpl_and_no_ldt)
{
	/* Expect: error 8 for each of the three low bits in each of the seven. */
	for (u32 i = 0; i < ARRAY_SIZE(selectors); i++)
		for (u32 bit = 0; bit < SELECTOR_FORBIDDEN; bit++)
			EXPECT_REFUSED(BAD_HOST, selectors[i], check_base(selectors[i]) | BIT(bit));
}

CHECK_TEST(host_cs_and_tr_are_not_null)
{
	/* Expect: error 8 for a selector of 0 in these; in the others it enters, SS among them
	 * for a 64-bit host. */
	for (u32 i = 0; i < ARRAY_SIZE(selectors); i++) {
		bool needed = selectors[i] == VMCS_HOST_SEL_CS || selectors[i] == VMCS_HOST_SEL_TR;

		EXPECT_REFUSED(needed ? BAD_HOST : ENTERS, selectors[i], 0);
	}
}

CHECK_TEST(host_fs_and_gs_bases_are_canonical)
{
	/* Expect: error 8 for others. */
	expect_free_if_canonical(VMCS_HOST_BASE_FS);
	expect_free_if_canonical(VMCS_HOST_BASE_GS);
}

CHECK_TEST(host_tr_base_is_canonical)
{
	/* Expect: error 8 for others. */
	expect_canonical(VMCS_HOST_BASE_TR);
}

CHECK_TEST(host_gdtr_and_idtr_bases_are_canonical)
{
	/* Expect: error 8 for others. */
	expect_canonical(VMCS_HOST_BASE_GDTR);
	expect_canonical(VMCS_HOST_BASE_IDTR);
}

CHECK_TEST(host_rip_is_canonical)
{
	/* Expect: error 8 for others. (An entry would end here in a fault.) */
	const u64 bad[] = { NON_CANONICAL, ~NON_CANONICAL, BIT(63) };
	u64 value = 0;

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		check_set(VMCS_HOST_RIP, bad[i]);
		EXPECT_OUTCOME(vmx_try(INSN_VMRESUME, 0, 0, &value),
			       VMFAIL(VMX_ERROR_ENTRY_HOST_STATE));
	}
	EXPECT_ENTRY(ENTERS);
}

CHECK_TEST(host_of_64_bit_code_is_one_of_64_bits)
{
	/* Expect: error 8 with host address-space size 0 here, with an L2 of either kind. */
	u64 exits = check_base(VMCS_EXIT_CONTROLS) & ~(u64)EXIT_CTL_HOST_64BIT;

	EXPECT_REFUSED(BAD_HOST, VMCS_EXIT_CONTROLS, exits);
	check_to_pae();
	EXPECT_REFUSED(BAD_HOST, VMCS_EXIT_CONTROLS, exits);
	EXPECT_ENTRY(ENTERS);
}

CHECK_TEST(host_of_64_bits_has_cr4_pae)
{
	/* Expect: error 8 without it. */
	EXPECT_REFUSED(BAD_HOST, VMCS_HOST_CR4, check_base(VMCS_HOST_CR4) & ~(u64)CR4_PAE);
}

CHECK_TEST(vmfail_leaves_the_cpu_as_it_is)
{
	/* Expect: after errors 7 and 8, no host state was loaded: FS base and SYSENTER_CS are as
	 * before, which differs from the VMCS. */
	u64 base = rdmsr(MSR_IA32_FS_BASE), cs = rdmsr(MSR_IA32_SYSENTER_CS);

	check_set(VMCS_HOST_BASE_FS, base + 0x1000);
	check_set(VMCS_HOST_SYSENTER_CS, cs + 8);
	check_set(VMCS_HOST_SEL_TR, 0);
	EXPECT_EQ(check_enter(), BAD_HOST);
	EXPECT_EQ(rdmsr(MSR_IA32_FS_BASE), base);
	EXPECT_EQ(rdmsr(MSR_IA32_SYSENTER_CS), cs);
	check_set(VMCS_CR3_TARGET_COUNT, ~0u);
	EXPECT_EQ(check_enter(), BAD_CONTROLS);
	EXPECT_EQ(rdmsr(MSR_IA32_FS_BASE), base);
	EXPECT_EQ(rdmsr(MSR_IA32_SYSENTER_CS), cs);
	check_put_back();
	EXPECT_ENTRY(ENTERS);
}
