/* SPDX-License-Identifier: MIT */
/* L2s that are not in 64-bit mode: compatibility, protected and real-address mode, PAE paging;
 * and task switches, which always exit. */
#include "hv/msr_index.h"
#include "hv/pte.h"
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_modes.h"
#include "vmx/access_rights.h"
#include "vmx/qualification.h"

#define NEEDS_UNRESTRICTED()                                              \
	do {                                                              \
		NEEDS_EPT(0);                                             \
		NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_UNRESTRICTED_GUEST); \
	} while (0)

#define L2_CODE32(name, text) L2_CODE_BITS(name, 32, text)
#define L2_CODE16(name, text) L2_CODE_BITS(name, 16, text)

/* A sum whose operands do not fit into 16 bits, and a write and a read through memory. */
L2_CODE32(compute32, "mov $0x12345678, %eax; add $0x11111111, %eax; mov %eax, (%edi)\n"
		     "mov (%edi), %ecx; push %ecx; pop %edx");
L2_CODE32(cpuid32, "cpuid");
L2_CODE32(vmread32, "vmread %eax, %ebx");
L2_CODE32(rdmsr32, "rdmsr");
L2_CODE32(read32, "mov (%edi), %eax");
L2_CODE32(write_cr3_32, "mov %eax, %cr3; mov (%edi), %ecx");
L2_CODE16(compute16, "mov $0x1234, %ax; add $0x1111, %ax; mov %ax, (%di); mov %ax, %ss:(2)\n"
		     "pushw %ax; popw %dx");
L2_CODE16(cpuid16, "cpuid");
L2_CODE16(out16_insn, "outsb");
L2_CODE16(ud16, "ud2");
L2_CODE16(enter_protected, "mov %cr0, %eax; or $1, %eax; mov %eax, %cr0");

static void expect_sum(struct l2 *l2)
{
	u64 page = vmx_page();

	l2->regs[RDI] = page;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)compute32_end);
	EXPECT_EQ(l2->regs[RCX], 0x23456789);
	EXPECT_EQ(l2->regs[RDX], 0x23456789);
	EXPECT_EQ(*(u64 *)page, 0x23456789);
}

VMX_TEST(vmx_state, l2_runs_in_compatibility_mode, 0)
{
	/* Expect: 32-bit code runs; VMCALL exits, VMREAD is #UD. */
	struct l2 *l2 = l2_new(compute32);

	l2_to_compatibility();
	expect_sum(l2);
	l2 = l2_new(vmread32);
	l2_to_compatibility();
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_UD));
}

VMX_TEST(vmx_state, l2_runs_in_protected_mode, 0)
{
	/* Expect: 32-bit code under 32-bit paging runs; L1 is in 64-bit mode again after the
	 * exit. */
	struct l2 *l2 = l2_new(compute32);

	l2_to_protected();
	expect_sum(l2);
	EXPECT_EQ(rdmsr(MSR_IA32_EFER) & EFER_LMA, EFER_LMA);
	l2 = l2_new(cpuid32);
	l2_to_protected();
	EXPECT_EQ(l2_enter(l2), EXIT_CPUID);
	EXPECT_INSN(cpuid32);
}

VMX_TEST(vmx_state, l2_in_protected_mode_has_no_long_mode_in_efer, 0)
{
	/* Expect: RDMSR of EFER in L2 shows LMA and LME 0; the saved EFER too. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_EXIT, EXIT_CTL_SAVE_EFER);
	l2 = l2_new(rdmsr32);
	l2_to_protected();
	control_on(CONTROL_SET_EXIT, EXIT_CTL_SAVE_EFER);
	l2->regs[RCX] = MSR_IA32_EFER;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX] & (EFER_LMA | EFER_LME), 0);
	EXPECT_EQ(vmx_read(VMCS_GUEST_EFER) & (EFER_LMA | EFER_LME), 0);
}

VMX_TEST(vmx_state, l2_runs_under_pae_paging, 0)
{
	/* Expect: without EPT the PDPTEs are those in memory. */
	struct l2 *l2 = l2_new(compute32);

	l2_to_pae();
	expect_sum(l2);
}

VMX_TEST(vmx_state, pdptes_come_from_the_fields_under_ept, 0)
{
	/* Expect: with EPT an entry takes the PDPTEs from the VMCS, whatever memory says; they are
	 * saved there; MOV to CR3 reads them from memory. */
	u64 page = vmx_page(), *pointers;
	struct l2 *l2;

	NEEDS_EPT(0);
	l2 = l2_new(read32);
	ept_use(ept_new());
	pointers = l2_to_pae();
	pointers[3] = 0;
	*(u32 *)page = 0xbeef;
	l2->regs[RDI] = page | 3ULL << 30; /* the third GiB shows the first again */
	vmx_write(VMCS_GUEST_PDPTE3, pointers[0]);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], 0xbeef);
	EXPECT_FIELD(GUEST_PDPTE3, pointers[0]);
	l2->regs[RAX] = (u64)pointers;
	EXPECT_EQ(l2_enter_at(l2, write_cr3_32), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_PF) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(GUEST_PDPTE3, 0);
}

VMX_TEST(vmx_state, l2_runs_without_paging, 0)
{
	/* Expect: 32-bit code with CR0.PG=0 runs on EPT alone. */
	struct l2 *l2;

	NEEDS_UNRESTRICTED();
	l2 = l2_new(compute32);
	ept_use(ept_new());
	l2_to_flat();
	expect_sum(l2);
	EXPECT_EQ(vmx_read(VMCS_GUEST_CR0) & (CR0_PG | CR0_PE), CR0_PE);
}

static struct l2 *l2_real(const char *code)
{
	struct l2 *l2 = l2_new(code);

	ept_use(ept_new());
	l2_to_real(code);
	return l2;
}

VMX_TEST(vmx_state, l2_runs_in_real_mode, 0)
{
	/* Expect: 16-bit code runs at its CS base; memory is reached through DS and SS bases. */
	u64 page = vmx_page();
	struct l2 *l2;

	NEEDS_UNRESTRICTED();
	l2 = l2_real(compute16);
	vmx_write(VMCS_GUEST_BASE_DS, page);
	l2->regs[RDI] = 0x10;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)(compute16_end - compute16));
	EXPECT_FIELD(GUEST_BASE_CS, (u64)compute16);
	EXPECT_EQ(*(u16 *)(page + 0x10), 0x2345);
	EXPECT_EQ(*(u16 *)(l2->stack + 2), 0x2345);
	EXPECT_EQ(l2->regs[RDX], 0x2345);
	EXPECT_EQ(vmx_read(VMCS_GUEST_CR0) & (CR0_PG | CR0_PE), 0);
}

VMX_TEST(vmx_state, real_mode_exits_tell_address_size_and_segment, 0)
{
	/* Expect: CPUID's length; of OUTSB 16-bit addresses, DS with its base, and the port. */
	struct l2 *l2;

	NEEDS_UNRESTRICTED();
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_UNCOND_IO);
	l2 = l2_real(cpuid16);
	EXPECT_EQ(l2_enter(l2), EXIT_CPUID);
	EXPECT_FIELD(GUEST_RIP, 0);
	EXPECT_FIELD(EXIT_INSN_LEN, 2);
	l2 = l2_real(out16_insn);
	control_on(CONTROL_SET_CPU, CPU_UNCOND_IO);
	vmx_write(VMCS_GUEST_BASE_DS, 0x54320);
	l2->regs[RSI] = 0x123;
	l2->regs[RDX] = 0x80;
	EXPECT_EQ(l2_enter(l2), EXIT_IO);
	EXPECT_FIELD(EXIT_QUALIFICATION, 0x80u << 16 | QUALIFICATION_STRING);
	EXPECT_FIELD(GUEST_LINEAR_ADDR, 0x54320 + 0x123);
	EXPECT_EQ(vmx_read(VMCS_EXIT_INSN_INFO) & (7u << 7 | 7u << 15), SEGMENT_DS << 15);
}

VMX_TEST(vmx_state, real_mode_exceptions_exit, 0)
{
	/* Expect: #UD by its bit, without an error code. */
	NEEDS_UNRESTRICTED();
	EXPECT_EQ(l2_enter(l2_real(ud16)), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_UD));
	EXPECT_FIELD(GUEST_RIP, 0);
}

VMX_TEST(vmx_state, unrestricted_l2_turns_protection_on, 0)
{
	/* Expect: MOV to CR0 that sets PE does not exit unless L1 owns it. */
	struct l2 *l2;

	NEEDS_UNRESTRICTED();
	l2 = l2_real(enter_protected);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(vmx_read(VMCS_GUEST_CR0) & CR0_PE, CR0_PE);
	l2 = l2_real(enter_protected);
	vmx_write(VMCS_CR0_MASK, CR0_PE);
	EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
}

/* --- task switches --- */
#define TASK_TSS               0x200u /* a selector behind the GDT's own entries */
#define TASK_CALL              0u
#define TASK_IRET              1u
#define TASK_JMP               2u
#define TASK_GATE              3u
#define TASK(source, selector) ((u64)(source) << 30 | (selector))

L2_CODE32(jump_to_task, "ljmp $0x200, $0");
L2_CODE32(call_task, "lcall $0x200, $0");
L2_CODE32(iret_to_task, "iret");
L2_CODE32(int_to_task, "int $0x21");
L2_CODE32(fault_to_task, "ud2");

/* In protected mode, with a GDT that has one more TSS and an IDT of task gates. */
static struct l2 *l2_with_task(const char *code, u8 type)
{
	struct l2 *l2 = l2_new(code);
	u64 *gdt = (u64 *)vmx_page(), *idt = (u64 *)vmx_page(), tss = vmx_page();

	l2_to_protected();
	memcpy(gdt, (const void *)descriptor_gdt_pointer.base, descriptor_gdt_pointer.limit + 1u);
	gdt[TASK_TSS / 8] = 0x67 | (tss & BITS(23, 0)) << 16 | (u64)(0x80 | type) << 40 |
			    (tss & BITS(31, 24)) << 32;
	for (u32 i = 0; i < 256; i++)
		idt[i] = (u64)TASK_TSS << 16 | 0x85ULL << 40;
	vmx_write(VMCS_GUEST_BASE_GDTR, (u64)gdt);
	vmx_write(VMCS_GUEST_LIMIT_GDTR, 0xfff);
	vmx_write(VMCS_GUEST_BASE_IDTR, (u64)idt);
	vmx_write(VMCS_GUEST_LIMIT_IDTR, 0x7ff);
	vmx_write(VMCS_EXCEPTION_BITMAP, 0);
	return l2;
}

VMX_TEST(vmx_exit, far_jumps_and_calls_to_a_task_exit, 0)
{
	/* Expect: source and selector in the qualification, the length of the instruction. */
	EXPECT_EQ(l2_enter(l2_with_task(jump_to_task, 9)), EXIT_TASK_SWITCH);
	EXPECT_FIELD(EXIT_QUALIFICATION, TASK(TASK_JMP, TASK_TSS));
	EXPECT_INSN(jump_to_task);
	EXPECT_EQ(l2_enter(l2_with_task(call_task, 9)), EXIT_TASK_SWITCH);
	EXPECT_FIELD(EXIT_QUALIFICATION, TASK(TASK_CALL, TASK_TSS));
	EXPECT_INSN(call_task);
	EXPECT_EQ(vmx_read(VMCS_IDT_VECTORING_INFO) & INTR_INFO_VALID, 0);
}

VMX_TEST(vmx_exit, iret_to_a_task_exits, 0)
{
	/* Expect: IRET with NT set takes the back link of the TSS. */
	struct l2 *l2 = l2_with_task(iret_to_task, 0xb);
	u32 *tss = (u32 *)vmx_page();

	tss[0] = TASK_TSS;
	vmx_write(VMCS_GUEST_BASE_TR, (u64)tss);
	vmx_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | BIT(14));
	EXPECT_EQ(l2_enter(l2), EXIT_TASK_SWITCH);
	EXPECT_FIELD(EXIT_QUALIFICATION, TASK(TASK_IRET, TASK_TSS));
	EXPECT_FIELD(GUEST_RIP, (u64)iret_to_task);
}

VMX_TEST(vmx_exit, task_gates_exit_with_what_was_delivered, 0)
{
	/* Expect: a task gate as source, and the INT or the exception as IDT-vectoring
	 * information. */
	EXPECT_EQ(l2_enter(l2_with_task(int_to_task, 9)), EXIT_TASK_SWITCH);
	EXPECT_FIELD(EXIT_QUALIFICATION, TASK(TASK_GATE, TASK_TSS));
	EXPECT_FIELD(IDT_VECTORING_INFO, EXCEPTION_INFO(INTR_SOFTWARE_INTERRUPT, 0x21));
	EXPECT_INSN(int_to_task);
	EXPECT_EQ(l2_enter(l2_with_task(fault_to_task, 9)), EXIT_TASK_SWITCH);
	EXPECT_FIELD(EXIT_QUALIFICATION, TASK(TASK_GATE, TASK_TSS));
	EXPECT_FIELD(IDT_VECTORING_INFO, FAULT_INFO(VECTOR_UD));
	EXPECT_FIELD(GUEST_RIP, (u64)fault_to_task);
}
