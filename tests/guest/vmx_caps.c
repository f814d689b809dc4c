/* SPDX-License-Identifier: MIT */
/* CPUID and the capability MSRs of VMX: that they are there, constant, and agree with each
 * other. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_insn.h"

#define FIRST_ABSENT 0x494u /* behind the last capability MSR that is defined */
#define LAST_ABSENT  0x49fu

static bool can_read(u32 msr)
{
	struct trap trap = TRAP_OF((void)rdmsr(msr));

	return trap.vector == TRAP_NONE;
}

/* Does the SDM say that this one of 480h to 493h is there? */
static bool should_exist(u32 msr)
{
	switch (msr) {
	case MSR_IA32_VMX_PROCBASED2:
		return vmx_allows(CONTROL_SET_CPU, CPU_SECONDARY);
	case MSR_IA32_VMX_EPT_VPID_CAP:
		return vmx_has_cpu2(CPU2_ENABLE_EPT) || vmx_has_cpu2(CPU2_ENABLE_VPID);
	case MSR_IA32_VMX_TRUE_PINBASED:
	case MSR_IA32_VMX_TRUE_PROCBASED:
	case MSR_IA32_VMX_TRUE_EXIT:
	case MSR_IA32_VMX_TRUE_ENTRY:
		return rdmsr(MSR_IA32_VMX_BASIC) & VMX_BASIC_TRUE_CONTROLS;
	case MSR_IA32_VMX_VMFUNC:
		return vmx_has_cpu2(CPU2_ENABLE_VMFUNC);
	case 0x492: /* tertiary processor-based controls */
		return vmx_allows(CONTROL_SET_CPU, CPU_TERTIARY);
	case 0x493: /* secondary exit controls */
		return vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_SECONDARY);
	default:
		return msr < MSR_IA32_VMX_PROCBASED2;
	}
}

VMX_OUTSIDE_TEST(vmx_caps, msrs_are_there_as_the_others_say)
{
	/* Expect: RDMSR works for each of 480h to 493h that is offered, #GP for the others. */
	for (u32 msr = MSR_IA32_VMX_BASIC; msr < FIRST_ABSENT; msr++) {
		if (can_read(msr) != should_exist(msr))
			test_fail(__FILE__, __LINE__, "MSR 0x%x: expected %s", msr,
				  should_exist(msr) ? "a value" : "#GP");
	}
}

VMX_OUTSIDE_TEST(vmx_caps, msrs_behind_the_last_are_absent)
{
	/* Expect: #GP. */
	for (u32 msr = FIRST_ABSENT; msr <= LAST_ABSENT; msr++)
		EXPECT(!can_read(msr));
}

VMX_OUTSIDE_TEST(vmx_caps, msrs_cannot_be_written)
{
	/* Expect: #GP(0) for a write of what each of them holds. */
	for (u32 msr = MSR_IA32_VMX_BASIC; msr < FIRST_ABSENT; msr++) {
		struct trap trap;
		u64 value;

		if (!should_exist(msr))
			continue;
		value = rdmsr(msr);
		trap = TRAP_OF(wrmsr(msr, value));
		EXPECT_EQ(trap.vector, VECTOR_GP);
		EXPECT_EQ(trap.error, 0);
		EXPECT_EQ(rdmsr(msr), value);
	}
}

VMX_OUTSIDE_TEST(vmx_caps, msrs_are_the_same_in_vmx_operation)
{
	/* Expect: the same values before VMXON and after. */
	u64 before[32] = { 0 };

	for (u32 msr = MSR_IA32_VMX_BASIC; msr < FIRST_ABSENT; msr++)
		if (should_exist(msr))
			before[msr - MSR_IA32_VMX_BASIC] = rdmsr(msr);
	vmx_on();
	for (u32 msr = MSR_IA32_VMX_BASIC; msr < FIRST_ABSENT; msr++)
		if (should_exist(msr))
			EXPECT_EQ(rdmsr(msr), before[msr - MSR_IA32_VMX_BASIC]);
	vmx_off();
}

VMX_OUTSIDE_TEST(vmx_caps, basic_describes_a_region)
{
	/* Expect: a revision without bit 31, 1 to 4096 bytes, write-back, reserved bits 0. */
	u64 basic = rdmsr(MSR_IA32_VMX_BASIC);
	u64 bytes = basic >> 32 & 0x1fff;

	EXPECT(!(basic & BIT(31)));
	EXPECT(bytes > 0 && bytes <= PAGE_SIZE);
	EXPECT_EQ(basic >> 50 & 0xf, 6);
	EXPECT(!(basic & (BITS(47, 45) | BITS(63, 59))));
	EXPECT(!(basic & BIT(48))); /* addresses have the full width in 64-bit mode */
}

VMX_OUTSIDE_TEST(vmx_caps, controls_that_must_be_1_may_be_1)
{
	/* Expect: in each set, allowed-0 is a part of allowed-1. */
	for (u32 set = 0; set < CONTROL_SETS; set++) {
		u64 value;

		if (set == CONTROL_SET_CPU2 && !vmx_allows(CONTROL_SET_CPU, CPU_SECONDARY))
			continue;
		value = vmx_capabilities((enum control_set)set);
		EXPECT_EQ((u32)value & ~(u32)(value >> 32), 0);
	}
}

VMX_OUTSIDE_TEST(vmx_caps, true_msrs_only_relax_the_default1_controls)
{
	/* Expect: allowed-1 is the same in both; allowed-0 of the older ones has all that the true
	 * ones have, and the default-1 class. SDM "Reserved Controls and Default Settings". */
	const struct {
		u32 msr, true_msr, default1;
	} rows[] = {
		{ MSR_IA32_VMX_PINBASED, MSR_IA32_VMX_TRUE_PINBASED, 0x00000016 },
		{ MSR_IA32_VMX_PROCBASED, MSR_IA32_VMX_TRUE_PROCBASED, 0x0401e172 },
		{ MSR_IA32_VMX_EXIT, MSR_IA32_VMX_TRUE_EXIT, 0x00036dff },
		{ MSR_IA32_VMX_ENTRY, MSR_IA32_VMX_TRUE_ENTRY, 0x000011ff },
	};

	if (!(rdmsr(MSR_IA32_VMX_BASIC) & VMX_BASIC_TRUE_CONTROLS))
		SKIP("no true capability MSRs");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 old = rdmsr(rows[i].msr), exact = rdmsr(rows[i].true_msr);

		EXPECT_EQ(old >> 32, exact >> 32);
		EXPECT_EQ((u32)exact & ~(u32)old, 0);
		EXPECT_EQ((u32)old & rows[i].default1, rows[i].default1);
		EXPECT_EQ((u32)exact & ~rows[i].default1, 0);
	}
}

VMX_OUTSIDE_TEST(vmx_caps, secondary_controls_may_all_be_0)
{
	/* Expect: no secondary control must be 1. */
	if (!vmx_allows(CONTROL_SET_CPU, CPU_SECONDARY))
		SKIP("no secondary controls");
	EXPECT_EQ((u32)vmx_capabilities(CONTROL_SET_CPU2), 0);
}

VMX_OUTSIDE_TEST(vmx_caps, fixed_bits_of_cr0_and_cr4_are_consistent)
{
	/* Expect: what must be 1 may be 1; PE, NE, PG and VMXE must; what is set now may be. */
	u64 cr0_must = rdmsr(MSR_IA32_VMX_CR0_FIXED0), cr0_may = rdmsr(MSR_IA32_VMX_CR0_FIXED1);
	u64 cr4_must = rdmsr(MSR_IA32_VMX_CR4_FIXED0), cr4_may = rdmsr(MSR_IA32_VMX_CR4_FIXED1);

	EXPECT_EQ(cr0_must & ~cr0_may, 0);
	EXPECT_EQ(cr4_must & ~cr4_may, 0);
	EXPECT_EQ(cr0_must, CR0_PE | CR0_NE | CR0_PG);
	EXPECT_EQ(cr4_must, CR4_VMXE);
	EXPECT_EQ(read_cr0() & ~cr0_may, 0);
	EXPECT_EQ(read_cr4() & ~cr4_may, 0);
}

VMX_OUTSIDE_TEST(vmx_caps, cr4_fixed1_is_what_cr4_takes)
{
	/* Expect: outside VMX operation, a bit that FIXED1 has as 0 is #GP in CR4. */
	u64 before = read_cr4(), may = rdmsr(MSR_IA32_VMX_CR4_FIXED1);

	for (u32 bit = 0; bit < 64; bit++) {
		if (may & BIT(bit))
			continue;
		struct trap trap = TRAP_OF(write_cr4(before | BIT(bit)));

		EXPECT_EQ(trap.vector, VECTOR_GP);
	}
	EXPECT_EQ(read_cr4(), before);
}

VMX_OUTSIDE_TEST(vmx_caps, dependent_controls_come_together)
{
	/* Expect: NMI-window exiting only with virtual NMIs, those only with NMI exiting,
	 * unrestricted guest only with EPT; "load" and "save" of an MSR in pairs. */
	if (vmx_allows(CONTROL_SET_CPU, CPU_NMI_WINDOW))
		EXPECT(vmx_allows(CONTROL_SET_PIN, PIN_VIRTUAL_NMI));
	if (vmx_allows(CONTROL_SET_PIN, PIN_VIRTUAL_NMI))
		EXPECT(vmx_allows(CONTROL_SET_PIN, PIN_NMI_EXITING));
	if (vmx_has_cpu2(CPU2_UNRESTRICTED_GUEST))
		EXPECT(vmx_has_cpu2(CPU2_ENABLE_EPT));
	EXPECT_EQ(vmx_allows(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_PAT),
		  vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_LOAD_PAT | EXIT_CTL_SAVE_PAT));
	EXPECT_EQ(vmx_allows(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_EFER),
		  vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_LOAD_EFER | EXIT_CTL_SAVE_EFER));
	EXPECT(vmx_allows(CONTROL_SET_ENTRY, ENTRY_CTL_IA32E_MODE));
	EXPECT(vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_HOST_64BIT));
}

VMX_OUTSIDE_TEST(vmx_caps, what_hypervisors_refuse_to_go_without_is_offered)
{
	/* Expect: the controls that Linux KVM and Xen ask for as L1. */
	const u32 cpu = CPU_HLT_EXITING | CPU_INTERRUPT_WINDOW | CPU_INVLPG_EXITING |
			CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING | CPU_CR8_LOAD_EXITING |
			CPU_CR8_STORE_EXITING | CPU_MONITOR_EXITING | CPU_MWAIT_EXITING |
			CPU_MOV_DR_EXITING | CPU_UNCOND_IO | CPU_IO_BITMAPS |
			CPU_USE_TSC_OFFSETTING | CPU_RDPMC_EXITING | CPU_RDTSC_EXITING;

	EXPECT(vmx_allows(CONTROL_SET_PIN, PIN_EXT_INT_EXITING | PIN_NMI_EXITING));
	EXPECT(vmx_allows(CONTROL_SET_CPU, cpu));
	EXPECT(vmx_allows(CONTROL_SET_EXIT, EXIT_CTL_ACK_INT | EXIT_CTL_SAVE_DEBUG));
	EXPECT(vmx_allows(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_DEBUG));
}

VMX_OUTSIDE_TEST(vmx_caps, ept_and_vpid_capabilities_are_consistent)
{
	/* Expect: with EPT, 4-level walks, write-back tables and INVEPT of a kind; with VPID,
	 * INVVPID of a kind; no kind without the instruction; reserved bits 0. */
	u64 caps = vmx_ept_caps();
	u64 invept = EPT_CAP_MASK(INVEPT_SINGLE) | EPT_CAP_MASK(INVEPT_ALL);
	u64 invvpid = EPT_CAP_MASK(INVVPID_ADDRESS) | EPT_CAP_MASK(INVVPID_SINGLE) |
		      EPT_CAP_MASK(INVVPID_ALL) | EPT_CAP_MASK(INVVPID_RETAIN);

	if (!caps)
		SKIP("neither EPT nor VPID");
	if (vmx_has_cpu2(CPU2_ENABLE_EPT)) {
		EXPECT(caps & EPT_CAP_MASK(WALK_4));
		EXPECT(caps & EPT_CAP_MASK(WRITE_BACK));
		EXPECT(caps & EPT_CAP_MASK(INVEPT_ALL));
	}
	if (vmx_has_cpu2(CPU2_ENABLE_VPID))
		EXPECT(caps & EPT_CAP_MASK(INVVPID_ALL));
	if (!(caps & EPT_CAP_MASK(INVEPT)))
		EXPECT_EQ(caps & invept, 0);
	if (!(caps & EPT_CAP_MASK(INVVPID)))
		EXPECT_EQ(caps & invvpid, 0);
	EXPECT_EQ(caps & (BITS(5, 1) | BITS(13, 9) | BIT(15) | BITS(19, 18) | BIT(24) |
			  BITS(31, 27) | BITS(39, 33)),
		  0);
}

VMX_OUTSIDE_TEST(vmx_caps, misc_is_sensible)
{
	/* Expect: 4 CR3 targets or more, EFER.LMA is saved where unrestricted guests are, reserved
	 * bits 0. */
	u64 misc = rdmsr(MSR_IA32_VMX_MISC);

	EXPECT(VMX_MISC_CR3_TARGETS(misc) >= 4);
	if (vmx_has_cpu2(CPU2_UNRESTRICTED_GUEST))
		EXPECT(misc & BIT(5));
	EXPECT_EQ(misc & (BITS(13, 9) | BIT(31)), 0);
}

TEST(vmx_caps, no_msrs_without_vmx_in_cpuid)
{
	/* Expect: without CPUID.VMX, 480h to 493h are #GP, and so is CR4.VMXE. */
	struct trap trap;

	if (has_vmx())
		SKIP("VMX is there");
	if (machine_is_tcg())
		SKIP("TCG reads unknown MSRs as 0");
	for (u32 msr = MSR_IA32_VMX_BASIC; msr < FIRST_ABSENT; msr++)
		EXPECT(!can_read(msr));
	trap = TRAP_OF(write_cr4(read_cr4() | CR4_VMXE));
	EXPECT_EQ(trap.vector, VECTOR_GP);
}
