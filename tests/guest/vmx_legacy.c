/* SPDX-License-Identifier: MIT */
/* A hypervisor that is not in 64-bit mode: VMX instructions in 32-bit protected mode. */
#include "tests/guest/lib/legacy.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_insn.h"

#define ARITHMETIC   0x8d5u /* CF, PF, AF, ZF, SF, OF */
#define INSTRUCTIONS 13u
#define PDPTES       4u

/* vmx_legacy.asm */
extern const char vmx_legacy_flat[], vmx_legacy_pae[];
extern u64 boot_pds[PDPTES][512];

struct vmx_legacy {
	u64 cr3, vmxon, vmcs;
	u64 pointer;       /* by VMPTRST */
	u64 low;           /* VMREAD of a 64-bit field to memory: 4 bytes */
	u32 high, cleared; /* its high half, and the same after VMWRITE of the whole field */
	u64 natural;       /* 4 bytes of it */
	u32 flags[INSTRUCTIONS];
};

_Static_assert(offsetof(struct vmx_legacy, high) == 40, "vmx_legacy.asm");
_Static_assert(offsetof(struct vmx_legacy, flags) == 56, "vmx_legacy.asm");

static struct vmx_legacy found;

static void prepare(void)
{
	vmx_on(); /* locks IA32_FEATURE_CONTROL */
	vmx_off();
	found = (struct vmx_legacy){
		.cr3 = memory_page_alloc(),
		.vmxon = vmx_region_alloc(),
		.vmcs = vmx_region_alloc(),
		.low = ~0ULL,
	};
	for (u32 i = 0; i < PDPTES; i++)
		((u64 *)found.cr3)[i] = (u64)boot_pds[i] | PTE_PRESENT;
}

static void finish(void)
{
	memory_page_free(found.cr3);
	memory_page_free(found.vmxon);
	memory_page_free(found.vmcs);
}

VMX_OUTSIDE_TEST(vmx_insn, vmxon_needs_paging)
{
	/* Expect: #GP in protected mode with CR0.PG = 0, which is a fixed bit. */
	if (machine_is_bochs())
		SKIP("Bochs 2.7 takes VMXON without paging");
	prepare();
	legacy_run(vmx_legacy_flat, (u32)(u64)&found);
	EXPECT_EQ(legacy_vector, VECTOR_GP);
	finish();
}

VMX_OUTSIDE_TEST(vmx_insn, operands_have_32_bits_in_protected_mode)
{
	/* Expect: under PAE paging, all instructions succeed; pointers have 64 bits; VMREAD and
	 * VMWRITE move 32, and a VMWRITE of a 64-bit field clears its high half. */
	u32 done;

	prepare();
	done = legacy_run(vmx_legacy_pae, (u32)(u64)&found);
	EXPECT_EQ(legacy_vector, LEGACY_NO_VECTOR);
	EXPECT_EQ(done, INSTRUCTIONS);
	for (u32 i = 0; i < INSTRUCTIONS; i++)
		EXPECT_EQ(found.flags[i] & ARITHMETIC, 0);
	EXPECT_EQ(found.pointer, found.vmcs);
	EXPECT_EQ(found.low, 0xffffffff89abcdef);
	EXPECT_EQ(found.high, 0x01234567);
	EXPECT_EQ(found.cleared, 0);
	EXPECT_EQ(found.natural, 0xfedcba98);
	finish();
}
