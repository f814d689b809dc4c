/* SPDX-License-Identifier: MIT */
/* Exceptions of an L2: the exception bitmap, #PF's mask and match, what the exits tell and what
 * they leave alone; triple faults; and privilege, which comes before most exits. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_l2_access.h"
#include "vmx/access_rights.h"

#define UNMAPPED (PAGING_TEST_VA + 0x123456000ULL)

L2_CODE(ud2_insn, "ud2");
L2_CODE(int3_insn, "int3");
L2_CODE(int_3, ".byte 0xcd, 3");
L2_CODE(icebp_insn, ".byte 0xf1");
L2_CODE(int_80, "int $0x80");
L2_CODE(div_insn, "div %cl");
L2_CODE(load_ds, "mov %ax, %ds");
L2_CODE(fetch_insn, "jmp *%rdi");
L2_CODE(read_non_canonical, "mov (%rbx), %rax");

static void expect_exception(u32 info)
{
	EXPECT_FIELD(EXIT_INTR_INFO, info);
	EXPECT_EQ(vmx_read(VMCS_IDT_VECTORING_INFO) & INTR_INFO_VALID, 0);
}

VMX_TEST(vmx_exit, ud_exits_by_its_bit, 0)
{
	/* Expect: a hardware exception without an error code, RIP at the instruction. */
	EXPECT_EQ(l2_enter(l2_new(ud2_insn)), EXIT_EXCEPTION_NMI);
	expect_exception(FAULT_INFO(VECTOR_UD));
	EXPECT_FIELD(GUEST_RIP, (u64)ud2_insn);
	EXPECT_FIELD(EXIT_QUALIFICATION, 0);
}

/* L2 as a function that notes the trap it gets through the IDT it shares with L1. */
static struct trap l2_trap;
static const char *l2_traps_at;

static void trap_in_l2(void)
{
	l2_trap = TRAP_OF(
		__asm__ volatile("xor %%ecx, %%ecx; jmp *%0" ::"r"(l2_traps_at), "D"(UNMAPPED)
				 : "rax", "rcx", "memory"));
	vmcall_for_ever();
}

static void expect_delivered(const char *code, u64 vector, u64 error)
{
	struct l2 *l2;

	l2_traps_at = code;
	l2_trap = (struct trap){ 0 };
	l2 = l2_new((const void *)(u64)trap_in_l2);
	vmx_write(VMCS_EXCEPTION_BITMAP, ~(1u << vector));
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2_trap.vector, vector);
	EXPECT_EQ(l2_trap.error, error);
	EXPECT_EQ(l2_trap.rip, (u64)code);
}

VMX_TEST(vmx_exit, exceptions_that_l1_does_not_want_reach_l2, 0)
{
	/* Expect: #UD, #DE and #PF come to L2's handler, with error code and CR2. */
	expect_delivered(ud2_insn, VECTOR_UD, 0);
	expect_delivered(div_insn, VECTOR_DE, 0);
	expect_delivered(write_insn, VECTOR_PF, PF_WRITE);
	EXPECT_EQ(l2_trap.cr2, UNMAPPED);
}

VMX_TEST(vmx_exit, int3_is_a_software_exception, 0)
{
	/* Expect: type 6, length 1, RIP at the INT3. */
	EXPECT_EQ(l2_enter(l2_new(int3_insn)), EXIT_EXCEPTION_NMI);
	expect_exception(EXCEPTION_INFO(INTR_SOFTWARE_EXCEPTION, VECTOR_BP));
	EXPECT_INSN(int3_insn);
}

VMX_TEST(vmx_exit, icebp_is_a_privileged_software_exception, 0)
{
	/* Expect: type 5, vector 1, length 1. */
	EXPECT_EQ(l2_enter(l2_new(icebp_insn)), EXIT_EXCEPTION_NMI);
	expect_exception(EXCEPTION_INFO(INTR_PRIVILEGED_SOFTWARE, VECTOR_DB));
	EXPECT_INSN(icebp_insn);
}

static u32 l2_interrupts;

static bool count_in_l2(struct trap_frame *frame)
{
	(void)frame;
	l2_interrupts++;
	return true;
}

VMX_TEST(vmx_exit, software_interrupts_do_not_exit, 0)
{
	/* Expect: INT 80h, and INT with #BP's vector, whose bit is set: both are delivered. */
	l2_interrupts = 0;
	trap_set_handler(USER_INTERRUPT, count_in_l2);
	trap_set_handler(VECTOR_BP, count_in_l2);
	EXPECT_EQ(l2_enter(l2_new(int_80)), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)int_80_end);
	EXPECT_EQ(l2_enter(l2_new(int_3)), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)int_3_end);
	EXPECT_EQ(l2_interrupts, 2);
	trap_set_handler(USER_INTERRUPT, NULL);
	trap_set_handler(VECTOR_BP, NULL);
}

VMX_TEST(vmx_exit, faults_tell_their_error_code, 0)
{
	/* Expect: #NP and #GP with the selector, #GP(0) of a non-canonical address. */
	struct l2 *l2 = l2_new(load_ds);

	l2->regs[RAX] = NOT_PRESENT;
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	expect_exception(FAULT_INFO(VECTOR_NP) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(EXIT_INTR_ERROR, NOT_PRESENT);
	l2 = l2_new(load_ds);
	l2->regs[RAX] = 0xfff8;
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	expect_exception(FAULT_INFO(VECTOR_GP) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(EXIT_INTR_ERROR, 0xfff8);
	l2 = l2_new(read_non_canonical);
	l2->regs[RBX] = NON_CANONICAL;
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	expect_exception(FAULT_INFO(VECTOR_GP) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(EXIT_INTR_ERROR, 0);
}

/* --- page faults --- */
VMX_TEST(vmx_exit, page_fault_tells_address_and_kind, 0)
{
	/* Expect: the linear address as qualification, the error code; CR2 is not written. */
	static const struct {
		const char *code;
		u32 error;
	} rows[] = { { read_insn, 0 }, { write_insn, PF_WRITE }, { fetch_insn, PF_FETCH } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct l2 *l2 = l2_new(rows[i].code);
		u32 error = rows[i].error;

		if (error == PF_FETCH && !(rdmsr(MSR_IA32_EFER) & EFER_NXE))
			error = 0;
		l2->regs[RDI] = UNMAPPED + 0x10 * i;
		write_cr2(0xc0ffee);
		EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
		expect_exception(FAULT_INFO(VECTOR_PF) | INTR_INFO_ERROR_CODE);
		EXPECT_FIELD(EXIT_INTR_ERROR, error);
		EXPECT_FIELD(EXIT_QUALIFICATION, UNMAPPED + 0x10 * i);
		EXPECT_EQ(read_cr2(), 0xc0ffee);
	}
}

struct pf_case {
	u32 mask, match;
	bool bit;
	bool exits; /* of a write to a page that is not present: error code 2 */
};

static const struct pf_case pf_cases[] = {
	{ 0, 0, true, true },
	{ PF_WRITE, PF_WRITE, true, true },
	{ PF_WRITE, 0, true, false },
	{ PF_PRESENT | PF_WRITE, PF_WRITE, true, true },
	{ 0, 1, true, false },
	{ PF_PRESENT, PF_PRESENT, true, false },
	{ ~0u, PF_WRITE, true, true },
	{ 0, 0, false, false },
	{ PF_WRITE, PF_WRITE, false, false },
	{ PF_WRITE, 0, false, true },
	{ 0, 1, false, true },
	{ PF_PRESENT, 0, false, false },
};

static void note_fault_in_l2(void)
{
	l2_trap = TRAP_OF(*(volatile u64 *)UNMAPPED = 1);
	vmcall_for_ever();
}

VMX_TEST(vmx_exit, page_fault_mask_and_match_turn_the_bit, 0)
{
	/* Expect: an exit if the error code matches and the bit is 1, or does not and it is 0. */
	for (size_t i = 0; i < ARRAY_SIZE(pf_cases); i++) {
		const struct pf_case *c = &pf_cases[i];
		struct l2 *l2 = l2_new((const void *)(u64)note_fault_in_l2);

		l2_trap.vector = TRAP_NONE;
		vmx_write(VMCS_EXCEPTION_BITMAP, c->bit ? 1u << VECTOR_PF : 0);
		vmx_write(VMCS_PF_ERROR_MASK, c->mask);
		vmx_write(VMCS_PF_ERROR_MATCH, c->match);
		EXPECT_EQ(l2_enter(l2), c->exits ? EXIT_EXCEPTION_NMI : EXIT_VMCALL);
		EXPECT_EQ(l2_trap.vector, c->exits ? TRAP_NONE : (u64)VECTOR_PF);
		if (c->exits) /* the trap point that L2 armed on this CPU */
			trap_disarm();
	}
}

/* --- debug exceptions --- */
L2_CODE(nop_insn, "nop");
L2_CODE(mov_dr_insn, "mov %dr0, %rax");

VMX_TEST(vmx_exit, single_step_exits_with_bs, 0)
{
	/* Expect: #DB after one instruction, BS in the qualification, DR6 not written. */
	struct l2 *l2 = l2_new(nop_insn);

	write_dr6(DR6_AT_RESET);
	vmx_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_TF);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	expect_exception(FAULT_INFO(VECTOR_DB));
	EXPECT_FIELD(EXIT_QUALIFICATION, DEBUG_SINGLE_STEP);
	EXPECT_FIELD(GUEST_RIP, (u64)nop_insn_end);
	EXPECT_EQ(read_dr6(), DR6_AT_RESET);
	EXPECT_FIELD(GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_TF);
}

VMX_TEST(vmx_exit, breakpoints_exit_with_their_number, 0)
{
	/* Expect: data breakpoint 1 after the write, instruction breakpoint 0 before its. */
	struct l2 *l2 = l2_new(write_insn);
	u64 page = vmx_page();

	write_dr6(DR6_AT_RESET);
	write_breakpoint_address(1, page);
	l2->regs[RDI] = page;
	vmx_write(VMCS_GUEST_DR7, DR7_AT_RESET | BIT(2) | 1ULL << 20 | 2ULL << 22);
	control_on(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_DEBUG);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	expect_exception(FAULT_INFO(VECTOR_DB));
	EXPECT_FIELD(EXIT_QUALIFICATION, BIT(1));
	EXPECT_FIELD(GUEST_RIP, (u64)write_insn_end);
	l2 = l2_new(nop_insn);
	write_breakpoint_address(0, (u64)nop_insn);
	vmx_write(VMCS_GUEST_DR7, DR7_AT_RESET | BIT(0));
	control_on(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_DEBUG);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_QUALIFICATION, BIT(0));
	EXPECT_FIELD(GUEST_RIP, (u64)nop_insn);
	EXPECT_EQ(read_dr6(), DR6_AT_RESET);
}

VMX_TEST(vmx_exit, general_detect_exits_with_bd, 0)
{
	/* Expect: BD in the qualification; DR7.GD is as it was in L2's field. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_EXIT, EXIT_CTL_SAVE_DEBUG);
	l2 = l2_new(mov_dr_insn);
	control_on(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_DEBUG);
	control_on(CONTROL_SET_EXIT, EXIT_CTL_SAVE_DEBUG);
	vmx_write(VMCS_GUEST_DR7, DR7_AT_RESET | DR7_GENERAL_DETECT);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	expect_exception(FAULT_INFO(VECTOR_DB));
	EXPECT_FIELD(EXIT_QUALIFICATION, DEBUG_REGISTER_ACCESS);
	EXPECT_FIELD(GUEST_RIP, (u64)mov_dr_insn);
	EXPECT_FIELD(GUEST_DR7, DR7_AT_RESET | DR7_GENERAL_DETECT);
}

/* --- the end of an L2 --- */
VMX_TEST(vmx_exit, triple_fault_ends_l2_only, 0)
{
	/* Expect: exit 2 when L2 cannot deliver a fault; L1 and another L2 go on. */
	struct l2 *l2 = l2_new(ud2_insn);

	vmx_write(VMCS_EXCEPTION_BITMAP, 0);
	vmx_write(VMCS_GUEST_LIMIT_IDTR, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_TRIPLE_FAULT);
	EXPECT_FIELD(GUEST_RIP, (u64)ud2_insn);
	EXPECT_EQ(l2_enter(l2_new(nop_insn)), EXIT_VMCALL);
	EXPECT_EQ(TRAP_OF(__asm__ volatile("ud2")).vector, VECTOR_UD);
}

VMX_TEST(vmx_exit, double_fault_exits_by_its_bit, 0)
{
	/* Expect: a #DF whose bit is set is no triple fault: it exits, with error code 0. */
	struct l2 *l2 = l2_new(ud2_insn);

	(void)l2;
	vmx_write(VMCS_EXCEPTION_BITMAP, 1u << VECTOR_DF);
	vmx_write(VMCS_GUEST_LIMIT_IDTR, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_DF) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(EXIT_INTR_ERROR, 0);
}

/* --- ring 3 --- */
L2_CODE(user_cpuid_insn, "cpuid");
L2_CODE(user_hlt_insn, "hlt");
L2_CODE(user_rdmsr_insn, "rdmsr");
L2_CODE(user_read_cr3, "mov %cr3, %rax");
L2_CODE(user_invlpg_insn, "invlpg (%rdi)");
L2_CODE(user_in, "in $0x80, %al");
L2_CODE(user_rdtsc_insn, "rdtsc");
L2_CODE(user_vmxoff_insn, "vmxoff");
L2_CODE(user_vmcall_insn, "vmcall");
L2_CODE(user_wbinvd_insn, "wbinvd");
L2_CODE(user_mov_dr_insn, "mov %dr0, %rax");
L2_CODE(user_vmread_insn, "vmread %rax, %rbx");

/* In ring 3, with all that could exit exiting. */
static void expect_in_ring_3(const char *code, u64 cr4, u32 reason)
{
	struct l2 *l2 = l2_new(code);
	u64 *leaf = paging_leaf((u64)code), before = *leaf;
	u32 exiting = CPU_HLT_EXITING | CPU_INVLPG_EXITING | CPU_RDTSC_EXITING | CPU_UNCOND_IO |
		      CPU_CR3_STORE_EXITING | CPU_MOV_DR_EXITING;

	control_on(CONTROL_SET_CPU, exiting & (u32)(vmx_capabilities(CONTROL_SET_CPU) >> 32));
	control_off(CONTROL_SET_CPU, CPU_MSR_BITMAPS);
	vmx_change(VMCS_GUEST_CR4, cr4, 0);
	vmx_write(VMCS_GUEST_SEL_CS, USER_CS);
	vmx_write(VMCS_GUEST_SEL_SS, USER_DS);
	vmx_change(VMCS_GUEST_AR_CS, 3u << 5, 0);
	vmx_change(VMCS_GUEST_AR_SS, 3u << 5, 0);
	paging_set(leaf, (u64)code, before | PTE_USER);
	EXPECT_EQ(l2_enter(l2), reason);
	paging_set(leaf, (u64)code, before);
	EXPECT_FIELD(GUEST_RIP, (u64)code);
	if (reason == EXIT_EXCEPTION_NMI)
		EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_GP) | INTR_INFO_ERROR_CODE);
}

VMX_TEST(vmx_exit, privilege_faults_come_before_exits, 0)
{
	/* Expect: in ring 3, #GP of HLT, RDMSR, MOV CR, INVLPG, WBINVD, IN without permission, and
	 * RDTSC under CR4.TSD, though each would exit in ring 0. */
	expect_in_ring_3(user_hlt_insn, 0, EXIT_EXCEPTION_NMI);
	expect_in_ring_3(user_rdmsr_insn, 0, EXIT_EXCEPTION_NMI);
	expect_in_ring_3(user_read_cr3, 0, EXIT_EXCEPTION_NMI);
	expect_in_ring_3(user_invlpg_insn, 0, EXIT_EXCEPTION_NMI);
	expect_in_ring_3(user_wbinvd_insn, 0, EXIT_EXCEPTION_NMI);
	expect_in_ring_3(user_in, 0, EXIT_EXCEPTION_NMI);
	expect_in_ring_3(user_rdtsc_insn, CR4_TSD, EXIT_EXCEPTION_NMI);
}

VMX_TEST(vmx_exit, some_exits_come_before_privilege, 0)
{
	/* Expect: in ring 3, exits of CPUID, VMCALL, VMXOFF, VMREAD, and RDTSC that CR4 allows. */
	expect_in_ring_3(user_cpuid_insn, 0, EXIT_CPUID);
	expect_in_ring_3(user_vmcall_insn, 0, EXIT_VMCALL);
	expect_in_ring_3(user_vmxoff_insn, 0, EXIT_VMXOFF);
	expect_in_ring_3(user_vmread_insn, 0, EXIT_VMREAD);
	expect_in_ring_3(user_rdtsc_insn, 0, EXIT_RDTSC);
}

VMX_TEST(vmx_exit, mov_dr_in_ring_3_exits, 0)
{
	/* Expect: MOV-DR exits take priority over the #GP of privilege. */
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MOV_DR_EXITING);
	expect_in_ring_3(user_mov_dr_insn, 0, EXIT_MOV_DR);
}
