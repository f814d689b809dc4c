/* SPDX-License-Identifier: MIT */
/* VM entry's checks of the guest's control registers, MSRs, RFLAGS and RIP. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/vmx_check.h"
#include "vmx/access_rights.h"

#define LAST_CANONICAL  (NON_CANONICAL - 1)
#define FIRST_CANONICAL (~LAST_CANONICAL)
#define EFER_KNOWN      (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define RFLAGS_RESERVED (BIT(3) | BIT(5) | BIT(15) | BITS(63, 22))
#define RFLAGS_HARMLESS (BITS(14, 12) | BITS(21, 18) | 0xcd5) /* all but TF, IF, RF, VM */

CHECK_TEST(guest_cr0_has_fixed_bits)
{
	/* Expect: a failure by guest state with PE, NE or PG 0, or any of bits 63:32 set. */
	u64 cr0 = check_base(VMCS_GUEST_CR0);

	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR0, cr0 & ~(u64)CR0_NE);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR0, cr0 & ~(u64)CR0_PE);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR0, cr0 & ~(u64)CR0_PG);
	for (u32 bit = 32; bit < 64; bit++)
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR0, cr0 | BIT(bit));
	EXPECT_ENTERS(VMCS_GUEST_CR0, cr0 ^ (CR0_WP | CR0_AM | CR0_MP));
}

CHECK_TEST(guest_cr0_cache_bits_are_not_checked)
{
	/* Expect: each setting of CD and NW enters, and neither is loaded. */
	u64 cr0 = check_base(VMCS_GUEST_CR0), before = read_cr0();

	EXPECT_ENTERS(VMCS_GUEST_CR0, cr0 ^ CR0_CD);
	EXPECT_ENTERS(VMCS_GUEST_CR0, cr0 ^ CR0_NW);
	EXPECT_ENTERS(VMCS_GUEST_CR0, cr0 ^ (CR0_NW | CR0_CD));
	EXPECT_EQ(read_cr0(), before);
}

CHECK_TEST(unrestricted_guest_may_be_without_paging)
{
	/* Expect: PG = 0 enters; a failure with NE = 0, or with PG = 1 and PE = 0. */
	u64 cr0;

	NEEDS(check_to_flat(), "unrestricted guest");
	cr0 = check_base(VMCS_GUEST_CR0);
	EXPECT_ENTRY(ENTERS);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR0, cr0 & ~(u64)CR0_NE);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR0, (cr0 | CR0_PG) & ~(u64)CR0_PE);
}

CHECK_TEST(restricted_guest_with_ept_needs_paging)
{
	/* Expect: with EPT but without "unrestricted guest", a failure with PG = 0, or PE = 0. */
	u64 cr0 = check_base(VMCS_GUEST_CR0);

	NEEDS(check_use_ept(), "EPT");
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR0, cr0 & ~(u64)CR0_PG);
	check_set(VMCS_ENTRY_CONTROLS,
		  check_base(VMCS_ENTRY_CONTROLS) & ~(u64)ENTRY_CTL_IA32E_MODE);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR0, cr0 & ~(u64)(CR0_PG | CR0_PE));
}

CHECK_TEST(guest_cr4_has_fixed_bits)
{
	/* Expect: a failure by guest state without VMXE, and for each bit that
	 * IA32_VMX_CR4_FIXED1 has as 0. */
	u64 cr4 = check_base(VMCS_GUEST_CR4), allowed = rdmsr(MSR_IA32_VMX_CR4_FIXED1);

	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR4, cr4 & ~(u64)CR4_VMXE);
	for (u32 bit = 0; bit < 64; bit++)
		if (!(allowed & BIT(bit)))
			EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR4, cr4 | BIT(bit));
	EXPECT_ENTERS(VMCS_GUEST_CR4, cr4 ^ (CR4_DE | CR4_TSD | CR4_PGE));
}

CHECK_TEST(ia32e_mode_guest_has_cr4_pae)
{
	/* Expect: a failure by guest state without it. */
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR4, check_base(VMCS_GUEST_CR4) & ~(u64)CR4_PAE);
}

CHECK_TEST(ia32e_mode_guest_has_paging)
{
	/* Expect: a failure by guest state with PG = 0, though the guest is unrestricted. */
	if (machine_is_bochs())
		SKIP("Bochs 2.7 does not ask for CR0.PG where the guest is unrestricted");
	NEEDS(check_to_flat(), "unrestricted guest");
	check_set(VMCS_GUEST_AR_CS, AR_G | AR_L | AR_P | AR_S | 0xb);
	EXPECT_REFUSED(BAD_GUEST, VMCS_ENTRY_CONTROLS,
		       check_base(VMCS_ENTRY_CONTROLS) | ENTRY_CTL_IA32E_MODE);
}

CHECK_TEST(guest_pcids_need_ia32e_mode)
{
	/* Expect: a failure by guest state with CR4.PCIDE under PAE paging; in IA-32e mode it
	 * enters. */
	NEEDS(rdmsr(MSR_IA32_VMX_CR4_FIXED1) & CR4_PCIDE, "CR4.PCIDE");
	EXPECT_ENTERS(VMCS_GUEST_CR4, check_base(VMCS_GUEST_CR4) | CR4_PCIDE);
	check_to_pae();
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR4, check_base(VMCS_GUEST_CR4) | CR4_PCIDE);
}

CHECK_TEST(guest_cr3_is_within_the_address_width)
{
	/* Expect: a failure by guest state for each bit beyond. */
	for (u32 bit = physical_address_bits(); bit < 64; bit++)
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_CR3, check_base(VMCS_GUEST_CR3) | BIT(bit));
	EXPECT_ENTERS(VMCS_GUEST_CR3, check_base(VMCS_GUEST_CR3) | BITS(4, 3)); /* PWT, PCD */
}

CHECK_TEST(guest_dr7_has_32_bits)
{
	/* Expect: a failure by guest state for each of bits 63:32 with "load debug controls";
	 * without it they don't matter. */
	check_keep_bits(VMCS_ENTRY_CONTROLS, ENTRY_CTL_LOAD_DEBUG, 0);
	for (u32 bit = 32; bit < 64; bit++)
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_DR7, DR7_AT_RESET | BIT(bit));
	EXPECT_ENTERS(VMCS_GUEST_DR7, DR7_AT_RESET | 3);
	if ((u32)vmx_capabilities(CONTROL_SET_ENTRY) & ENTRY_CTL_LOAD_DEBUG)
		return;
	check_keep_bits(VMCS_ENTRY_CONTROLS, 0, ENTRY_CTL_LOAD_DEBUG);
	EXPECT_ENTERS(VMCS_GUEST_DR7, ~0ULL);
}

CHECK_TEST(guest_debugctl_has_reserved_bits)
{
	/* Expect: a failure by guest state with "load debug controls" for bits that no CPU has;
	 * without it they don't matter. */
	const u32 bits[] = { 3, 4, 32, 47, 63 };

	if (machine_is_bochs())
		SKIP("Bochs 2.7 has no IA32_DEBUGCTL, and checks none");
	check_keep_bits(VMCS_ENTRY_CONTROLS, ENTRY_CTL_LOAD_DEBUG, 0);
	for (u32 i = 0; i < ARRAY_SIZE(bits); i++)
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_DEBUGCTL, BIT(bits[i]));
	EXPECT_ENTERS(VMCS_GUEST_DEBUGCTL, 0);
	if ((u32)vmx_capabilities(CONTROL_SET_ENTRY) & ENTRY_CTL_LOAD_DEBUG)
		return;
	check_keep_bits(VMCS_ENTRY_CONTROLS, 0, ENTRY_CTL_LOAD_DEBUG);
	EXPECT_ENTERS(VMCS_GUEST_DEBUGCTL, ~0ULL);
}

CHECK_TEST(guest_sysenter_addresses_are_canonical)
{
	/* Expect: a failure by guest state for others, in ESP and EIP. */
	const enum vmcs_field fields[] = { VMCS_GUEST_SYSENTER_ESP, VMCS_GUEST_SYSENTER_EIP };

	for (u32 i = 0; i < ARRAY_SIZE(fields); i++) {
		EXPECT_REFUSED(BAD_GUEST, fields[i], NON_CANONICAL);
		EXPECT_REFUSED(BAD_GUEST, fields[i], ~NON_CANONICAL);
		EXPECT_REFUSED(BAD_GUEST, fields[i], BIT(63));
		EXPECT_ENTERS(fields[i], LAST_CANONICAL);
		EXPECT_ENTERS(fields[i], FIRST_CANONICAL);
	}
}

CHECK_TEST(guest_pat_has_known_memory_types)
{
	/* Expect: a failure by guest state for types 2, 3 and from 8 on in any of the eight; 0,
	 * 1, 4 to 7 enter; without the control it does not matter. */
	u64 pat = rdmsr(MSR_IA32_PAT);

	NEEDS(vmx_allows(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_PAT) &&
		      vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_LOAD_PAT),
	      "load IA32_PAT");
	EXPECT_ENTERS(VMCS_GUEST_PAT, ~0ULL);
	check_keep(VMCS_HOST_PAT, pat); /* what L2 runs with is not to stay */
	check_keep_bits(VMCS_EXIT_CONTROLS, EXIT_CTL_LOAD_PAT, 0);
	check_keep(VMCS_GUEST_PAT, pat);
	check_keep_bits(VMCS_ENTRY_CONTROLS, ENTRY_CTL_LOAD_PAT, 0);
	check_pat_types(VMCS_GUEST_PAT, BAD_GUEST);
	EXPECT_EQ(rdmsr(MSR_IA32_PAT), pat);
}

/* Load IA32_EFER in both directions. False: not offered. */
static bool use_efer(void)
{
	u64 efer = rdmsr(MSR_IA32_EFER);

	if (!vmx_allows(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_EFER) ||
	    !vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_LOAD_EFER))
		return false;
	check_keep(VMCS_HOST_EFER, efer);
	check_keep_bits(VMCS_EXIT_CONTROLS, EXIT_CTL_LOAD_EFER, 0);
	check_keep(VMCS_GUEST_EFER, efer);
	check_keep_bits(VMCS_ENTRY_CONTROLS, ENTRY_CTL_LOAD_EFER, 0);
	return true;
}

CHECK_TEST(guest_efer_has_reserved_bits)
{
	/* Expect: a failure by guest state for each bit but SCE, LME, LMA and NXE. */
	u64 efer;

	NEEDS(use_efer(), "load IA32_EFER");
	efer = check_base(VMCS_GUEST_EFER);
	for (u32 bit = 0; bit < 64; bit++)
		if (!(EFER_KNOWN & BIT(bit)))
			EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_EFER, efer | BIT(bit));
	EXPECT_ENTERS(VMCS_GUEST_EFER, efer ^ EFER_SCE);
}

CHECK_TEST(guest_efer_counts_only_with_its_control)
{
	/* Expect: ones enter without "load IA32_EFER". */
	NEEDS(vmx_allows(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_EFER), "load IA32_EFER");
	EXPECT_ENTERS(VMCS_GUEST_EFER, ~0ULL);
}

CHECK_TEST(guest_efer_lma_is_the_ia32e_mode_control)
{
	/* Expect: a failure by guest state where they differ, either way. */
	u64 efer;

	NEEDS(use_efer(), "load IA32_EFER");
	efer = check_base(VMCS_GUEST_EFER);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_EFER, efer & ~(u64)EFER_LMA);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_EFER, efer & ~(u64)(EFER_LMA | EFER_LME));
	check_to_pae();
	check_keep(VMCS_GUEST_EFER, efer & ~(u64)(EFER_LMA | EFER_LME));
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_EFER, efer);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_EFER, efer & ~(u64)EFER_LME);
}

CHECK_TEST(guest_efer_lme_is_lma_under_paging)
{
	/* Expect: a failure by guest state where they differ with CR0.PG = 1; without paging LME
	 * may be set. */
	u64 efer;

	NEEDS(use_efer(), "load IA32_EFER");
	efer = check_base(VMCS_GUEST_EFER);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_EFER, efer & ~(u64)EFER_LME);
	NEEDS(check_to_flat(), "unrestricted guest");
	check_keep(VMCS_GUEST_EFER, efer & ~(u64)(EFER_LMA | EFER_LME));
	EXPECT_ENTERS(VMCS_GUEST_EFER, efer & ~(u64)EFER_LMA);
}

CHECK_TEST(guest_rflags_has_reserved_bits)
{
	/* Expect: a failure by guest state for each reserved bit set, and for bit 1 clear; the
	 * flags of programs, IOPL, NT, AC and ID enter. */
	u64 rflags = check_base(VMCS_GUEST_RFLAGS);

	for (u32 bit = 0; bit < 64; bit++)
		if (RFLAGS_RESERVED & BIT(bit))
			EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_RFLAGS, rflags | BIT(bit));
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_RFLAGS, rflags & ~(u64)RFLAGS_FIXED);
	for (u32 bit = 0; bit < 64; bit++)
		if (RFLAGS_HARMLESS & BIT(bit))
			EXPECT_ENTERS(VMCS_GUEST_RFLAGS, rflags | BIT(bit));
	EXPECT_ENTERS(VMCS_GUEST_RFLAGS, rflags | RFLAGS_IF);
	EXPECT_ENTERS(VMCS_GUEST_RFLAGS, rflags | RFLAGS_RF);
}

CHECK_TEST(guest_rflags_vm_is_not_for_ia32e_mode)
{
	/* Expect: a failure by guest state. */
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_RFLAGS, check_base(VMCS_GUEST_RFLAGS) | RFLAGS_VM);
}

CHECK_TEST(guest_rflags_vm_needs_protected_mode)
{
	/* Expect: a failure by guest state with CR0.PE = 0. */
	NEEDS(check_to_flat(), "unrestricted guest");
	check_set(VMCS_GUEST_CR0, check_base(VMCS_GUEST_CR0) & ~(u64)CR0_PE);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_RFLAGS, check_base(VMCS_GUEST_RFLAGS) | RFLAGS_VM);
}

CHECK_TEST(guest_rip_of_64_bit_code_fits_the_linear_width)
{
	/* Expect: a failure by guest state where bits 63:48 are not all the same; bit 47 may differ
	 * from them, and L2 faults then by itself. */
	u64 rip = check_base(VMCS_GUEST_RIP), got;

	if (machine_is_bochs())
		SKIP("Bochs 2.7 does not look at RIP of 64-bit code");
	for (u32 bit = 48; bit < 64; bit++)
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_RIP, rip | BIT(bit));
	check_set(VMCS_GUEST_RIP, rip | BIT(47));
	got = check_enter();
	check_put_back();
	EXPECT_EQ(got, EXIT_EXCEPTION_NMI);
}

CHECK_TEST(guest_rip_of_other_code_has_32_bits)
{
	/* Expect: a failure by guest state for each of bits 63:32 in compatibility mode and
	 * under PAE paging. */
	u64 rip = check_base(VMCS_GUEST_RIP);

	check_keep(VMCS_GUEST_SEL_CS, CODE32);
	check_keep(VMCS_GUEST_AR_CS, AR_FLAT_CODE);
	EXPECT_ENTRY(ENTERS);
	for (u32 bit = 32; bit < 64; bit++)
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_RIP, rip | BIT(bit));
	check_to_pae();
	EXPECT_ENTRY(ENTERS);
	for (u32 bit = 32; bit < 64; bit++)
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_RIP, rip | BIT(bit));
}
