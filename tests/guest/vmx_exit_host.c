/* SPDX-License-Identifier: MIT */
/* What an exit loads into L1 (SDM "Loading Host State"): looked at before L1 changes anything. */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "hv/descriptors.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_l2.h"
#include "tests/guest/lib/vmx_observe.h"

#define SYSTEM_FLAGS (RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_AC | 3u << 12 | RFLAGS_VM)

/* L2 changes what the exit has to put right: 38h is SMALL_READ_ONLY, 43602h sets IF, DF, AC and
 * IOPL. */
L2_CODE(spoil, "mov $0x38, %eax; mov %ax, %ds; mov %ax, %es; mov %ax, %fs; mov %ax, %gs\n"
	       "xor %eax, %eax; lldt %ax; mov $0x700, %eax; mov %rax, %dr7\n"
	       "lgdt spoiled_table(%rip); lidt spoiled_table(%rip)\n"
	       "mov $0x123000, %esp; pushq $0x43602; popf");

extern const struct table_pointer spoiled_table;
const struct table_pointer spoiled_table = { 0x1ff, 0x5000 };

static struct observed seen;

/* The exit of an L2 that spoils what it can; its stack is a page of its own. */
static void observe_exit(void)
{
	memset(&seen, 0, sizeof(seen));
	EXPECT(vmx_observe(&seen));
	EXPECT_FIELD(EXIT_REASON, EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)spoil_end);
}

VMX_TEST(vmx_state, exit_loads_flags_stack_and_dr7, 0)
{
	/* Expect: no system flag is set, RSP is the host's, DR7 is 400h. */
	l2_new(spoil);
	observe_exit();
	EXPECT_EQ(seen.rflags & SYSTEM_FLAGS, 0);
	EXPECT_EQ(seen.rflags & RFLAGS_FIXED, RFLAGS_FIXED);
	EXPECT_EQ(seen.rsp, seen.wanted_rsp);
	EXPECT_EQ(seen.dr7, DR7_AT_RESET);
}

VMX_TEST(vmx_state, exit_loads_descriptor_tables, 0)
{
	/* Expect: the host's bases, and limits of FFFFh. */
	l2_new(spoil);
	observe_exit();
	EXPECT_EQ(seen.gdtr.base, descriptor_gdt_pointer.base);
	EXPECT_EQ(seen.gdtr.limit, 0xffff);
	EXPECT_EQ(seen.idtr.base, descriptor_idt_pointer.base);
	EXPECT_EQ(seen.idtr.limit, 0xffff);
}

VMX_TEST(vmx_state, exit_loads_selectors, 0)
{
	/* Expect: the host's selectors, null ones too; LDTR is null. */
	l2_new(spoil);
	vmx_write(VMCS_HOST_SEL_DS, USER_CS & ~3u);
	vmx_write(VMCS_HOST_SEL_ES, 0);
	vmx_write(VMCS_HOST_SEL_GS, CODE16);
	observe_exit();
	EXPECT_EQ(seen.cs, KERNEL_CS);
	EXPECT_EQ(seen.ss, KERNEL_DS);
	EXPECT_EQ(seen.ds, USER_CS & ~3u);
	EXPECT_EQ(seen.es, 0);
	EXPECT_EQ(seen.fs, 0);
	EXPECT_EQ(seen.gs, CODE16);
	EXPECT_EQ(seen.ldtr, 0);
	EXPECT_EQ(seen.tr, TSS_SELECTOR);
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %1, %%fs; mov %1, %%gs" ::"r"(KERNEL_DS),
			 "r"(0));
}

VMX_TEST(vmx_state, exit_loads_segment_bases, 0)
{
	/* Expect: FS and GS base are the host fields', beside selectors that would give 0. */
	u64 fs = rdmsr(MSR_IA32_FS_BASE), gs = rdmsr(MSR_IA32_GS_BASE);

	l2_new(spoil);
	vmx_write(VMCS_HOST_SEL_FS, KERNEL_DS);
	vmx_write(VMCS_HOST_BASE_FS, 0xffff800000abc000);
	vmx_write(VMCS_HOST_BASE_GS, 0x7fff12345678);
	observe_exit();
	EXPECT_EQ(seen.fs, KERNEL_DS);
	EXPECT_EQ(rdmsr(MSR_IA32_FS_BASE), 0xffff800000abc000);
	EXPECT_EQ(rdmsr(MSR_IA32_GS_BASE), 0x7fff12345678);
	__asm__ volatile("mov %0, %%fs; mov %0, %%gs" ::"r"(0));
	wrmsr(MSR_IA32_FS_BASE, fs);
	wrmsr(MSR_IA32_GS_BASE, gs);
}

static u64 handler_rsp;

static bool note_rsp(struct trap_frame *frame)
{
	handler_rsp = (u64)frame;
	return true;
}

VMX_TEST(vmx_state, exit_loads_the_task_register, 0)
{
	/* Expect: the TSS at the host's TR base serves the next trap: its interrupt stack, not that
	 * of the TSS which the GDT names. */
	struct tss *tss = (struct tss *)vmx_page();
	u64 stack = vmx_page();

	l2_new(spoil);
	tss->ist[0] = stack + PAGE_SIZE;
	tss->io_bitmap = sizeof(*tss);
	vmx_write(VMCS_HOST_BASE_TR, (u64)tss);
	observe_exit();
	descriptor_use_nmi_stack(VECTOR_BP, true);
	trap_set_handler(VECTOR_BP, note_rsp);
	__asm__ volatile("int3" ::: "memory");
	trap_set_handler(VECTOR_BP, NULL);
	descriptor_use_nmi_stack(VECTOR_BP, false);
	descriptors_load(0);
	EXPECT(handler_rsp >= stack && handler_rsp < stack + PAGE_SIZE);
}

VMX_TEST(vmx_state, exit_loads_control_registers, 0)
{
	/* Expect: the host's CR0, CR3 and CR4, unlike those that L1 had and L2 has. */
	u64 cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();
	u64 *copy = (u64 *)vmx_page();

	memcpy(copy, (const void *)(cr3 & PTE_ADDRESS), PAGE_SIZE);
	l2_new(spoil);
	vmx_write(VMCS_HOST_CR0, cr0 | CR0_TS | CR0_AM);
	vmx_write(VMCS_HOST_CR3, (u64)copy);
	vmx_write(VMCS_HOST_CR4, cr4 | CR4_DE | CR4_TSD);
	observe_exit();
	EXPECT_EQ(read_cr0(), cr0 | CR0_TS | CR0_AM);
	EXPECT_EQ(read_cr3(), (u64)copy);
	EXPECT_EQ(read_cr4(), cr4 | CR4_DE | CR4_TSD);
	write_cr0(cr0);
	write_cr3(cr3);
	write_cr4(cr4);
}

VMX_TEST(vmx_state, exit_loads_sysenter_msrs, 0)
{
	/* Expect: the host fields' values. */
	u64 cs = rdmsr(MSR_IA32_SYSENTER_CS), esp = rdmsr(MSR_IA32_SYSENTER_ESP);
	u64 eip = rdmsr(MSR_IA32_SYSENTER_EIP);

	l2_new(spoil);
	vmx_write(VMCS_HOST_SYSENTER_CS, 0x18);
	vmx_write(VMCS_HOST_SYSENTER_ESP, 0xffff800000111000);
	vmx_write(VMCS_HOST_SYSENTER_EIP, 0x222000);
	observe_exit();
	EXPECT_EQ(rdmsr(MSR_IA32_SYSENTER_CS), 0x18);
	EXPECT_EQ(rdmsr(MSR_IA32_SYSENTER_ESP), 0xffff800000111000);
	EXPECT_EQ(rdmsr(MSR_IA32_SYSENTER_EIP), 0x222000);
	wrmsr(MSR_IA32_SYSENTER_CS, cs);
	wrmsr(MSR_IA32_SYSENTER_ESP, esp);
	wrmsr(MSR_IA32_SYSENTER_EIP, eip);
}

VMX_TEST(vmx_state, exit_loads_efer_and_pat, 0)
{
	/* Expect: the host fields' values with their controls. */
	u64 efer = rdmsr(MSR_IA32_EFER), pat = rdmsr(MSR_IA32_PAT);

	NEEDS_CONTROL(CONTROL_SET_EXIT, EXIT_CTL_LOAD_EFER | EXIT_CTL_LOAD_PAT);
	l2_new(spoil);
	control_on(CONTROL_SET_EXIT, EXIT_CTL_LOAD_EFER | EXIT_CTL_LOAD_PAT);
	vmx_write(VMCS_HOST_EFER, efer ^ EFER_SCE);
	vmx_write(VMCS_HOST_PAT, 0x0007040600070406ULL);
	observe_exit();
	EXPECT_EQ(rdmsr(MSR_IA32_EFER), efer ^ EFER_SCE);
	EXPECT_EQ(rdmsr(MSR_IA32_PAT), 0x0007040600070406ULL);
	wrmsr(MSR_IA32_EFER, efer);
	wrmsr(MSR_IA32_PAT, pat);
}

VMX_TEST(vmx_state, exit_state_does_not_stay_in_the_vmcs, 0)
{
	/* Expect: what L1 changes between two exits (data segments, DR7, CR0.TS) is as the host
	 * fields say after each of them. */
	u64 cr0 = read_cr0();
	struct l2 *l2 = l2_new(spoil_end);

	for (u32 i = 0; i < 3; i++) {
		u32 ds, es;

		__asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"(SMALL_READ_ONLY));
		write_dr7(0x700);
		write_cr0(cr0 | CR0_TS);
		EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
		__asm__ volatile("mov %%ds, %0; mov %%es, %1" : "=r"(ds), "=r"(es));
		EXPECT_EQ(ds, KERNEL_DS);
		EXPECT_EQ(es, KERNEL_DS);
		EXPECT_EQ(read_dr7(), DR7_AT_RESET);
		EXPECT_EQ(read_cr0(), cr0);
	}
}
