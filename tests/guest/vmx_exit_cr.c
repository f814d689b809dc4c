/* SPDX-License-Identifier: MIT */
/* Control registers and debug registers in an L2: masks and shadows, CR3-target values, and what
 * the exits tell (SDM "Exit Qualification for Control-Register Accesses"). */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/vmx_l2.h"
#include "vmx/qualification.h"

#define CR_QUALIFICATION(cr, type, gpr) ((cr) | (u32)(type) << 4 | (u32)(gpr) << 8)
#define LMSW_QUALIFICATION(source)      ((u32)CR_LMSW << 4 | (u32)(source) << 16)
#define LMSW_MEMORY                     (1u << 6)
#define DR_FROM                         (1u << 4)
#define DR_QUALIFICATION(dr, gpr)       ((dr) | (u32)(gpr) << 8)

L2_CODE(read_cr0_insn, "mov %cr0, %rax");
L2_CODE(smsw_insn, "smsw %rax");
L2_CODE(write_cr0_insn, "mov %rbx, %cr0");
L2_CODE(clts_insn, "clts");
L2_CODE(lmsw_insn, "lmsw %bx");
L2_CODE(lmsw_memory, "lmsw (%rdi)");
L2_CODE(read_cr4_insn, "mov %cr4, %rax");
L2_CODE(write_cr4_insn, "mov %rbx, %cr4");
L2_CODE(write_cr3_insn, "mov %rbx, %cr3");
L2_CODE(write_cr3_r13, "mov %r13, %cr3");
L2_CODE(read_cr3_r11, "mov %cr3, %r11");
L2_CODE(write_cr8_r15, "mov %r15, %cr8");
L2_CODE(read_cr8_r9, "mov %cr8, %r9");

static struct l2 *l2_with_cr0(const char *code, u64 mask, u64 shadow)
{
	struct l2 *l2 = l2_new(code);

	vmx_write(VMCS_CR0_MASK, mask);
	vmx_write(VMCS_CR0_SHADOW, shadow);
	return l2;
}

VMX_TEST(vmx_exit, cr0_reads_as_shadow_where_masked, 0)
{
	/* Expect: masked bits from the shadow, others from CR0; for MOV and for SMSW. */
	u64 mask = CR0_TS | CR0_AM | CR0_CD | CR0_PG, shadow = CR0_TS | CR0_CD;
	struct l2 *l2 = l2_with_cr0(read_cr0_insn, mask, shadow);
	u64 wanted = (vmx_read(VMCS_GUEST_CR0) & ~mask) | shadow;

	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], wanted);
	l2 = l2_with_cr0(smsw_insn, mask, shadow);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], wanted);
}

VMX_TEST(vmx_exit, cr0_write_as_the_shadow_runs, 0)
{
	/* Expect: masked bits keep their real values, the others change, no exit. */
	struct l2 *l2 = l2_with_cr0(write_cr0_insn, CR0_TS | CR0_MP, CR0_TS);
	u64 cr0 = vmx_read(VMCS_GUEST_CR0);

	l2->regs[RBX] = (cr0 | CR0_AM | CR0_TS) & ~(u64)CR0_MP;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)write_cr0_insn_end);
	EXPECT_FIELD(GUEST_CR0, cr0 | CR0_AM);
	EXPECT_FIELD(CR0_SHADOW, CR0_TS);
}

VMX_TEST(vmx_exit, cr0_write_unlike_the_shadow_exits, 0)
{
	/* Expect: an exit that names the register; CR0 and shadow are as they were. */
	struct l2 *l2 = l2_with_cr0(write_cr0_insn, CR0_TS, CR0_TS);
	u64 cr0 = vmx_read(VMCS_GUEST_CR0);

	l2->regs[RBX] = cr0 & ~(u64)CR0_TS;
	EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
	EXPECT_INSN(write_cr0_insn);
	EXPECT_FIELD(EXIT_QUALIFICATION, CR_QUALIFICATION(0, CR_MOV_TO, RBX));
	EXPECT_FIELD(GUEST_CR0, cr0);
	EXPECT_FIELD(CR0_SHADOW, CR0_TS);
}

VMX_TEST(vmx_exit, cr0_write_of_unmasked_bits_runs, 0)
{
	/* Expect: L2 sets and clears bits that L1 does not own. */
	struct l2 *l2 = l2_with_cr0(write_cr0_insn, 0, 0);
	u64 cr0 = vmx_read(VMCS_GUEST_CR0);

	l2->regs[RBX] = cr0 ^ (CR0_TS | CR0_AM | CR0_WP);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_CR0, cr0 ^ (CR0_TS | CR0_AM | CR0_WP));
	EXPECT_EQ(read_cr0() & CR0_TS, 0);
}

/* MOV to or from a control or debug register, with each general register. */
static u64 mov_code(u8 opcode, u8 number, u8 gpr)
{
	u8 *code = (u8 *)vmx_page();

	code[0] = (u8)(0x40 | (gpr >= 8) | (number >= 8) << 2);
	code[1] = 0x0f;
	code[2] = opcode;
	code[3] = (u8)(0xc0 | (number & 7) << 3 | (gpr & 7));
	code[4] = 0x0f; /* VMCALL */
	code[5] = 0x01;
	code[6] = 0xc1;
	return (u64)code;
}

VMX_TEST(vmx_exit, cr_accesses_name_each_register, 0)
{
	/* Expect: all 16 general registers, RSP too, in the qualification, length 4. */
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING);
	for (u8 gpr = 0; gpr < 16; gpr++) {
		struct l2 *l2 = l2_new((void *)mov_code(0x22, 3, gpr));

		control_on(CONTROL_SET_CPU, CPU_CR3_LOAD_EXITING);
		EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
		EXPECT_FIELD(EXIT_QUALIFICATION, CR_QUALIFICATION(3, CR_MOV_TO, gpr));
		EXPECT_FIELD(EXIT_INSN_LEN, 4);
		l2 = l2_new((void *)mov_code(0x20, 3, gpr));
		control_on(CONTROL_SET_CPU, CPU_CR3_STORE_EXITING);
		EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
		EXPECT_FIELD(EXIT_QUALIFICATION, CR_QUALIFICATION(3, CR_MOV_FROM, gpr));
	}
}

VMX_TEST(vmx_exit, dr_accesses_name_each_register, 0)
{
	/* Expect: each debug register, both ways, each with another general register. */
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MOV_DR_EXITING);
	for (u8 dr = 0; dr < 8; dr++) {
		u8 gpr = (u8)(15 - dr);
		struct l2 *l2 = l2_new((void *)mov_code(0x23, dr, gpr));

		control_on(CONTROL_SET_CPU, CPU_MOV_DR_EXITING);
		EXPECT_EQ(l2_enter(l2), EXIT_MOV_DR);
		EXPECT_FIELD(EXIT_QUALIFICATION, DR_QUALIFICATION(dr, gpr));
		l2 = l2_new((void *)mov_code(0x21, dr, dr));
		control_on(CONTROL_SET_CPU, CPU_MOV_DR_EXITING);
		EXPECT_EQ(l2_enter(l2), EXIT_MOV_DR);
		EXPECT_FIELD(EXIT_QUALIFICATION, DR_QUALIFICATION(dr, dr) | DR_FROM);
	}
}

VMX_TEST(vmx_exit, dr4_exits_before_it_is_undefined, 0)
{
	/* Expect: with CR4.DE, MOV DR4 exits when asked, and is #UD when not. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_MOV_DR_EXITING);
	l2 = l2_new((void *)mov_code(0x21, 4, RAX));
	vmx_change(VMCS_GUEST_CR4, CR4_DE, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_UD));
	control_on(CONTROL_SET_CPU, CPU_MOV_DR_EXITING);
	EXPECT_EQ(l2_enter(l2), EXIT_MOV_DR);
}

VMX_TEST(vmx_exit, clts_exits_when_l1_owns_a_set_ts, 0)
{
	/* Expect: an exit only if TS is masked and the shadow has it; TS is unchanged. */
	struct l2 *l2 = l2_with_cr0(clts_insn, CR0_TS, CR0_TS);

	vmx_change(VMCS_GUEST_CR0, CR0_TS, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
	EXPECT_INSN(clts_insn);
	EXPECT_FIELD(EXIT_QUALIFICATION, CR_QUALIFICATION(0, CR_CLTS, 0));
	EXPECT_EQ(vmx_read(VMCS_GUEST_CR0) & CR0_TS, CR0_TS);
}

VMX_TEST(vmx_exit, clts_does_nothing_when_l1_owns_a_clear_ts, 0)
{
	/* Expect: no exit, and CR0.TS stays set. */
	struct l2 *l2 = l2_with_cr0(clts_insn, CR0_TS, 0);

	vmx_change(VMCS_GUEST_CR0, CR0_TS, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(vmx_read(VMCS_GUEST_CR0) & CR0_TS, CR0_TS);
}

VMX_TEST(vmx_exit, clts_clears_a_ts_that_l2_owns, 0)
{
	/* Expect: no exit, CR0.TS is 0, whatever the shadow says. */
	struct l2 *l2 = l2_with_cr0(clts_insn, 0, CR0_TS);

	vmx_change(VMCS_GUEST_CR0, CR0_TS, 0);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(vmx_read(VMCS_GUEST_CR0) & CR0_TS, 0);
}

VMX_TEST(vmx_exit, lmsw_exits_with_its_source, 0)
{
	/* Expect: the low 16 bits of the register in the qualification. */
	struct l2 *l2 = l2_with_cr0(lmsw_insn, CR0_TS, 0);

	l2->regs[RBX] = 0x5a000000fff9ULL | CR0_TS;
	EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
	EXPECT_INSN(lmsw_insn);
	EXPECT_FIELD(EXIT_QUALIFICATION, LMSW_QUALIFICATION(0xfff9));
}

VMX_TEST(vmx_exit, lmsw_from_memory_tells_the_address, 0)
{
	/* Expect: bit 6, the source, and the operand's guest-linear address. */
	struct l2 *l2 = l2_with_cr0(lmsw_memory, CR0_EM, 0);
	u64 page = vmx_page();

	l2->regs[RDI] = page + 0x123;
	*(u16 *)(page + 0x123) = 0x0017;
	EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
	EXPECT_INSN(lmsw_memory);
	EXPECT_FIELD(EXIT_QUALIFICATION, LMSW_QUALIFICATION(0x17) | LMSW_MEMORY);
	EXPECT_FIELD(GUEST_LINEAR_ADDR, page + 0x123);
}

VMX_TEST(vmx_exit, lmsw_of_other_bits_runs, 0)
{
	/* Expect: no exit where only unowned bits change; PE is never cleared, nor does a 0 for it
	 * exit. */
	struct l2 *l2 = l2_with_cr0(lmsw_insn, CR0_PE | CR0_MP, CR0_PE | CR0_MP);
	u64 cr0 = vmx_read(VMCS_GUEST_CR0);

	l2->regs[RBX] = CR0_MP | CR0_TS;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_CR0, (cr0 & ~(u64)(CR0_EM | CR0_TS)) | CR0_TS);
}

VMX_TEST(vmx_exit, lmsw_that_sets_an_owned_pe_exits, 0)
{
	/* Expect: an exit where the shadow has no PE and the source has. */
	struct l2 *l2 = l2_with_cr0(lmsw_insn, CR0_PE, 0);

	l2->regs[RBX] = CR0_PE;
	EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
	EXPECT_FIELD(EXIT_QUALIFICATION, LMSW_QUALIFICATION(CR0_PE));
}

static struct l2 *l2_with_cr4(const char *code, u64 mask, u64 shadow)
{
	struct l2 *l2 = l2_new(code);

	vmx_write(VMCS_CR4_MASK, mask);
	vmx_write(VMCS_CR4_SHADOW, shadow);
	return l2;
}

VMX_TEST(vmx_exit, cr4_reads_as_shadow_where_masked, 0)
{
	/* Expect: VMXE hidden, DE shown, the rest real. */
	struct l2 *l2 = l2_with_cr4(read_cr4_insn, CR4_VMXE | CR4_DE, CR4_DE);
	u64 cr4 = vmx_read(VMCS_GUEST_CR4);

	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], (cr4 & ~(u64)(CR4_VMXE | CR4_DE)) | CR4_DE);
}

VMX_TEST(vmx_exit, cr4_write_as_the_shadow_runs, 0)
{
	/* Expect: L2 writes CR4 as it sees it, VMXE 0, and DE of its own. */
	struct l2 *l2 = l2_with_cr4(write_cr4_insn, CR4_VMXE, 0);
	u64 cr4 = vmx_read(VMCS_GUEST_CR4);

	l2->regs[RBX] = (cr4 & ~(u64)CR4_VMXE) | CR4_DE;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_CR4, cr4 | CR4_DE);
	EXPECT_EQ(read_cr4() & CR4_DE, 0);
}

VMX_TEST(vmx_exit, cr4_write_unlike_the_shadow_exits, 0)
{
	/* Expect: an exit when L2 sets VMXE in its view. */
	struct l2 *l2 = l2_with_cr4(write_cr4_insn, CR4_VMXE, 0);
	u64 cr4 = vmx_read(VMCS_GUEST_CR4);

	l2->regs[RBX] = cr4;
	EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
	EXPECT_INSN(write_cr4_insn);
	EXPECT_FIELD(EXIT_QUALIFICATION, CR_QUALIFICATION(4, CR_MOV_TO, RBX));
	EXPECT_FIELD(GUEST_CR4, cr4);
}

static void expect_gp(struct l2 *l2)
{
	EXPECT_EQ(l2_enter(l2), EXIT_EXCEPTION_NMI);
	EXPECT_FIELD(EXIT_INTR_INFO, FAULT_INFO(VECTOR_GP) | INTR_INFO_ERROR_CODE);
	EXPECT_FIELD(EXIT_INTR_ERROR, 0);
}

VMX_TEST(vmx_exit, l2_cannot_change_bits_that_vmx_fixes, 0)
{
	/* Expect: #GP when L2 clears CR0.NE or CR4.VMXE that nobody masks, as in VMX operation. */
	struct l2 *l2 = l2_new(write_cr4_insn);

	l2->regs[RBX] = vmx_read(VMCS_GUEST_CR4) & ~(u64)CR4_VMXE;
	expect_gp(l2);
	l2 = l2_new(write_cr0_insn);
	l2->regs[RBX] = vmx_read(VMCS_GUEST_CR0) & ~(u64)CR0_NE;
	expect_gp(l2);
}

VMX_TEST(vmx_exit, invalid_cr_writes_fault_in_l2, 0)
{
	/* Expect: #GP for a reserved bit of CR4, for NW without CD, for a CR3 too wide. */
	struct l2 *l2 = l2_new(write_cr4_insn);

	l2->regs[RBX] = vmx_read(VMCS_GUEST_CR4) | BIT(63);
	expect_gp(l2);
	l2 = l2_new(write_cr0_insn);
	l2->regs[RBX] = vmx_read(VMCS_GUEST_CR0) | CR0_NW;
	expect_gp(l2);
	l2 = l2_new(write_cr3_insn);
	l2->regs[RBX] = vmx_read(VMCS_GUEST_CR3) | BIT(physical_address_bits());
	expect_gp(l2);
}

/* --- CR3 and CR8 --- */
static u32 cr3_targets(void)
{
	return (u32)(rdmsr(MSR_IA32_VMX_MISC) >> 16 & 0x1ff);
}

/* Another page table with the same contents. */
static u64 other_cr3(void)
{
	u64 *copy = (u64 *)vmx_page(), *now = (u64 *)(read_cr3() & PTE_ADDRESS);

	for (u32 i = 0; i < 512; i++)
		copy[i] = now[i];
	return (u64)copy;
}

VMX_TEST(vmx_exit, cr3_target_values_do_not_exit, 0)
{
	/* Expect: a CR3 in the list is loaded without an exit, at each place in the list. */
	u64 other = other_cr3();

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_CR3_LOAD_EXITING);
	for (u32 i = 0; i < MIN(cr3_targets(), 4u); i++) {
		struct l2 *l2 = l2_new(write_cr3_insn);

		control_on(CONTROL_SET_CPU, CPU_CR3_LOAD_EXITING);
		vmx_write(VMCS_CR3_TARGET_COUNT, i + 1);
		for (u32 j = 0; j < 4; j++)
			vmx_write((enum vmcs_field)(VMCS_CR3_TARGET0 + 2 * j),
				  j == i ? other : ~0ULL);
		l2->regs[RBX] = other;
		EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
		EXPECT_FIELD(GUEST_CR3, other);
	}
}

VMX_TEST(vmx_exit, cr3_targets_beyond_the_count_do_not_count, 0)
{
	/* Expect: an exit; the second value is right, but the count is 1. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_CR3_LOAD_EXITING);
	l2 = l2_new(write_cr3_r13);
	control_on(CONTROL_SET_CPU, CPU_CR3_LOAD_EXITING);
	vmx_write(VMCS_CR3_TARGET_COUNT, MIN(1u, cr3_targets()));
	vmx_write(VMCS_CR3_TARGET0, 0);
	vmx_write(VMCS_CR3_TARGET1, read_cr3());
	l2->regs[R13] = read_cr3();
	EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
	EXPECT_INSN(write_cr3_r13);
	EXPECT_FIELD(EXIT_QUALIFICATION, CR_QUALIFICATION(3, CR_MOV_TO, R13));
}

VMX_TEST(vmx_exit, cr3_store_tells_its_register, 0)
{
	/* Expect: R11, which keeps its value; without the control it gets CR3. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_CR3_STORE_EXITING);
	l2 = l2_new(read_cr3_r11);
	control_on(CONTROL_SET_CPU, CPU_CR3_STORE_EXITING);
	l2->regs[R11] = 0x1111;
	EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
	EXPECT_FIELD(EXIT_QUALIFICATION, CR_QUALIFICATION(3, CR_MOV_FROM, R11));
	EXPECT_EQ(l2->regs[R11], 0x1111);
	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_CR3_STORE_EXITING);
	control_off(CONTROL_SET_CPU, CPU_CR3_STORE_EXITING);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[R11], read_cr3());
}

#define FAR_VA (PAGING_TEST_VA + 0x5000)

L2_CODE(switch_and_read, "mov %rbx, %cr3; mov (%rdi), %rax");

VMX_TEST(vmx_exit, cr3_load_changes_what_l2_sees, 0)
{
	/* Expect: after MOV to CR3 L2 reads through the new tables, without an exit. */
	u64 page = vmx_page(), other = other_cr3();
	struct l2 *l2;

	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_CR3_LOAD_EXITING);
	*(u64 *)page = 0x600d;
	paging_map(FAR_VA, page, PTE_PRESENT | PTE_WRITE);
	((u64 *)other)[FAR_VA >> 39 & 511] =
		((u64 *)(read_cr3() & PTE_ADDRESS))[FAR_VA >> 39 & 511];
	((u64 *)(read_cr3() & PTE_ADDRESS))[FAR_VA >> 39 & 511] &= ~PTE_PRESENT;
	l2 = l2_new(switch_and_read);
	l2->regs[RBX] = other;
	l2->regs[RDI] = FAR_VA;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], 0x600d);
	((u64 *)(read_cr3() & PTE_ADDRESS))[FAR_VA >> 39 & 511] |= PTE_PRESENT;
	paging_unmap(FAR_VA);
}

VMX_TEST(vmx_exit, cr8_accesses_tell_their_register, NEED_APIC)
{
	/* Expect: R15 and R9, nothing done. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING);
	l2 = l2_new(write_cr8_r15);
	control_on(CONTROL_SET_CPU, CPU_CR8_LOAD_EXITING);
	l2->regs[R15] = 9;
	EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
	EXPECT_FIELD(EXIT_QUALIFICATION, CR_QUALIFICATION(8, CR_MOV_TO, R15));
	EXPECT_EQ(read_cr8(), 0);
	l2 = l2_new(read_cr8_r9);
	control_on(CONTROL_SET_CPU, CPU_CR8_STORE_EXITING);
	l2->regs[R9] = 0x99;
	EXPECT_EQ(l2_enter(l2), EXIT_CR_ACCESS);
	EXPECT_FIELD(EXIT_QUALIFICATION, CR_QUALIFICATION(8, CR_MOV_FROM, R9));
	EXPECT_EQ(l2->regs[R9], 0x99);
}

VMX_TEST(vmx_exit, cr8_is_the_task_priority_of_both, NEED_APIC)
{
	/* Expect: without exits, L2 writes what L1 then reads, and the other way round. */
	struct l2 *l2;

	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING);
	l2 = l2_new(write_cr8_r15);
	l2->regs[R15] = 9;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(read_cr8(), 9);
	write_cr8(5);
	l2 = l2_new(read_cr8_r9);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[R9], 5);
	write_cr8(0);
}

L2_CODE(use_drs, "mov %rbx, %dr1; mov %dr2, %rax");

VMX_TEST(vmx_exit, debug_addresses_are_shared_with_l2, 0)
{
	/* Expect: DR0 to DR3 are not switched: L1 reads what L2 wrote, L2 what L1 wrote. */
	struct l2 *l2;

	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_MOV_DR_EXITING);
	l2 = l2_new(use_drs);
	l2->regs[RBX] = 0x123456;
	write_breakpoint_address(2, 0x654321);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(read_breakpoint_address(1), 0x123456);
	EXPECT_EQ(l2->regs[RAX], 0x654321);
}
