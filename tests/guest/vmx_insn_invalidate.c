/* SPDX-License-Identifier: MIT */
/* INVEPT and INVVPID: types, descriptors, and in which order they are looked at. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_insn.h"

#define BAD_OPERAND VMFAIL(VMX_ERROR_INVALIDATION_OPERAND)
#define EPTP_WALK_4 (3u << 3)
#define EPTP_WB     6u
#define EPTP_DIRTY  BIT(6)
#define ADDRESS     0x12345000ULL

enum { EPT_SINGLE = 1, EPT_ALL = 2 };
enum { VPID_ADDRESS, VPID_SINGLE, VPID_ALL, VPID_RETAIN, VPID_TYPES };

static struct l2 l2;
static u64 eptp;

/* A current VMCS, so that failures have numbers; an EPTP of an empty table. */
static void begin(void)
{
	l2_create(&l2, vmx_call_for_ever, 0, 0);
	eptp = memory_page_alloc() | EPTP_WALK_4 | EPTP_WB;
}

static void end(void)
{
	l2_destroy(&l2);
	memory_page_free(eptp & ~(u64)(PAGE_SIZE - 1));
}

static bool has_invvpid_type(u32 type)
{
	return vmx_ept_caps() & EPT_CAP_MASK(INVVPID_ADDRESS) << type;
}

#define NEEDS_INVEPT()                              \
	do {                                        \
		if (!vmx_has_insn(INSN_INVEPT))     \
			SKIP("INVEPT not offered"); \
	} while (0)

#define NEEDS_INVVPID()                              \
	do {                                         \
		if (!vmx_has_insn(INSN_INVVPID))     \
			SKIP("INVVPID not offered"); \
	} while (0)

VMX_TEST(vmx_insn, invept_takes_the_types_that_are_offered)
{
	/* Expect: VMsucceed for single-context and all-context as IA32_VMX_EPT_VPID_CAP says. */
	NEEDS_INVEPT();
	begin();
	EXPECT_OUTCOME(vmx_try_invept(EPT_SINGLE, eptp, 0),
		       vmx_has_ept_caps(EPT_CAP_MASK(INVEPT_SINGLE)) ? VMSUCCEED : BAD_OPERAND);
	EXPECT_OUTCOME(vmx_try_invept(EPT_ALL, 0, 0),
		       vmx_has_ept_caps(EPT_CAP_MASK(INVEPT_ALL)) ? VMSUCCEED : BAD_OPERAND);
	end();
}

VMX_TEST(vmx_insn, invept_refuses_other_types)
{
	/* Expect: error 28 for types 0, 3, and those with a higher bit. */
	NEEDS_INVEPT();
	begin();
	EXPECT_OUTCOME(vmx_try_invept(0, eptp, 0), BAD_OPERAND);
	EXPECT_OUTCOME(vmx_try_invept(3, eptp, 0), BAD_OPERAND);
	for (u32 bit = 2; bit < 32; bit++)
		EXPECT_OUTCOME(vmx_try_invept(BIT(bit) | EPT_ALL, eptp, 0), BAD_OPERAND);
	EXPECT_OUTCOME(vmx_try_invept(~0ULL, eptp, 0), BAD_OPERAND);
	end();
}

VMX_TEST(vmx_insn, invept_of_a_context_wants_an_eptp_that_could_be_entered)
{
	/* Expect: error 28 for memory types, walk lengths, reserved bits and widths that VM entry
	 * refuses. */
	NEEDS_INVEPT();
	if (!vmx_has_ept_caps(EPT_CAP_MASK(INVEPT_SINGLE)))
		SKIP("no single-context INVEPT");
	begin();
	for (u64 type = 1; type < 8; type++) {
		if (type != EPTP_WB)
			EXPECT_OUTCOME(vmx_try_invept(EPT_SINGLE, (eptp & ~7ULL) | type, 0),
				       BAD_OPERAND);
	}
	for (u64 length = 0; length < 8; length++) {
		if (length != 3 && length != 4)
			EXPECT_OUTCOME(
				vmx_try_invept(EPT_SINGLE, (eptp & ~0x38ULL) | length << 3, 0),
				BAD_OPERAND);
	}
	for (u32 bit = 8; bit < PAGE_SHIFT; bit++)
		EXPECT_OUTCOME(vmx_try_invept(EPT_SINGLE, eptp | BIT(bit), 0), BAD_OPERAND);
	for (u32 bit = physical_address_bits(); bit < 64; bit++)
		EXPECT_OUTCOME(vmx_try_invept(EPT_SINGLE, eptp | BIT(bit), 0), BAD_OPERAND);
	EXPECT_OUTCOME(vmx_try_invept(EPT_SINGLE, eptp | EPTP_DIRTY, 0),
		       vmx_has_ept_caps(EPT_CAP_MASK(ACCESSED_DIRTY)) ? VMSUCCEED : BAD_OPERAND);
	EXPECT_OUTCOME(vmx_try_invept(EPT_SINGLE, eptp, 0), VMSUCCEED);
	end();
}

VMX_TEST(vmx_insn, invept_of_all_ignores_the_eptp)
{
	/* Expect: VMsucceed, whatever the EPTP. */
	NEEDS_INVEPT();
	if (!vmx_has_ept_caps(EPT_CAP_MASK(INVEPT_ALL)))
		SKIP("no all-context INVEPT");
	begin();
	EXPECT_OUTCOME(vmx_try_invept(EPT_ALL, ~0ULL, 0), VMSUCCEED);
	EXPECT_OUTCOME(vmx_try_invept(EPT_ALL, eptp | BIT(8), 0), VMSUCCEED);
	end();
}

VMX_TEST(vmx_insn, invept_reads_16_bytes_for_both_types)
{
	/* Expect: #PF where either half of the descriptor is not there. */
	u64 page, value = 0, last = PAGING_TEST_VA + PAGE_SIZE - 8;

	NEEDS_INVEPT();
	begin();
	page = memory_page_alloc();
	paging_map(PAGING_TEST_VA, page, PTE_PRESENT | PTE_WRITE);
	*(volatile u64 *)last = eptp;
	for (u32 type = EPT_SINGLE; type <= EPT_ALL; type++) {
		EXPECT_OUTCOME(vmx_try(INSN_INVEPT, last, type, &value), FAULT(VECTOR_PF, 0));
		EXPECT_EQ(read_cr2(), PAGING_TEST_VA + PAGE_SIZE);
	}
	paging_unmap(PAGING_TEST_VA);
	EXPECT_OUTCOME(vmx_try(INSN_INVEPT, PAGING_TEST_VA, EPT_ALL, &value), FAULT(VECTOR_PF, 0));
	memory_page_free(page);
	end();
}

VMX_TEST(vmx_insn, invept_of_another_type_reads_no_descriptor)
{
	/* Expect: error 28, not #PF. */
	u64 value = 0;

	NEEDS_INVEPT();
	if (machine_is_bochs())
		SKIP("Bochs 2.7 reads the descriptor before it looks at the type");
	begin();
	EXPECT_OUTCOME(vmx_try(INSN_INVEPT, PAGING_TEST_VA, 0, &value), BAD_OPERAND);
	EXPECT_OUTCOME(vmx_try(INSN_INVEPT, PAGING_TEST_VA, 3, &value), BAD_OPERAND);
	end();
}

VMX_TEST(vmx_insn, invvpid_takes_the_types_that_are_offered)
{
	/* Expect: VMsucceed for each of the four that IA32_VMX_EPT_VPID_CAP has, else error 28. */
	NEEDS_INVVPID();
	begin();
	for (u32 type = 0; type < VPID_TYPES; type++)
		EXPECT_OUTCOME(vmx_try_invvpid(type, 1, ADDRESS),
			       has_invvpid_type(type) ? VMSUCCEED : BAD_OPERAND);
	end();
}

VMX_TEST(vmx_insn, invvpid_refuses_other_types)
{
	/* Expect: error 28 for 4, and those with a higher bit. */
	NEEDS_INVVPID();
	begin();
	for (u32 bit = 2; bit < 32; bit++)
		EXPECT_OUTCOME(vmx_try_invvpid(BIT(bit) | VPID_ALL, 1, ADDRESS), BAD_OPERAND);
	EXPECT_OUTCOME(vmx_try_invvpid(VPID_TYPES, 1, ADDRESS), BAD_OPERAND);
	EXPECT_OUTCOME(vmx_try_invvpid(~0ULL, 1, ADDRESS), BAD_OPERAND);
	end();
}

VMX_TEST(vmx_insn, invvpid_wants_a_vpid_unless_it_is_for_all)
{
	/* Expect: error 28 for VPID 0 with types 0, 1 and 3; VMsucceed with type 2. VPID FFFFh
	 * is one like any other. */
	NEEDS_INVVPID();
	begin();
	for (u32 type = 0; type < VPID_TYPES; type++) {
		if (!has_invvpid_type(type))
			continue;
		EXPECT_OUTCOME(vmx_try_invvpid(type, 0, ADDRESS),
			       type == VPID_ALL ? VMSUCCEED : BAD_OPERAND);
		EXPECT_OUTCOME(vmx_try_invvpid(type, 0xffff, ADDRESS), VMSUCCEED);
	}
	end();
}

VMX_TEST(vmx_insn, invvpid_refuses_reserved_bits_of_the_descriptor)
{
	/* Expect: error 28 with any of bits 63:16, for every type. */
	NEEDS_INVVPID();
	begin();
	for (u32 type = 0; type < VPID_TYPES; type++)
		for (u32 bit = 16; bit < 64; bit++)
			EXPECT_OUTCOME(vmx_try_invvpid(type, BIT(bit) | 1, ADDRESS), BAD_OPERAND);
	end();
}

VMX_TEST(vmx_insn, invvpid_of_an_address_wants_it_canonical)
{
	/* Expect: error 28 for a non-canonical address with type 0; the other types ignore it. */
	NEEDS_INVVPID();
	begin();
	for (u32 type = 0; type < VPID_TYPES; type++) {
		if (!has_invvpid_type(type))
			continue;
		EXPECT_OUTCOME(vmx_try_invvpid(type, 1, NON_CANONICAL),
			       type == VPID_ADDRESS ? BAD_OPERAND : VMSUCCEED);
		EXPECT_OUTCOME(vmx_try_invvpid(type, 1, NON_CANONICAL - 1), VMSUCCEED);
		EXPECT_OUTCOME(vmx_try_invvpid(type, 1, ~(NON_CANONICAL - 1)), VMSUCCEED);
		EXPECT_OUTCOME(vmx_try_invvpid(type, 1, ~NON_CANONICAL),
			       type == VPID_ADDRESS ? BAD_OPERAND : VMSUCCEED);
	}
	end();
}

VMX_TEST(vmx_insn, invvpid_reads_16_bytes_for_all_types)
{
	/* Expect: #PF where either half of the descriptor is not there. */
	u64 page, value = 0, last = PAGING_TEST_VA + PAGE_SIZE - 8;

	NEEDS_INVVPID();
	begin();
	page = memory_page_alloc();
	paging_map(PAGING_TEST_VA, page, PTE_PRESENT | PTE_WRITE);
	*(volatile u64 *)last = 1;
	for (u32 type = 0; type < VPID_TYPES; type++) {
		if (!has_invvpid_type(type))
			continue;
		EXPECT_OUTCOME(vmx_try(INSN_INVVPID, last, type, &value), FAULT(VECTOR_PF, 0));
		EXPECT_EQ(read_cr2(), PAGING_TEST_VA + PAGE_SIZE);
	}
	paging_unmap(PAGING_TEST_VA);
	EXPECT_OUTCOME(vmx_try(INSN_INVVPID, PAGING_TEST_VA, VPID_ALL, &value),
		       FAULT(VECTOR_PF, 0));
	memory_page_free(page);
	end();
}

VMX_TEST(vmx_insn, invvpid_of_another_type_reads_no_descriptor)
{
	/* Expect: error 28, not #PF. */
	u64 value = 0;

	NEEDS_INVVPID();
	if (machine_is_bochs())
		SKIP("Bochs 2.7 reads the descriptor before it looks at the type");
	begin();
	EXPECT_OUTCOME(vmx_try(INSN_INVVPID, PAGING_TEST_VA, VPID_TYPES, &value), BAD_OPERAND);
	end();
}

VMX_TEST(vmx_insn, types_of_invalidations_have_64_bits)
{
	/* Expect: error 28 where a good type has any of bits 63:32 set as well. */
	NEEDS_INVEPT();
	NEEDS_INVVPID();
	if (machine_is_bochs())
		SKIP("Bochs 2.7 takes 32 bits of the type where there is no REX.W");
	begin();
	for (u32 bit = 32; bit < 64; bit++) {
		EXPECT_OUTCOME(vmx_try_invept(BIT(bit) | EPT_ALL, eptp, 0), BAD_OPERAND);
		EXPECT_OUTCOME(vmx_try_invvpid(BIT(bit) | VPID_ALL, 1, ADDRESS), BAD_OPERAND);
	}
	end();
}

VMX_TEST(vmx_insn, invalidations_without_a_current_vmcs_fail_without_a_number)
{
	/* Expect: VMfailInvalid for bad operands; VMsucceed for good ones: they need no VMCS. */
	if (vmx_has_insn(INSN_INVEPT)) {
		EXPECT_OUTCOME(vmx_try_invept(3, 0, 0), VMFAIL_INVALID);
		EXPECT_OUTCOME(vmx_try_invept(EPT_ALL, 0, 0), VMSUCCEED);
	}
	if (vmx_has_insn(INSN_INVVPID)) {
		EXPECT_OUTCOME(vmx_try_invvpid(VPID_ALL, BIT(16), 0), VMFAIL_INVALID);
		EXPECT_OUTCOME(vmx_try_invvpid(VPID_ALL, 0, 0), VMSUCCEED);
	}
	if (!vmx_has_insn(INSN_INVEPT) && !vmx_has_insn(INSN_INVVPID))
		SKIP("neither INVEPT nor INVVPID offered");
}
