/* SPDX-License-Identifier: MIT */
/* Operands of VMX instructions in all their forms: a hypervisor has to compute their addresses. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_insn.h"

/* vmx_operands.asm; by the numbers that instructions give to registers */
extern void (*const vmx_operand_forms[])(u64 *place, u64 index);
extern const u32 vmx_operand_form_count;
extern u64 (*const vmx_read_to[16])(u64 encoding);
extern u64 (*const vmx_read_by[16])(u64 encoding);

#define FORM_INDEX   3
#define SEGMENT_BASE 16

VMX_TEST(vmx_insn, addresses_are_computed_for_every_form)
{
	/* Expect: VMPTRST stores at the same place through each of: base, index and scale,
	 * displacements of 8 and 32 bits, RSP, RBP, R8 to R15, RIP, none, 32-bit addresses, and
	 * segment prefixes. */
	u64 fs = rdmsr(MSR_IA32_FS_BASE), gs = rdmsr(MSR_IA32_GS_BASE);
	volatile u64 place;
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	wrmsr(MSR_IA32_FS_BASE, (u64)&place - SEGMENT_BASE);
	wrmsr(MSR_IA32_GS_BASE, (u64)&place - SEGMENT_BASE);
	for (u32 form = 0; form < vmx_operand_form_count; form++) {
		place = form;
		vmx_operand_forms[form]((u64 *)&place, FORM_INDEX);
		if (place != l2.vmcs)
			test_fail(__FILE__, __LINE__, "form %u: expected 0x%llx got 0x%llx",
				  form + 1, (unsigned long long)l2.vmcs, (unsigned long long)place);
	}
	wrmsr(MSR_IA32_FS_BASE, fs);
	wrmsr(MSR_IA32_GS_BASE, gs);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, every_register_takes_a_field)
{
	/* Expect: VMREAD into each of the 16 registers, RSP among them, gives the field. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	vmx_write(VMCS_GUEST_SYSENTER_ESP, 0x123456789abcdef0);
	for (u32 reg = 0; reg < 16; reg++)
		EXPECT_EQ(vmx_read_to[reg](VMCS_GUEST_SYSENTER_ESP), 0x123456789abcdef0);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, every_register_names_a_field)
{
	/* Expect: VMREAD with the encoding in each of the 16 registers gives the field. */
	struct l2 l2;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	vmx_write(VMCS_GUEST_SYSENTER_EIP, 0xfedcba9876543210);
	for (u32 reg = 0; reg < 16; reg++)
		EXPECT_EQ(vmx_read_by[reg](VMCS_GUEST_SYSENTER_EIP), 0xfedcba9876543210);
	l2_destroy(&l2);
}

VMX_TEST(vmx_insn, single_steps_stop_behind_each)
{
	/* Expect: with RFLAGS.TF, #DB (single step) at the instruction behind VMPTRST and
	 * VMREAD. */
	volatile u64 place = 0;
	struct l2 l2;
	struct trap trap;

	l2_create(&l2, vmx_call_for_ever, 0, 0);
	write_dr6(0);
	trap = TRAP_OF(__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq\n\t"
					"vmptrst (%0)\n\t"
					"nop" ::"r"(&place)
					: "cc", "memory"));
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(*(const u8 *)trap.rip, 0x90);
	EXPECT(read_dr6() & BIT(14));
	EXPECT_EQ(place, l2.vmcs);
	write_dr6(0);
	trap = TRAP_OF(__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq\n\t"
					"vmread %0, %%rax\n\t"
					"nop" ::"r"((u64)VMCS_GUEST_RIP)
					: "rax", "cc"));
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(*(const u8 *)trap.rip, 0x90);
	EXPECT(read_dr6() & BIT(14));
	write_dr6(0);
	l2_destroy(&l2);
}
