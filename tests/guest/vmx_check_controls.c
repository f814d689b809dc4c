/* SPDX-License-Identifier: MIT */
/* VM entry's checks of the VM-execution, VM-exit and VM-entry control fields (SDM "Checks on VMX
 * Controls"), all but event injection. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_check.h"

#define EPTP_TYPE       7ULL
#define EPTP_WALK       BITS(5, 3)
#define EPTP_WALK_SHIFT 3
#define EPTP_DIRTY      BIT(6)
#define MSR_ENTRY_BYTES 16u

static const enum vmcs_field set_fields[CONTROL_SETS] = {
	[CONTROL_SET_PIN] = VMCS_PIN_CONTROLS,     [CONTROL_SET_CPU] = VMCS_CPU_CONTROLS,
	[CONTROL_SET_CPU2] = VMCS_CPU_CONTROLS2,   [CONTROL_SET_EXIT] = VMCS_EXIT_CONTROLS,
	[CONTROL_SET_ENTRY] = VMCS_ENTRY_CONTROLS,
};

/* Each control that must be 1 is cleared, each that must be 0 is set. */
static void expect_reserved_bits(enum control_set set)
{
	u64 caps = vmx_capabilities(set);

	for (u32 bit = 0; bit < 32; bit++) {
		if (caps & BIT(bit))
			EXPECT_REFUSED(BAD_CONTROLS, set_fields[set],
				       check_base(set_fields[set]) & ~BIT(bit));
		if (!(caps >> 32 & BIT(bit)))
			EXPECT_REFUSED(BAD_CONTROLS, set_fields[set],
				       check_base(set_fields[set]) | BIT(bit));
	}
}

CHECK_TEST(pin_controls_have_reserved_bits)
{
	/* Expect: error 7 for each bit that the capability MSR does not allow, 0 or 1. */
	expect_reserved_bits(CONTROL_SET_PIN);
}

CHECK_TEST(primary_controls_have_reserved_bits)
{
	/* Expect: error 7 for each bit that the capability MSR does not allow, 0 or 1. */
	expect_reserved_bits(CONTROL_SET_CPU);
}

CHECK_TEST(secondary_controls_have_reserved_bits)
{
	/* Expect: error 7 for each bit that the capability MSR does not allow. */
	NEEDS(check_use_cpu2(0), "secondary controls");
	expect_reserved_bits(CONTROL_SET_CPU2);
}

CHECK_TEST(secondary_controls_count_only_when_activated)
{
	/* Expect: without the primary control, ones in all of them enter. */
	NEEDS(vmx_allows(CONTROL_SET_CPU, CPU_SECONDARY), "secondary controls");
	EXPECT_ENTERS(VMCS_CPU_CONTROLS2, ~0u);
}

CHECK_TEST(exit_controls_have_reserved_bits)
{
	/* Expect: error 7 for each bit that the capability MSR does not allow, 0 or 1. */
	expect_reserved_bits(CONTROL_SET_EXIT);
}

CHECK_TEST(entry_controls_have_reserved_bits)
{
	/* Expect: error 7 for each bit that the capability MSR does not allow, 0 or 1. */
	expect_reserved_bits(CONTROL_SET_ENTRY);
}

/* Each of these controls by itself, as far as it is offered. */
static void expect_each_enters(enum control_set set, u32 controls)
{
	for (u32 bit = 0; bit < 32; bit++) {
		u32 control = controls & (u32)BIT(bit);

		if (control && vmx_allows(set, control))
			EXPECT_ENTERS(set_fields[set], check_base(set_fields[set]) | control);
	}
}

CHECK_TEST(pin_controls_enter_one_by_one)
{
	/* Expect: external-interrupt and NMI exiting enter, virtual NMIs together with the
	 * latter. */
	expect_each_enters(CONTROL_SET_PIN, PIN_EXT_INT_EXITING | PIN_NMI_EXITING);
	check_keep_bits(VMCS_PIN_CONTROLS, PIN_NMI_EXITING, 0);
	expect_each_enters(CONTROL_SET_PIN, PIN_VIRTUAL_NMI);
}

CHECK_TEST(primary_controls_enter_one_by_one)
{
	/* Expect: each that is offered and needs no other enters; an L2 of VMCALLs runs as
	 * before. */
	check_keep(VMCS_IO_BITMAP_A, memory_page_alloc());
	check_keep(VMCS_IO_BITMAP_B, memory_page_alloc());
	expect_each_enters(CONTROL_SET_CPU,
			   CPU_INTERRUPT_WINDOW | CPU_USE_TSC_OFFSETTING | CPU_HLT_EXITING |
				   CPU_INVLPG_EXITING | CPU_MWAIT_EXITING | CPU_RDPMC_EXITING |
				   CPU_RDTSC_EXITING | CPU_CR3_LOAD_EXITING |
				   CPU_CR3_STORE_EXITING | CPU_CR8_LOAD_EXITING |
				   CPU_CR8_STORE_EXITING | CPU_MOV_DR_EXITING | CPU_UNCOND_IO |
				   CPU_IO_BITMAPS | CPU_MSR_BITMAPS | CPU_MONITOR_EXITING |
				   CPU_PAUSE_EXITING | CPU_SECONDARY);
	memory_page_free(check_base(VMCS_IO_BITMAP_A));
	memory_page_free(check_base(VMCS_IO_BITMAP_B));
}

CHECK_TEST(default1_controls_may_be_cleared_as_the_true_msrs_say)
{
	/* Expect: each control that an older MSR demands and a true one does not enters as 0. */
	const struct {
		enum control_set set;
		u32 old_msr;
	} rows[] = {
		{ CONTROL_SET_PIN, MSR_IA32_VMX_PINBASED },
		{ CONTROL_SET_CPU, MSR_IA32_VMX_PROCBASED },
		{ CONTROL_SET_EXIT, MSR_IA32_VMX_EXIT },
		{ CONTROL_SET_ENTRY, MSR_IA32_VMX_ENTRY },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		enum vmcs_field field = set_fields[rows[i].set];
		u32 optional = (u32)rdmsr(rows[i].old_msr) & ~(u32)vmx_capabilities(rows[i].set);

		EXPECT_ENTERS(field, check_base(field) | optional);
		EXPECT_ENTERS(field, check_base(field) & ~(u64)optional);
	}
}

CHECK_TEST(secondary_controls_enter_one_by_one)
{
	/* Expect: each that is offered and needs nothing else enters. */
	NEEDS(check_use_cpu2(0), "secondary controls");
	expect_each_enters(CONTROL_SET_CPU2, CPU2_DESCRIPTOR_TABLE | CPU2_ENABLE_RDTSCP |
						     CPU2_WBINVD_EXITING | CPU2_RDRAND_EXITING |
						     CPU2_ENABLE_INVPCID | CPU2_RDSEED_EXITING |
						     CPU2_ENABLE_XSAVES);
}

CHECK_TEST(exit_and_entry_controls_enter_one_by_one)
{
	/* Expect: save and load of PAT, EFER and debug controls, and interrupt acknowledgement,
	 * each by itself. */
	check_keep(VMCS_GUEST_DR7, 0x400);
	if (vmx_allows(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_PAT)) {
		check_keep(VMCS_GUEST_PAT, rdmsr(MSR_IA32_PAT));
		check_keep(VMCS_HOST_PAT, rdmsr(MSR_IA32_PAT));
	}
	if (vmx_allows(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_EFER)) {
		check_keep(VMCS_GUEST_EFER, rdmsr(MSR_IA32_EFER));
		check_keep(VMCS_HOST_EFER, rdmsr(MSR_IA32_EFER));
	}
	expect_each_enters(CONTROL_SET_EXIT, EXIT_CTL_SAVE_DEBUG | EXIT_CTL_ACK_INT |
						     EXIT_CTL_SAVE_PAT | EXIT_CTL_LOAD_PAT |
						     EXIT_CTL_SAVE_EFER | EXIT_CTL_LOAD_EFER);
	expect_each_enters(CONTROL_SET_ENTRY,
			   ENTRY_CTL_LOAD_DEBUG | ENTRY_CTL_LOAD_PAT | ENTRY_CTL_LOAD_EFER);
}

CHECK_TEST(cr3_targets_are_as_many_as_misc_says)
{
	/* Expect: error 7 for more; that many enter, and fewer. */
	u32 targets = VMX_MISC_CR3_TARGETS(rdmsr(MSR_IA32_VMX_MISC));

	EXPECT_REFUSED(BAD_CONTROLS, VMCS_CR3_TARGET_COUNT, targets + 1);
	EXPECT_REFUSED(BAD_CONTROLS, VMCS_CR3_TARGET_COUNT, ~0u);
	for (u32 count = 0; count <= targets; count++)
		EXPECT_ENTERS(VMCS_CR3_TARGET_COUNT, count);
}

CHECK_TEST(io_bitmaps_are_pages)
{
	/* Expect: error 7 for addresses that are not aligned or beyond the width, A and B; they
	 * don't matter without the control. */
	u64 page = memory_page_alloc();

	EXPECT_ENTERS(VMCS_IO_BITMAP_A, ~0ULL);
	EXPECT_ENTERS(VMCS_IO_BITMAP_B, ~0ULL);
	check_keep(VMCS_IO_BITMAP_A, page);
	check_keep(VMCS_IO_BITMAP_B, page);
	check_keep_bits(VMCS_CPU_CONTROLS, CPU_IO_BITMAPS, 0);
	check_page_address(VMCS_IO_BITMAP_A);
	check_page_address(VMCS_IO_BITMAP_B);
	memory_page_free(page);
}

CHECK_TEST(msr_bitmap_is_a_page)
{
	/* Expect: error 7 for an address that is not aligned or beyond the width; it does not
	 * matter without the control. */
	check_page_address(VMCS_MSR_BITMAP);
	check_keep_bits(VMCS_CPU_CONTROLS, 0, CPU_MSR_BITMAPS);
	EXPECT_ENTERS(VMCS_MSR_BITMAP, ~0ULL);
}

CHECK_TEST(virtual_nmis_need_nmi_exiting)
{
	/* Expect: error 7 for virtual NMIs alone. */
	NEEDS(vmx_allows(CONTROL_SET_PIN, PIN_VIRTUAL_NMI), "virtual NMIs");
	EXPECT_REFUSED(BAD_CONTROLS, VMCS_PIN_CONTROLS,
		       check_base(VMCS_PIN_CONTROLS) | PIN_VIRTUAL_NMI);
	EXPECT_ENTERS(VMCS_PIN_CONTROLS,
		      check_base(VMCS_PIN_CONTROLS) | PIN_VIRTUAL_NMI | PIN_NMI_EXITING);
}

CHECK_TEST(nmi_window_exiting_needs_virtual_nmis)
{
	/* Expect: error 7 without them, with NMI exiting as without; with them, an NMI-window
	 * exit. */
	NEEDS(vmx_allows(CONTROL_SET_CPU, CPU_NMI_WINDOW), "NMI-window exiting");
	EXPECT_REFUSED(BAD_CONTROLS, VMCS_CPU_CONTROLS,
		       check_base(VMCS_CPU_CONTROLS) | CPU_NMI_WINDOW);
	check_keep_bits(VMCS_PIN_CONTROLS, PIN_NMI_EXITING, 0);
	EXPECT_REFUSED(BAD_CONTROLS, VMCS_CPU_CONTROLS,
		       check_base(VMCS_CPU_CONTROLS) | CPU_NMI_WINDOW);
	check_keep_bits(VMCS_PIN_CONTROLS, PIN_VIRTUAL_NMI, 0);
	EXPECT_REFUSED(EXIT_NMI_WINDOW, VMCS_CPU_CONTROLS,
		       check_base(VMCS_CPU_CONTROLS) | CPU_NMI_WINDOW);
}

CHECK_TEST(vpid_0_is_the_hosts)
{
	/* Expect: error 7; 1 and FFFFh enter; it does not matter without the control. */
	NEEDS(vmx_has_cpu2(CPU2_ENABLE_VPID), "VPID");
	EXPECT_ENTERS(VMCS_VPID, 0);
	check_keep(VMCS_VPID, 1);
	check_use_cpu2(CPU2_ENABLE_VPID);
	EXPECT_REFUSED(BAD_CONTROLS, VMCS_VPID, 0);
	EXPECT_ENTERS(VMCS_VPID, 1);
	EXPECT_ENTERS(VMCS_VPID, 0xffff);
}

CHECK_TEST(eptp_memory_type_is_one_that_is_offered)
{
	/* Expect: error 7 for all but uncacheable and write-back, and those only where offered. */
	u64 eptp;

	NEEDS(check_use_ept(), "EPT");
	eptp = check_base(VMCS_EPT_POINTER) & ~EPTP_TYPE;
	for (u64 type = 0; type <= EPTP_TYPE; type++) {
		bool offered = (type == 0 && vmx_has_ept_caps(EPT_CAP_MASK(UNCACHEABLE))) ||
			       (type == 6 && vmx_has_ept_caps(EPT_CAP_MASK(WRITE_BACK)));

		EXPECT_REFUSED(offered ? ENTERS : BAD_CONTROLS, VMCS_EPT_POINTER, eptp | type);
	}
}

CHECK_TEST(eptp_walk_length_is_one_that_is_offered)
{
	/* Expect: error 7 for all but 4 levels (and 5, where they are offered, which has a table of
	 * its own). */
	u64 eptp;

	NEEDS(check_use_ept(), "EPT");
	eptp = check_base(VMCS_EPT_POINTER) & ~EPTP_WALK;
	for (u64 length = 0; length < 8; length++) {
		if (length == 4 && vmx_has_ept_caps(EPT_CAP_MASK(WALK_5)))
			continue;
		EXPECT_REFUSED(length == 3 ? ENTERS : BAD_CONTROLS, VMCS_EPT_POINTER,
			       eptp | length << EPTP_WALK_SHIFT);
	}
}

CHECK_TEST(eptp_accessed_and_dirty_flags_must_be_offered)
{
	/* Expect: bit 6 enters where IA32_VMX_EPT_VPID_CAP has it, else error 7. */
	bool offered = vmx_has_ept_caps(EPT_CAP_MASK(ACCESSED_DIRTY));

	NEEDS(check_use_ept(), "EPT");
	EXPECT_REFUSED(offered ? ENTERS : BAD_CONTROLS, VMCS_EPT_POINTER,
		       check_base(VMCS_EPT_POINTER) | EPTP_DIRTY);
}

CHECK_TEST(eptp_has_reserved_bits)
{
	/* Expect: error 7 for each of bits 11:8 and those beyond the width, and for bit 7 where no
	 * supervisor shadow stacks are offered. */
	u64 eptp;

	NEEDS(check_use_ept(), "EPT");
	eptp = check_base(VMCS_EPT_POINTER);
	for (u32 bit = 8; bit < PAGE_SHIFT; bit++)
		EXPECT_REFUSED(BAD_CONTROLS, VMCS_EPT_POINTER, eptp | BIT(bit));
	for (u32 bit = physical_address_bits(); bit < 64; bit++)
		EXPECT_REFUSED(BAD_CONTROLS, VMCS_EPT_POINTER, eptp | BIT(bit));
}

CHECK_TEST(eptp_bit_7_needs_shadow_stacks)
{
	/* Expect: error 7 where supervisor shadow-stack control is not offered. */
	NEEDS(check_use_ept(), "EPT");
	if (vmx_has_ept_caps(EPT_CAP_MASK(SHADOW_STACK)))
		SKIP("supervisor shadow stacks are offered");
	EXPECT_REFUSED(BAD_CONTROLS, VMCS_EPT_POINTER, check_base(VMCS_EPT_POINTER) | BIT(7));
}

CHECK_TEST(eptp_counts_only_with_ept)
{
	/* Expect: ones enter without the control, with secondary controls active. */
	NEEDS(vmx_has_cpu2(CPU2_ENABLE_EPT), "EPT");
	check_use_cpu2(0);
	EXPECT_ENTERS(VMCS_EPT_POINTER, ~0ULL);
}

CHECK_TEST(unrestricted_guests_need_ept)
{
	/* Expect: error 7 for the control without EPT; with it, it enters. */
	NEEDS(vmx_has_cpu2(CPU2_UNRESTRICTED_GUEST), "unrestricted guest");
	check_use_cpu2(0);
	EXPECT_REFUSED(BAD_CONTROLS, VMCS_CPU_CONTROLS2, CPU2_UNRESTRICTED_GUEST);
	check_use_ept();
	EXPECT_ENTERS(VMCS_CPU_CONTROLS2, CPU2_ENABLE_EPT | CPU2_UNRESTRICTED_GUEST);
}

/* An MSR area: its address is aligned to 16 bytes and all of it within the width, where there is
 * something in it. */
static void expect_msr_area(enum vmcs_field address, enum vmcs_field count)
{
	u64 page = memory_page_alloc(), limit = BIT(physical_address_bits());

	*(u64 *)page = MSR_IA32_SYSENTER_CS; /* with the value 0: good to load and to store */
	*(u64 *)(page + MSR_ENTRY_BYTES) = MSR_IA32_SYSENTER_CS;
	EXPECT_ENTERS(address, ~0ULL);
	check_keep(address, page);
	for (u32 bit = 0; bit < 4; bit++) {
		check_set(count, 1);
		EXPECT_REFUSED(BAD_CONTROLS, address, page | BIT(bit));
	}
	for (u32 bit = physical_address_bits(); bit < 64; bit++) {
		check_set(count, 1);
		EXPECT_REFUSED(BAD_CONTROLS, address, page | BIT(bit));
	}
	check_set(count, 2);
	EXPECT_REFUSED(BAD_CONTROLS, address, limit - MSR_ENTRY_BYTES);
	for (u32 entries = 1; entries <= 2; entries++)
		EXPECT_ENTERS(count, entries);
	memory_page_free(page);
}

CHECK_TEST(exit_msr_store_area_is_aligned_and_within_the_width)
{
	/* Expect: error 7 for a bad address or end; with a count of 0 the address does not
	 * matter. */
	expect_msr_area(VMCS_EXIT_MSR_STORE_ADDR, VMCS_EXIT_MSR_STORE_COUNT);
}

CHECK_TEST(exit_msr_load_area_is_aligned_and_within_the_width)
{
	/* Expect: error 7 for a bad address or end; with a count of 0 the address does not
	 * matter. */
	expect_msr_area(VMCS_EXIT_MSR_LOAD_ADDR, VMCS_EXIT_MSR_LOAD_COUNT);
}

CHECK_TEST(entry_msr_load_area_is_aligned_and_within_the_width)
{
	/* Expect: error 7 for a bad address or end; with a count of 0 the address does not
	 * matter. */
	expect_msr_area(VMCS_ENTRY_MSR_LOAD_ADDR, VMCS_ENTRY_MSR_LOAD_COUNT);
}

CHECK_TEST(saving_the_preemption_timer_needs_the_timer)
{
	/* Expect: error 7 for "save VMX-preemption timer value" without the timer. */
	NEEDS(vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_SAVE_TIMER), "save VMX-preemption timer value");
	EXPECT_REFUSED(BAD_CONTROLS, VMCS_EXIT_CONTROLS,
		       check_base(VMCS_EXIT_CONTROLS) | EXIT_CTL_SAVE_TIMER);
}
