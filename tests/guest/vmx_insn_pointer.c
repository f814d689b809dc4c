/* SPDX-License-Identifier: MIT */
/* VMCLEAR, VMPTRLD and VMPTRST: which pointers they take, and what becomes of the current VMCS. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_insn.h"

#define NO_VMCS (~0ULL)
#define HOLE    0xd0000000ULL

static u64 current, other;

/* Two regions, the first of them current. */
static void begin(void)
{
	current = vmx_region_alloc();
	other = vmx_region_alloc();
	EXPECT_OUTCOME(vmx_try_vmclear(current), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmclear(other), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmptrld(current), VMSUCCEED);
}

static void end(void)
{
	vmx_try_vmclear(current);
	vmx_try_vmclear(other);
	memory_page_free(current);
	memory_page_free(other);
}

VMX_TEST(vmx_insn, vmclear_pointer_is_aligned_to_a_page)
{
	/* Expect: error 2 for each address bit below. */
	begin();
	for (u32 bit = 0; bit < PAGE_SHIFT; bit++)
		EXPECT_OUTCOME(vmx_try_vmclear(other | BIT(bit)),
			       VMFAIL(VMX_ERROR_VMCLEAR_ADDRESS));
	end();
}

VMX_TEST(vmx_insn, vmclear_pointer_is_within_the_address_width)
{
	/* Expect: error 2 for each address bit above. */
	begin();
	for (u32 bit = physical_address_bits(); bit < 64; bit++)
		EXPECT_OUTCOME(vmx_try_vmclear(other | BIT(bit)),
			       VMFAIL(VMX_ERROR_VMCLEAR_ADDRESS));
	EXPECT_OUTCOME(vmx_try_vmclear(NO_VMCS), VMFAIL(VMX_ERROR_VMCLEAR_ADDRESS));
	end();
}

VMX_TEST(vmx_insn, vmclear_refuses_the_vmxon_region)
{
	/* Expect: error 3; the current VMCS stays. */
	begin();
	EXPECT_OUTCOME(vmx_try_vmclear(vmx_vmxon_region()),
		       VMFAIL(VMX_ERROR_VMCLEAR_VMXON_POINTER));
	EXPECT_EQ(vmx_current(), current);
	end();
}

VMX_TEST(vmx_insn, vmclear_of_the_current_vmcs_leaves_none)
{
	/* Expect: VMPTRST stores all ones, VMREAD is VMfailInvalid. */
	u64 value = 0;

	begin();
	EXPECT_OUTCOME(vmx_try_vmclear(current), VMSUCCEED);
	EXPECT_EQ(vmx_current(), NO_VMCS);
	EXPECT_OUTCOME(vmx_try_vmread(VMCS_GUEST_RIP, &value), VMFAIL_INVALID);
	end();
}

VMX_TEST(vmx_insn, vmclear_of_another_vmcs_leaves_the_current_one)
{
	/* Expect: the same pointer, the same value in a field. */
	begin();
	vmx_write(VMCS_GUEST_RIP, 0x1234);
	EXPECT_OUTCOME(vmx_try_vmclear(other), VMSUCCEED);
	EXPECT_EQ(vmx_current(), current);
	EXPECT_EQ(vmx_read(VMCS_GUEST_RIP), 0x1234);
	end();
}

VMX_TEST(vmx_insn, vmclear_asks_for_no_revision)
{
	/* Expect: VMsucceed on a page with another number at its start, and again. */
	begin();
	*(u32 *)other = ~*(u32 *)other;
	EXPECT_OUTCOME(vmx_try_vmclear(other), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmclear(other), VMSUCCEED);
	end();
}

VMX_TEST(vmx_insn, vmclear_in_a_hole_does_nothing)
{
	/* Expect: VMsucceed where there is no memory; the current VMCS stays. */
	begin();
	EXPECT_OUTCOME(vmx_try_vmclear(HOLE), VMSUCCEED);
	EXPECT_EQ(vmx_current(), current);
	end();
}

VMX_TEST(vmx_insn, vmptrld_pointer_is_aligned_to_a_page)
{
	/* Expect: error 9 for each address bit below; the current VMCS stays. */
	begin();
	for (u32 bit = 0; bit < PAGE_SHIFT; bit++)
		EXPECT_OUTCOME(vmx_try_vmptrld(other | BIT(bit)),
			       VMFAIL(VMX_ERROR_VMPTRLD_ADDRESS));
	EXPECT_EQ(vmx_current(), current);
	end();
}

VMX_TEST(vmx_insn, vmptrld_pointer_is_within_the_address_width)
{
	/* Expect: error 9 for each address bit above; the current VMCS stays. */
	begin();
	for (u32 bit = physical_address_bits(); bit < 64; bit++)
		EXPECT_OUTCOME(vmx_try_vmptrld(other | BIT(bit)),
			       VMFAIL(VMX_ERROR_VMPTRLD_ADDRESS));
	EXPECT_EQ(vmx_current(), current);
	end();
}

VMX_TEST(vmx_insn, vmptrld_refuses_the_vmxon_region)
{
	/* Expect: error 10; the current VMCS stays. */
	begin();
	EXPECT_OUTCOME(vmx_try_vmptrld(vmx_vmxon_region()),
		       VMFAIL(VMX_ERROR_VMPTRLD_VMXON_POINTER));
	EXPECT_EQ(vmx_current(), current);
	end();
}

VMX_TEST(vmx_insn, vmptrld_wants_the_revision)
{
	/* Expect: error 11 with any of its bits changed; the current VMCS stays. */
	begin();
	for (u32 bit = 0; bit < 31; bit++) {
		*(u32 *)other ^= 1u << bit;
		EXPECT_OUTCOME(vmx_try_vmptrld(other), VMFAIL(VMX_ERROR_VMPTRLD_REVISION));
		*(u32 *)other ^= 1u << bit;
	}
	EXPECT_EQ(vmx_current(), current);
	end();
}

VMX_TEST(vmx_insn, vmptrld_takes_a_shadow_vmcs_only_with_vmcs_shadowing)
{
	/* Expect: error 11 where VMCS shadowing is not offered; else VMsucceed, but no entry. */
	bool has_shadowing = vmx_has_cpu2(CPU2_VMCS_SHADOWING);

	begin();
	*(u32 *)other |= BIT(31);
	EXPECT_OUTCOME(vmx_try_vmptrld(other),
		       has_shadowing ? VMSUCCEED : VMFAIL(VMX_ERROR_VMPTRLD_REVISION));
	EXPECT_EQ(vmx_current(), has_shadowing ? other : current);
	end();
}

VMX_TEST(vmx_insn, vmptrld_of_a_hole_finds_no_revision)
{
	/* Expect: error 11; the current VMCS stays. */
	begin();
	EXPECT_OUTCOME(vmx_try_vmptrld(HOLE), VMFAIL(VMX_ERROR_VMPTRLD_REVISION));
	EXPECT_EQ(vmx_current(), current);
	end();
}

VMX_TEST(vmx_insn, vmptrld_of_the_current_vmcs_changes_nothing)
{
	/* Expect: VMsucceed, the same values. */
	begin();
	vmx_write(VMCS_GUEST_RSP, 0x5678);
	EXPECT_OUTCOME(vmx_try_vmptrld(current), VMSUCCEED);
	EXPECT_EQ(vmx_current(), current);
	EXPECT_EQ(vmx_read(VMCS_GUEST_RSP), 0x5678);
	end();
}

VMX_TEST(vmx_insn, failures_without_a_current_vmcs_have_no_number)
{
	/* Expect: VMfailInvalid from each kind of failure of VMCLEAR and VMPTRLD. */
	begin();
	EXPECT_OUTCOME(vmx_try_vmclear(current), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmclear(other + 1), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_vmclear(vmx_vmxon_region()), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_vmptrld(other + 1), VMFAIL_INVALID);
	EXPECT_OUTCOME(vmx_try_vmptrld(vmx_vmxon_region()), VMFAIL_INVALID);
	*(u32 *)other ^= 1;
	EXPECT_OUTCOME(vmx_try_vmptrld(other), VMFAIL_INVALID);
	end();
}

VMX_TEST(vmx_insn, the_error_number_stays_until_the_next_failure)
{
	/* Expect: a success leaves VM-instruction error; each VMCS has its own. */
	begin();
	EXPECT_OUTCOME(vmx_try_vmptrld(1), VMFAIL(VMX_ERROR_VMPTRLD_ADDRESS));
	EXPECT_OUTCOME(vmx_try_vmclear(other), VMSUCCEED);
	EXPECT_EQ(vmx_read(VMCS_INSN_ERROR), VMX_ERROR_VMPTRLD_ADDRESS);
	EXPECT_OUTCOME(vmx_try_vmptrld(other), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_vmclear(1), VMFAIL(VMX_ERROR_VMCLEAR_ADDRESS));
	EXPECT_OUTCOME(vmx_try_vmptrld(current), VMSUCCEED);
	EXPECT_EQ(vmx_read(VMCS_INSN_ERROR), VMX_ERROR_VMPTRLD_ADDRESS);
	end();
}

VMX_TEST(vmx_insn, vmptrst_stores_64_bits)
{
	/* Expect: the pointer in 8 bytes, none beside them; also over the end of a page. */
	u64 page = memory_page_alloc(), second = memory_page_alloc();
	volatile u64 *words = (volatile u64 *)(PAGING_TEST_VA + PAGE_SIZE - 16);
	u64 odd = PAGING_TEST_VA + PAGE_SIZE - 3;

	begin();
	paging_map(PAGING_TEST_VA, page, PTE_PRESENT | PTE_WRITE);
	paging_map(PAGING_TEST_VA + PAGE_SIZE, second, PTE_PRESENT | PTE_WRITE);
	words[0] = words[1] = words[2] = 0xa5a5a5a5a5a5a5a5;
	EXPECT_OUTCOME(vmx_try_vmptrst((u64 *)&words[1]), VMSUCCEED);
	EXPECT_EQ(words[0], 0xa5a5a5a5a5a5a5a5);
	EXPECT_EQ(words[1], current);
	EXPECT_EQ(words[2], 0xa5a5a5a5a5a5a5a5);
	EXPECT_OUTCOME(vmx_try_vmptrst((u64 *)odd), VMSUCCEED);
	EXPECT_EQ(*(volatile u64 *)odd, current);
	paging_unmap(PAGING_TEST_VA);
	paging_unmap(PAGING_TEST_VA + PAGE_SIZE);
	memory_page_free(page);
	memory_page_free(second);
	end();
}
