/* SPDX-License-Identifier: MIT */
/* VM entry's checks of the guest's non-register state and of its PDPTEs. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_check.h"
#include "vmx/access_rights.h"
#include "vmx/event.h"

#define HOLE           0xd0000000ULL
#define NO_LINK        (~0ULL)
#define SHADOW_VMCS    BIT(31)
#define FREE_VECTOR    0x40u
#define PENDING_BS     BIT(14)
#define PENDING_ENABLE BIT(12)
#define PDPTES         4u
/* Of a PDPTE that is present, below the address. */
#define PDPTE_RESERVED (BITS(2, 1) | BITS(8, 5))

static u64 event(enum intr_type type, u32 vector)
{
	return INTR_INFO_VALID | (u32)type << 8 | vector;
}

static bool has_state(enum activity_state state)
{
	static const u64 bits[] = {
		[ACTIVITY_HLT] = VMX_MISC_HLT,
		[ACTIVITY_SHUTDOWN] = VMX_MISC_SHUTDOWN,
		[ACTIVITY_WAIT_FOR_SIPI] = VMX_MISC_WAIT_FOR_SIPI,
	};

	return rdmsr(MSR_IA32_VMX_MISC) & bits[state];
}

static void set_if(void)
{
	check_keep_bits(VMCS_GUEST_RFLAGS, RFLAGS_IF, 0);
}

CHECK_TEST(guest_activity_is_a_state_that_exists)
{
	/* Expect: a failure by guest state from 4 on. */
	for (u32 bit = 2; bit < 32; bit++)
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_ACTIVITY, BIT(bit));
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_ACTIVITY, ~0u);
	EXPECT_ENTERS(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
}

CHECK_TEST(guest_activity_is_a_state_that_misc_offers)
{
	/* Expect: a failure by guest state for those that IA32_VMX_MISC[8:6] has not. */
	if (has_state(ACTIVITY_HLT) && has_state(ACTIVITY_SHUTDOWN) &&
	    has_state(ACTIVITY_WAIT_FOR_SIPI))
		SKIP("all activity states are offered");
	for (u32 state = ACTIVITY_HLT; state <= ACTIVITY_WAIT_FOR_SIPI; state++)
		if (!has_state((enum activity_state)state))
			EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_ACTIVITY, state);
}

CHECK_TEST(halted_guest_is_woken_by_an_injected_interrupt)
{
	/* Expect: it enters, and L2 runs the handler. */
	NEEDS(has_state(ACTIVITY_HLT), "activity state HLT");
	set_if();
	check_set(VMCS_ENTRY_INTR_INFO, event(INTR_EXTERNAL, FREE_VECTOR));
	EXPECT_ENTERS(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
	check_set(VMCS_ENTRY_INTR_INFO, event(INTR_NMI, VECTOR_NMI));
	EXPECT_ENTERS(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
}

CHECK_TEST(halted_guest_is_in_ring_0)
{
	/* Expect: a failure by guest state with SS.DPL of 3. */
	NEEDS(has_state(ACTIVITY_HLT), "activity state HLT");
	check_to_ring3();
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
}

CHECK_TEST(guest_that_is_not_active_is_not_in_a_shadow)
{
	/* Expect: a failure by guest state for each offered state with blocking by STI or MOV
	 * SS. */
	set_if();
	for (u32 state = ACTIVITY_HLT; state <= ACTIVITY_WAIT_FOR_SIPI; state++) {
		if (!has_state((enum activity_state)state))
			continue;
		check_set(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_STI);
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_ACTIVITY, state);
		check_set(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_MOV_SS);
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_ACTIVITY, state);
	}
}

CHECK_TEST(halted_guest_takes_only_what_wakes_it)
{
	/* Expect: a failure by guest state for an exception other than #DB and #MC, and for
	 * software events. */
	const u64 events[] = { event(INTR_HARDWARE_EXCEPTION, VECTOR_UD),
			       event(INTR_HARDWARE_EXCEPTION, VECTOR_GP) | INTR_INFO_ERROR_CODE,
			       event(INTR_SOFTWARE_INTERRUPT, FREE_VECTOR),
			       event(INTR_SOFTWARE_EXCEPTION, VECTOR_BP) };

	NEEDS(has_state(ACTIVITY_HLT), "activity state HLT");
	if (machine_is_bochs())
		SKIP("Bochs 2.7 injects anything into a halted guest");
	check_keep(VMCS_ENTRY_INSN_LEN, 1);
	for (u32 i = 0; i < ARRAY_SIZE(events); i++) {
		check_set(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
		EXPECT_REFUSED(BAD_GUEST, VMCS_ENTRY_INTR_INFO, events[i]);
	}
	check_set(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
	EXPECT_ENTERS(VMCS_ENTRY_INTR_INFO, event(INTR_HARDWARE_EXCEPTION, VECTOR_DB));
	check_set(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
	EXPECT_ENTERS(VMCS_ENTRY_INTR_INFO, event(INTR_HARDWARE_EXCEPTION, VECTOR_MC));
}

CHECK_TEST(guest_in_shutdown_or_wait_for_sipi_takes_no_interrupt)
{
	/* Expect: a failure by guest state with an external interrupt; in wait-for-SIPI with an NMI
	 * too. */
	set_if();
	for (u32 state = ACTIVITY_SHUTDOWN; state <= ACTIVITY_WAIT_FOR_SIPI; state++) {
		check_set(VMCS_GUEST_ACTIVITY, state);
		EXPECT_REFUSED(BAD_GUEST, VMCS_ENTRY_INTR_INFO, event(INTR_EXTERNAL, FREE_VECTOR));
	}
	check_set(VMCS_GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI);
	EXPECT_REFUSED(BAD_GUEST, VMCS_ENTRY_INTR_INFO, event(INTR_NMI, VECTOR_NMI));
}

CHECK_TEST(guest_interruptibility_has_reserved_bits)
{
	/* Expect: a failure by guest state for each of bits 31:5, and bit 4 without SGX. */
	for (u32 bit = 4; bit < 32; bit++)
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_INTERRUPTIBILITY, BIT(bit));
}

CHECK_TEST(guest_is_blocked_by_sti_or_by_mov_ss)
{
	/* Expect: each enters, both are a failure by guest state. */
	set_if();
	EXPECT_ENTERS(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_STI);
	EXPECT_ENTERS(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_MOV_SS);
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_STI | BLOCKED_BY_MOV_SS);
}

CHECK_TEST(guest_blocked_by_sti_has_rflags_if)
{
	/* Expect: a failure by guest state with IF = 0; blocking by MOV SS enters with IF = 0. */
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_STI);
	EXPECT_ENTERS(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_MOV_SS);
}

CHECK_TEST(guest_is_not_blocked_by_smi_outside_smm)
{
	/* Expect: a failure by guest state. */
	EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_SMI);
}

static void iret_then_call(void)
{
	unblock_nmi();
	vmcall();
}

CHECK_TEST(guest_may_be_blocked_by_nmi)
{
	/* Expect: it enters, with virtual NMIs and without; an IRET of L2 ends the blocking. */
	EXPECT_ENTERS(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_NMI);
	if (!vmx_allows(CONTROL_SET_PIN, PIN_VIRTUAL_NMI))
		return;
	check_keep_bits(VMCS_PIN_CONTROLS, PIN_NMI_EXITING | PIN_VIRTUAL_NMI, 0);
	EXPECT_ENTERS(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_NMI);
	check_set(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_NMI);
	check_set(VMCS_GUEST_RIP, (u64)iret_then_call);
	EXPECT_EQ(check_enter(), ENTERS);
	EXPECT_EQ(vmx_read(VMCS_GUEST_INTERRUPTIBILITY), 0);
	check_put_back();
	EXPECT_ENTRY(ENTERS);
}

CHECK_TEST(guest_pending_debug_exceptions_have_reserved_bits)
{
	/* Expect: a failure by guest state for each of bits 10:4, 13, 15 and 31:17. */
	for (u32 bit = 0; bit < 32; bit++) {
		if ((BITS(10, 4) | BIT(13) | BIT(15) | BITS(31, 17)) & BIT(bit))
			EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_PENDING_DEBUG, BIT(bit));
	}
}

CHECK_TEST(guest_pending_debug_exceptions_have_64_bits)
{
	/* Expect: a failure by guest state for each of bits 63:32. */
	if (machine_is_bochs())
		SKIP("Bochs 2.7 looks at 32 bits of the pending debug exceptions");
	for (u32 bit = 32; bit < 64; bit++)
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_PENDING_DEBUG, BIT(bit));
}

CHECK_TEST(guest_pending_debug_exceptions_are_delivered)
{
	/* Expect: BS, and a breakpoint with the enable bit, end in #DB, which exits; breakpoints
	 * without it do nothing. */
	EXPECT_ENTERS(VMCS_GUEST_PENDING_DEBUG, BITS(3, 0));
	EXPECT_REFUSED(EXIT_EXCEPTION_NMI, VMCS_GUEST_PENDING_DEBUG, PENDING_BS);
	EXPECT_REFUSED(EXIT_EXCEPTION_NMI, VMCS_GUEST_PENDING_DEBUG, PENDING_ENABLE | BIT(0));
}

CHECK_TEST(guest_in_a_shadow_steps_as_its_pending_debug_exceptions_say)
{
	/* Expect: under blocking by STI or MOV SS, a failure by guest state with TF = 1 and BS =
	 * 0, or TF = 0 and BS = 1. */
	const u32 shadows[] = { BLOCKED_BY_STI, BLOCKED_BY_MOV_SS };

	if (machine_is_bochs())
		SKIP("Bochs 2.7 does not compare BS with RFLAGS.TF");
	set_if();
	for (u32 i = 0; i < ARRAY_SIZE(shadows); i++) {
		check_set(VMCS_GUEST_INTERRUPTIBILITY, shadows[i]);
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_PENDING_DEBUG, PENDING_BS);
		check_set(VMCS_GUEST_INTERRUPTIBILITY, shadows[i]);
		EXPECT_REFUSED(BAD_GUEST, VMCS_GUEST_RFLAGS,
			       check_base(VMCS_GUEST_RFLAGS) | RFLAGS_TF);
	}
}

CHECK_TEST(link_pointer_is_a_page_within_the_width)
{
	/* Expect: a failure with qualification 4 for other addresses but all ones. */
	u64 region = vmx_region_alloc();

	EXPECT_ENTERS(VMCS_LINK_POINTER, NO_LINK);
	EXPECT_ENTERS(VMCS_LINK_POINTER, region);
	for (u32 bit = 0; bit < PAGE_SHIFT; bit++)
		EXPECT_REFUSED(BAD_LINK, VMCS_LINK_POINTER, region | BIT(bit));
	for (u32 bit = physical_address_bits(); bit < 64; bit++)
		EXPECT_REFUSED(BAD_LINK, VMCS_LINK_POINTER, region | BIT(bit));
	memory_page_free(region);
}

CHECK_TEST(link_pointer_names_a_region_with_the_revision)
{
	/* Expect: a failure with qualification 4 where any of its bits differ, the shadow bit among
	 * them while VMCS shadowing is off, and where there is no memory. */
	u64 region = vmx_region_alloc();

	for (u32 bit = 0; bit < 32; bit++) {
		*(u32 *)region ^= 1u << bit;
		EXPECT_REFUSED(BAD_LINK, VMCS_LINK_POINTER, region);
		*(u32 *)region ^= 1u << bit;
	}
	EXPECT_REFUSED(BAD_LINK, VMCS_LINK_POINTER, HOLE);
	EXPECT_ENTERS(VMCS_LINK_POINTER, region);
	memory_page_free(region);
}

CHECK_TEST(link_pointer_names_a_shadow_vmcs_with_vmcs_shadowing)
{
	/* Expect: a failure with qualification 4 where the region has no shadow bit; with it, it
	 * enters. */
	u64 region, bitmap;

	NEEDS(vmx_has_cpu2(CPU2_VMCS_SHADOWING), "VMCS shadowing");
	region = vmx_region_alloc();
	bitmap = memory_page_alloc();
	check_use_cpu2(0);
	check_keep(VMCS_VMREAD_BITMAP, bitmap);
	check_keep(VMCS_VMWRITE_BITMAP, bitmap);
	check_set(VMCS_LINK_POINTER, region);
	EXPECT_REFUSED(BAD_LINK, VMCS_CPU_CONTROLS2, CPU2_VMCS_SHADOWING);
	*(u32 *)region |= SHADOW_VMCS;
	check_set(VMCS_LINK_POINTER, region);
	EXPECT_ENTERS(VMCS_CPU_CONTROLS2, CPU2_VMCS_SHADOWING);
	memory_page_free(region);
	memory_page_free(bitmap);
}

CHECK_TEST(link_pointer_is_not_the_current_vmcs)
{
	/* Expect: a failure with qualification 4. */
	EXPECT_REFUSED(BAD_LINK, VMCS_LINK_POINTER, vmx_current());
}

static bool is_reserved(u32 bit)
{
	return (PDPTE_RESERVED | ~BITS(physical_address_bits() - 1, 0)) & BIT(bit);
}

CHECK_TEST(guest_pdptes_in_memory_have_reserved_bits)
{
	/* Expect: without EPT, a failure with qualification 2 where one at CR3 is present and has a
	 * reserved bit; one that is not present may have any. */
	u64 *pdptes = (u64 *)check_to_pae();

	EXPECT_ENTRY(ENTERS);
	for (u32 i = 0; i < PDPTES; i++) {
		u64 before = pdptes[i];

		for (u32 bit = 1; bit < 64; bit++) {
			pdptes[i] = before | BIT(bit);
			if (is_reserved(bit))
				EXPECT_EQ(check_enter(), BAD_PDPTE);
		}
		pdptes[i] = before;
	}
	EXPECT_ENTRY(ENTERS);
	pdptes[PDPTES - 1] = ~(u64)PTE_PRESENT;
	EXPECT_ENTRY(ENTERS);
}

CHECK_TEST(guest_pdptes_in_the_vmcs_have_reserved_bits)
{
	/* Expect: with EPT, the same for the fields; those in memory don't matter. */
	u64 page;

	NEEDS(check_use_ept(), "EPT");
	page = check_to_pae();
	EXPECT_ENTRY(ENTERS);
	for (u32 i = 0; i < PDPTES; i++) {
		enum vmcs_field field = VMCS_GUEST_PDPTE0 + 2 * i;

		for (u32 bit = 1; bit < 64; bit++)
			if (is_reserved(bit))
				EXPECT_REFUSED(BAD_PDPTE, field, check_base(field) | BIT(bit));
	}
	EXPECT_ENTERS(VMCS_GUEST_PDPTE3, ~(u64)PTE_PRESENT);
	((u64 *)page)[0] = ~0ULL;
	EXPECT_ENTRY(ENTERS);
}

CHECK_TEST(guest_pdptes_count_only_under_pae_paging)
{
	/* Expect: ones in the fields enter in IA-32e mode, and in an unrestricted guest without
	 * paging. */
	NEEDS(check_use_ept(), "EPT");
	for (u32 i = 0; i < PDPTES; i++)
		check_keep(VMCS_GUEST_PDPTE0 + 2 * i, ~0ULL);
	EXPECT_ENTRY(ENTERS);
	if (check_to_flat())
		EXPECT_ENTRY(ENTERS);
}
