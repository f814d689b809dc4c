/* SPDX-License-Identifier: MIT */
/* VMXON and VMXOFF: what they ask for, and what VMX operation does to control registers. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_insn.h"

#define NO_VMCS (~0ULL)
#define HOLE    0xd0000000ULL /* nothing of the machine is here */

static u64 region;

/* All that VMXON asks for, but VMXON itself. */
static void prepare(void)
{
	vmx_on(); /* locks IA32_FEATURE_CONTROL */
	vmx_off();
	region = vmx_region_alloc();
	write_cr4(read_cr4() | CR4_VMXE);
}

static void finish(void)
{
	write_cr4(read_cr4() & ~(u64)CR4_VMXE);
	memory_page_free(region);
}

/* VMXON and out again, where it lets us in. */
static u32 on_and_off(u64 pointer)
{
	u32 outcome = vmx_try_vmxon(pointer);

	if (outcome == VMSUCCEED)
		vmx_try_vmxoff();
	return outcome;
}

VMX_OUTSIDE_TEST(vmx_insn, vmxon_without_cr4_vmxe_is_undefined)
{
	/* Expect: #UD, though the operand is not there; in ring 3 as well. */
	u64 value = 0;

	prepare();
	write_cr4(read_cr4() & ~(u64)CR4_VMXE);
	EXPECT_OUTCOME(vmx_try_vmxon(region), FAULT(VECTOR_UD, 0));
	EXPECT_OUTCOME(vmx_try(INSN_VMXON, PAGING_TEST_VA, 0, &value), FAULT(VECTOR_UD, 0));
	EXPECT_OUTCOME(vmx_try_in_ring3(INSN_VMXON), FAULT(VECTOR_UD, 0));
	finish();
}

VMX_OUTSIDE_TEST(vmx_insn, vmxon_is_for_ring_0)
{
	/* Expect: #GP(0) in ring 3. */
	prepare();
	EXPECT_OUTCOME(vmx_try_in_ring3(INSN_VMXON), FAULT(VECTOR_GP, 0));
	finish();
}

VMX_OUTSIDE_TEST(vmx_insn, vmxon_needs_the_fixed_bits_of_cr0)
{
	/* Expect: #GP(0) with CR0.NE = 0, VMsucceed with it. */
	u64 cr0 = read_cr0();

	prepare();
	write_cr0(cr0 & ~(u64)CR0_NE);
	EXPECT_OUTCOME(on_and_off(region), FAULT(VECTOR_GP, 0));
	write_cr0(cr0 | CR0_NE);
	EXPECT_OUTCOME(on_and_off(region), VMSUCCEED);
	write_cr0(cr0);
	finish();
}

VMX_OUTSIDE_TEST(vmx_insn, vmxon_pointer_is_aligned_to_a_page)
{
	/* Expect: VMfailInvalid for each address bit below. */
	prepare();
	for (u32 bit = 0; bit < PAGE_SHIFT; bit++)
		EXPECT_OUTCOME(on_and_off(region | BIT(bit)), VMFAIL_INVALID);
	finish();
}

VMX_OUTSIDE_TEST(vmx_insn, vmxon_pointer_is_within_the_address_width)
{
	/* Expect: VMfailInvalid for each address bit above. */
	prepare();
	for (u32 bit = physical_address_bits(); bit < 64; bit++)
		EXPECT_OUTCOME(on_and_off(region | BIT(bit)), VMFAIL_INVALID);
	finish();
}

VMX_OUTSIDE_TEST(vmx_insn, vmxon_region_has_the_revision)
{
	/* Expect: VMfailInvalid with any bit of it changed, bit 31 (a shadow VMCS) among them. */
	u32 *header;

	prepare();
	header = (u32 *)region;
	for (u32 bit = 0; bit < 32; bit++) {
		*header ^= 1u << bit;
		EXPECT_OUTCOME(on_and_off(region), VMFAIL_INVALID);
		*header ^= 1u << bit;
	}
	EXPECT_OUTCOME(on_and_off(region), VMSUCCEED);
	finish();
}

VMX_OUTSIDE_TEST(vmx_insn, vmxon_region_in_a_hole_is_refused)
{
	/* Expect: VMfailInvalid: no memory, no revision. */
	prepare();
	EXPECT_OUTCOME(on_and_off(HOLE), VMFAIL_INVALID);
	finish();
}

VMX_OUTSIDE_TEST(vmx_insn, vmxon_starts_without_a_current_vmcs)
{
	/* Expect: VMPTRST stores all ones, though a VMCS was current at the last VMXOFF. */
	u64 vmcs;

	prepare();
	vmcs = vmx_region_alloc();
	EXPECT_OUTCOME(vmx_try_vmxon(region), VMSUCCEED);
	EXPECT_EQ(vmx_current(), NO_VMCS);
	EXPECT_OUTCOME(vmx_try_vmclear(vmcs), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(vmcs), VMSUCCEED);
	EXPECT_EQ(vmx_current(), vmcs);
	EXPECT_OUTCOME(vmx_try_vmxoff(), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmxon(region), VMSUCCEED);
	EXPECT_EQ(vmx_current(), NO_VMCS);
	EXPECT_OUTCOME(vmx_try_vmxoff(), VMSUCCEED);
	memory_page_free(vmcs);
	finish();
}

VMX_TEST(vmx_insn, vmxon_in_root_operation_fails)
{
	/* Expect: VMfailInvalid without a current VMCS, error 15 with one; the operand, which is
	 * not there, is not read; #GP(0) in ring 3. */
	u64 vmcs = vmx_region_alloc(), value = 0;

	EXPECT_OUTCOME(vmx_try_vmxon(vmx_vmxon_region()), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_vmclear(vmcs), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(vmcs), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmxon(vmx_vmxon_region()), VMFAIL(VMX_ERROR_VMXON_IN_ROOT));
	EXPECT_OUTCOME(vmx_try_vmxon(1), VMFAIL(VMX_ERROR_VMXON_IN_ROOT));
	EXPECT_OUTCOME(vmx_try(INSN_VMXON, PAGING_TEST_VA, 0, &value),
		       VMFAIL(VMX_ERROR_VMXON_IN_ROOT));
	EXPECT_OUTCOME(vmx_try_in_ring3(INSN_VMXON), FAULT(VECTOR_GP, 0));
	EXPECT_EQ(vmx_current(), vmcs);
	EXPECT_OUTCOME(vmx_try_vmclear(vmcs), VMSUCCEED);
	memory_page_free(vmcs);
}

VMX_OUTSIDE_TEST(vmx_insn, vmxoff_ends_vmx_operation)
{
	/* Expect: VMsucceed; afterwards VMPTRST and another VMXOFF are #UD, and VMXON works. */
	u64 pointer = 0;

	prepare();
	for (u32 round = 0; round < 3; round++) {
		EXPECT_OUTCOME(vmx_try_vmxon(region), VMSUCCEED);
		EXPECT_OUTCOME(vmx_try_vmxoff(), VMSUCCEED);
		EXPECT_OUTCOME(vmx_try_vmptrst(&pointer), FAULT(VECTOR_UD, 0));
		EXPECT_OUTCOME(vmx_try_vmxoff(), FAULT(VECTOR_UD, 0));
	}
	finish();
}

VMX_OUTSIDE_TEST(vmx_insn, cr4_vmxe_is_free_outside_vmx_operation)
{
	/* Expect: it is what was written; in VMX operation clearing it is #GP(0). */
	struct trap trap;

	prepare();
	EXPECT(read_cr4() & CR4_VMXE);
	EXPECT_OUTCOME(vmx_try_vmxon(region), VMSUCCEED);
	trap = TRAP_OF(write_cr4(read_cr4() & ~(u64)CR4_VMXE));
	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
	EXPECT(read_cr4() & CR4_VMXE);
	EXPECT_OUTCOME(vmx_try_vmxoff(), VMSUCCEED);
	write_cr4(read_cr4() & ~(u64)CR4_VMXE);
	EXPECT(!(read_cr4() & CR4_VMXE));
	finish();
}

VMX_TEST(vmx_insn, cr0_ne_is_fixed_in_vmx_operation)
{
	/* Expect: #GP(0) for clearing it; CR0 stays. */
	u64 before = read_cr0();
	struct trap trap = TRAP_OF(write_cr0(before & ~(u64)CR0_NE));

	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
	EXPECT_EQ(read_cr0(), before);
}

VMX_TEST(vmx_insn, other_bits_of_cr0_are_free_in_vmx_operation)
{
	/* Expect: TS, WP and AM change as outside. */
	const u64 bits[] = { CR0_TS, CR0_WP, CR0_AM };
	u64 before = read_cr0();

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		write_cr0(before ^ bits[i]);
		EXPECT_EQ(read_cr0(), before ^ bits[i]);
		write_cr0(before);
	}
}

VMX_TEST(vmx_insn, cr4_takes_only_what_fixed1_allows_in_vmx_operation)
{
	/* Expect: #GP(0) for each bit that IA32_VMX_CR4_FIXED1 has as 0. */
	u64 before = read_cr4(), allowed = rdmsr(MSR_IA32_VMX_CR4_FIXED1);

	for (u32 bit = 0; bit < 64; bit++) {
		if (allowed & BIT(bit))
			continue;
		struct trap trap = TRAP_OF(write_cr4(before | BIT(bit)));

		EXPECT_EQ(trap.vector, VECTOR_GP);
	}
	EXPECT_EQ(read_cr4(), before);
}
