/* SPDX-License-Identifier: MIT */
/* The state of an L2: what an entry loads, what an exit saves (SDM "Saving Guest State"), and how
 * general registers, time and MSRs come and go. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/vmx_l2.h"
#include "vmx/access_rights.h"

L2_CODE(nothing, "");
L2_CODE(invert_registers,
	"not %rax; not %rcx; not %rdx; not %rbx; not %rbp; not %rsi; not %rdi; not %r8\n"
	"not %r9; not %r10; not %r11; not %r12; not %r13; not %r14; not %r15");

VMX_TEST(vmx_state, general_registers_pass_both_ways, 0)
{
	/* Expect: all fifteen, 64 bits of each, as L1 set them, and back as L2 left them; also on
	 * VMRESUME. */
	struct l2 *l2 = l2_new(invert_registers);

	for (u32 round = 0; round < 2; round++) {
		u64 seed = 0x0123456789abcdefULL * (round + 1);

		for (u64 i = 0; i < 16; i++)
			l2->regs[i] = seed + (i << 32 | i);
		EXPECT_EQ(l2_enter_at(l2, invert_registers), EXIT_VMCALL);
		for (u64 i = 0; i < 16; i++) {
			if (i != RSP)
				EXPECT_EQ(l2->regs[i], ~(seed + (i << 32 | i)));
		}
	}
}

L2_CODE(move_stack, "push %rax; lea -0x123(%rsp), %rsp; stc; std");

VMX_TEST(vmx_state, rip_rsp_and_rflags_are_saved, 0)
{
	/* Expect: RIP at the VMCALL, RSP as L2 moved it, the flags that L2 set. */
	struct l2 *l2 = l2_new(move_stack);
	u64 rsp = vmx_read(VMCS_GUEST_RSP);

	l2->regs[RAX] = 0x5ca1ab1e;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_RIP, (u64)move_stack_end);
	EXPECT_FIELD(GUEST_RSP, rsp - 8 - 0x123);
	EXPECT_EQ(*(u64 *)(rsp - 8), 0x5ca1ab1e);
	EXPECT_FIELD(GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_CF | RFLAGS_DF);
}

L2_CODE(push_flags, "pushf; pop %rax");

VMX_TEST(vmx_state, rflags_are_loaded, 0)
{
	/* Expect: L2 begins with the flags of its field, those of arithmetic and of the system. */
	u64 flags = RFLAGS_FIXED | RFLAGS_CF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF | RFLAGS_DF |
		    RFLAGS_AC | 3u << 12;
	struct l2 *l2 = l2_new(push_flags);

	vmx_write(VMCS_GUEST_RFLAGS, flags);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], flags);
	EXPECT_FIELD(GUEST_RFLAGS, flags);
}

/* --- segments --- */
L2_CODE(load_segments, "mov %ax, %ds; mov %cx, %es; mov %dx, %fs; mov %bx, %gs");

VMX_TEST(vmx_state, segments_are_saved_with_their_hidden_parts, 0)
{
	/* Expect: selector, base, limit and rights of a small read-only segment, of code, of a flat
	 * one, and "unusable" of a null selector. */
	struct l2 *l2 = l2_new(load_segments);

	l2->regs[RAX] = SMALL_READ_ONLY;
	l2->regs[RCX] = CODE16;
	l2->regs[RDX] = KERNEL_DS;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_SEL_DS, SMALL_READ_ONLY);
	EXPECT_FIELD(GUEST_BASE_DS, 0);
	EXPECT_FIELD(GUEST_LIMIT_DS, SMALL_LIMIT);
	EXPECT_FIELD(GUEST_AR_DS, AR_DB | AR_P | AR_S | 1u);
	EXPECT_FIELD(GUEST_SEL_ES, CODE16);
	EXPECT_FIELD(GUEST_LIMIT_ES, 0xffff);
	EXPECT_FIELD(GUEST_AR_ES, AR_P | AR_S | 0xbu);
	EXPECT_FIELD(GUEST_SEL_FS, KERNEL_DS);
	EXPECT_FIELD(GUEST_LIMIT_FS, ~0u);
	EXPECT_FIELD(GUEST_AR_FS, AR_FLAT_DATA);
	EXPECT_FIELD(GUEST_SEL_GS, 0);
	EXPECT_EQ(vmx_read(VMCS_GUEST_AR_GS) & AR_UNUSABLE, AR_UNUSABLE);
	EXPECT_FIELD(GUEST_SEL_CS, KERNEL_CS);
	EXPECT_FIELD(GUEST_AR_CS, AR_G | AR_L | AR_P | AR_S | 0xbu);
	EXPECT_FIELD(GUEST_AR_SS, AR_FLAT_DATA);
	EXPECT_FIELD(GUEST_SEL_TR, TSS_SELECTOR);
	EXPECT_FIELD(GUEST_AR_TR, AR_BUSY_TSS);
}

L2_CODE(read_through_segments, "mov %fs:(%rdi), %rax; mov %gs:(%rdi), %rcx\n"
			       "mov %ds, %edx; mov %fs, %ebx; sldt %esi; str %r8d");

VMX_TEST(vmx_state, segments_are_loaded_from_their_fields, 0)
{
	/* Expect: selectors and bases are those of the fields, whatever the GDT says. */
	u64 *page = (u64 *)vmx_page();
	struct l2 *l2 = l2_new(read_through_segments);

	page[1] = 0xf5;
	page[2] = 0x65;
	l2->regs[RDI] = 8;
	vmx_write(VMCS_GUEST_SEL_FS, 0x33);
	vmx_write(VMCS_GUEST_AR_FS, AR_FLAT_DATA | 3u << 5);
	vmx_write(VMCS_GUEST_LIMIT_FS, ~0u);
	vmx_write(VMCS_GUEST_BASE_FS, (u64)page);
	vmx_write(VMCS_GUEST_BASE_GS, (u64)page + 8);
	vmx_write(VMCS_GUEST_SEL_DS, 0x7f0);
	vmx_write(VMCS_GUEST_SEL_LDTR, 0x28);
	vmx_write(VMCS_GUEST_AR_LDTR, AR_LDT);
	vmx_write(VMCS_GUEST_SEL_TR, 0x1230);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], 0xf5);
	EXPECT_EQ(l2->regs[RCX], 0x65);
	EXPECT_EQ(l2->regs[RDX], 0x7f0);
	EXPECT_EQ(l2->regs[RBX], 0x33);
	EXPECT_EQ(l2->regs[RSI], 0x28);
	EXPECT_EQ(l2->regs[R8], 0x1230);
	EXPECT_FIELD(GUEST_SEL_TR, 0x1230);
	EXPECT_FIELD(GUEST_SEL_LDTR, 0x28);
}

L2_CODE(swap_tables, "sgdt (%rdi); sidt 16(%rdi); lgdt 32(%rdi); lidt 48(%rdi)");

VMX_TEST(vmx_state, descriptor_tables_are_loaded_and_saved, 0)
{
	/* Expect: SGDT and SIDT in L2 give the fields; LGDT and LIDT come back in them. */
	u8 *page = (u8 *)vmx_page();
	struct l2 *l2 = l2_new(swap_tables);

	*(struct table_pointer *)(page + 32) = (struct table_pointer){ 0x77, 0xffff800000123456 };
	*(struct table_pointer *)(page + 48) = (struct table_pointer){ 0x88, 0x7ffff0000000 };
	l2->regs[RDI] = (u64)page;
	vmx_write(VMCS_GUEST_LIMIT_GDTR, 0x4321);
	vmx_write(VMCS_GUEST_BASE_GDTR, 0x11223344556);
	vmx_write(VMCS_GUEST_LIMIT_IDTR, 0x1234);
	vmx_write(VMCS_GUEST_BASE_IDTR, 0x22334455667);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(((struct table_pointer *)page)->limit, 0x4321);
	EXPECT_EQ(((struct table_pointer *)page)->base, 0x11223344556);
	EXPECT_EQ(((struct table_pointer *)(page + 16))->limit, 0x1234);
	EXPECT_EQ(((struct table_pointer *)(page + 16))->base, 0x22334455667);
	EXPECT_FIELD(GUEST_LIMIT_GDTR, 0x77);
	EXPECT_FIELD(GUEST_BASE_GDTR, 0xffff800000123456);
	EXPECT_FIELD(GUEST_LIMIT_IDTR, 0x88);
	EXPECT_FIELD(GUEST_BASE_IDTR, 0x7ffff0000000);
}

/* --- control registers, debug registers, MSRs --- */
L2_CODE(change_crs, "mov %cr0, %rax; or $0x40000, %rax; mov %rax, %cr0\n"
		    "mov %cr4, %rax; or $0x8, %rax; mov %rax, %cr4; mov %rbx, %cr3");

VMX_TEST(vmx_state, control_registers_are_saved, 0)
{
	/* Expect: CR0, CR3 and CR4 as L2 left them. */
	struct l2 *l2;
	u64 *copy = (u64 *)vmx_page(), *now = (u64 *)(read_cr3() & PTE_ADDRESS);
	u64 cr0, cr4;

	NEEDS_CONTROL_OFF(CONTROL_SET_CPU, CPU_CR3_LOAD_EXITING);
	for (u32 i = 0; i < 512; i++)
		copy[i] = now[i];
	l2 = l2_new(change_crs);
	cr0 = vmx_read(VMCS_GUEST_CR0);
	cr4 = vmx_read(VMCS_GUEST_CR4);
	l2->regs[RBX] = (u64)copy;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_FIELD(GUEST_CR0, cr0 | CR0_AM);
	EXPECT_FIELD(GUEST_CR4, cr4 | CR4_DE);
	EXPECT_FIELD(GUEST_CR3, (u64)copy);
}

L2_CODE(use_dr7, "mov %dr7, %rax; mov %rbx, %dr7");

VMX_TEST(vmx_state, dr7_is_loaded_and_saved_by_the_debug_controls, 0)
{
	/* Expect: L2 reads the field's DR7 and its own comes back. */
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_DEBUG);
	NEEDS_CONTROL(CONTROL_SET_EXIT, EXIT_CTL_SAVE_DEBUG);
	l2 = l2_new(use_dr7);
	control_on(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_DEBUG);
	control_on(CONTROL_SET_EXIT, EXIT_CTL_SAVE_DEBUG);
	vmx_write(VMCS_GUEST_DR7, 0x12340400);
	l2->regs[RBX] = 0x56780700;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], 0x12340400);
	EXPECT_FIELD(GUEST_DR7, 0x56780700);
	EXPECT_EQ(read_dr7(), DR7_AT_RESET);
}

VMX_TEST(vmx_state, dr7_stays_without_the_debug_controls, 0)
{
	/* Expect: L2 reads the DR7 that L1 had, the field keeps what L1 wrote. */
	struct l2 *l2;

	NEEDS_CONTROL_OFF(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_DEBUG);
	NEEDS_CONTROL_OFF(CONTROL_SET_EXIT, EXIT_CTL_SAVE_DEBUG);
	l2 = l2_new(use_dr7);
	vmx_write(VMCS_GUEST_DR7, 0x12340400);
	l2->regs[RBX] = 0x56780700;
	write_dr7(0x700);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	write_dr7(DR7_AT_RESET);
	EXPECT_EQ(l2->regs[RAX], 0x700);
	EXPECT_FIELD(GUEST_DR7, 0x12340400);
}

L2_CODE(exchange_msr, "rdmsr; shl $32, %rdx; or %rax, %rdx; mov %rdx, %r8\n"
		      "mov %r9, %rax; mov %r9, %rdx; shr $32, %rdx; wrmsr");

/* L2 reads an MSR into R8 and writes R9 to it. */
static struct l2 *l2_exchange(u32 msr, u64 value)
{
	struct l2 *l2 = l2_new(exchange_msr);

	l2->regs[RCX] = msr;
	l2->regs[R9] = value;
	return l2;
}

VMX_TEST(vmx_state, efer_is_loaded_and_saved, 0)
{
	/* Expect: L2 reads the field's EFER, its own comes back, L1 has the host's. */
	u64 before = rdmsr(MSR_IA32_EFER);
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_EFER);
	NEEDS_CONTROL(CONTROL_SET_EXIT, EXIT_CTL_LOAD_EFER | EXIT_CTL_SAVE_EFER);
	l2 = l2_exchange(MSR_IA32_EFER, before & ~(u64)EFER_SCE);
	control_on(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_EFER);
	control_on(CONTROL_SET_EXIT, EXIT_CTL_LOAD_EFER | EXIT_CTL_SAVE_EFER);
	vmx_write(VMCS_GUEST_EFER, before | EFER_SCE);
	vmx_write(VMCS_HOST_EFER, before);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[R8], before | EFER_SCE);
	EXPECT_FIELD(GUEST_EFER, before & ~(u64)EFER_SCE);
	EXPECT_EQ(rdmsr(MSR_IA32_EFER), before);
}

VMX_TEST(vmx_state, efer_without_its_controls_is_shared, 0)
{
	/* Expect: L2 begins with L1's SCE, L1 goes on with L2's; LMA and LME are as the modes
	 * are. */
	u64 before = rdmsr(MSR_IA32_EFER), after;
	struct l2 *l2;

	NEEDS_CONTROL_OFF(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_EFER);
	NEEDS_CONTROL_OFF(CONTROL_SET_EXIT, EXIT_CTL_LOAD_EFER);
	l2 = l2_exchange(MSR_IA32_EFER, before ^ EFER_SCE);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	after = rdmsr(MSR_IA32_EFER);
	wrmsr(MSR_IA32_EFER, before);
	EXPECT_EQ(l2->regs[R8], before);
	EXPECT_EQ(after, before ^ EFER_SCE);
}

#define OTHER_PAT 0x0007040600070406ULL

VMX_TEST(vmx_state, pat_is_loaded_and_saved, 0)
{
	/* Expect: L2 reads the field's PAT, its own comes back, L1 has the host's. */
	u64 before = rdmsr(MSR_IA32_PAT), other = (before & BITS(55, 0)) | 4ULL << 56;
	struct l2 *l2;

	NEEDS_CONTROL(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_PAT);
	NEEDS_CONTROL(CONTROL_SET_EXIT, EXIT_CTL_LOAD_PAT | EXIT_CTL_SAVE_PAT);
	l2 = l2_exchange(MSR_IA32_PAT, OTHER_PAT);
	control_on(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_PAT);
	control_on(CONTROL_SET_EXIT, EXIT_CTL_LOAD_PAT | EXIT_CTL_SAVE_PAT);
	vmx_write(VMCS_GUEST_PAT, other);
	vmx_write(VMCS_HOST_PAT, before);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[R8], other);
	EXPECT_FIELD(GUEST_PAT, OTHER_PAT);
	EXPECT_EQ(rdmsr(MSR_IA32_PAT), before);
}

VMX_TEST(vmx_state, pat_without_its_controls_is_shared, 0)
{
	/* Expect: L2 reads L1's PAT; what it writes stays. */
	u64 before = rdmsr(MSR_IA32_PAT), after;
	struct l2 *l2;

	NEEDS_CONTROL_OFF(CONTROL_SET_ENTRY, ENTRY_CTL_LOAD_PAT);
	NEEDS_CONTROL_OFF(CONTROL_SET_EXIT, EXIT_CTL_LOAD_PAT);
	l2 = l2_exchange(MSR_IA32_PAT, OTHER_PAT);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	after = rdmsr(MSR_IA32_PAT);
	wrmsr(MSR_IA32_PAT, before);
	EXPECT_EQ(l2->regs[R8], before);
	EXPECT_EQ(after, OTHER_PAT);
}

VMX_TEST(vmx_state, sysenter_msrs_are_loaded_from_their_fields, 0)
{
	/* Expect: L2 reads each field's value. */
	struct l2 *l2 = l2_exchange(MSR_IA32_SYSENTER_ESP, 0);

	vmx_write(VMCS_GUEST_SYSENTER_ESP, 0xffff800000abc000);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[R8], 0xffff800000abc000);
	l2 = l2_exchange(MSR_IA32_SYSENTER_CS, 0);
	vmx_write(VMCS_GUEST_SYSENTER_CS, 0x1234);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[R8], 0x1234);
	EXPECT_FIELD(GUEST_SYSENTER_CS, 0);
}

/* --- time --- */
L2_CODE(read_time, "rdtsc; shl $32, %rdx; lea (%rdx,%rax), %r8; mov $0x10, %ecx; rdmsr\n"
		   "shl $32, %rdx; lea (%rdx,%rax), %r9");

static void expect_time(u64 offset, u32 control)
{
	struct l2 *l2 = l2_new(read_time);
	u64 before, after, wanted = control ? offset : 0;

	control_on(CONTROL_SET_CPU, control);
	vmx_write(VMCS_TSC_OFFSET, offset);
	before = rdtsc() + wanted;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	after = rdtsc() + wanted;
	EXPECT((s64)(l2->regs[R8] - before) >= 0 && (s64)(after - l2->regs[R8]) >= 0);
	EXPECT((s64)(l2->regs[R9] - l2->regs[R8]) >= 0 && (s64)(after - l2->regs[R9]) >= 0);
}

VMX_TEST(vmx_state, tsc_offset_is_added_for_l2, 0)
{
	/* Expect: RDTSC and RDMSR in L2 between L1's readings before and after, plus the offset. */
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_USE_TSC_OFFSETTING);
	expect_time(0, CPU_USE_TSC_OFFSETTING);
	expect_time(1ULL << 50, CPU_USE_TSC_OFFSETTING);
	expect_time(0x123456789abcULL, CPU_USE_TSC_OFFSETTING);
}

VMX_TEST(vmx_state, tsc_offset_may_be_negative, 0)
{
	/* Expect: the same backwards. */
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_USE_TSC_OFFSETTING);
	expect_time(-12345678ULL, CPU_USE_TSC_OFFSETTING);
	expect_time(-rdtsc(), CPU_USE_TSC_OFFSETTING);
}

VMX_TEST(vmx_state, tsc_offset_without_its_control_is_nothing, 0)
{
	/* Expect: L2 has L1's time. */
	expect_time(1ULL << 50, 0);
}

L2_CODE(set_vector_register, "movq %rbx, %xmm5");

VMX_TEST(vmx_state, vector_registers_are_shared, 0)
{
	/* Expect: they are not switched: L1 finds what L2 left in XMM5. */
	u64 cr4 = read_cr4(), value;
	struct l2 *l2;

	write_cr4(cr4 | CR4_OSFXSR);
	l2 = l2_new(set_vector_register);
	vmx_write(VMCS_HOST_CR4, read_cr4());
	l2->regs[RBX] = 0xfeedface5eedULL;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	__asm__ volatile("movq %%xmm5, %0" : "=r"(value));
	write_cr4(cr4);
	EXPECT_EQ(value, 0xfeedface5eedULL);
}

/* --- MSR lists --- */
struct msr_entry {
	u32 msr, reserved;
	u64 value;
};

static struct msr_entry *list_in(enum vmcs_field address, enum vmcs_field count, u32 entries)
{
	struct msr_entry *list = (struct msr_entry *)vmx_page();

	vmx_write(address, (u64)list);
	vmx_write(count, entries);
	return list;
}

#define ENTRY_LIST(n) list_in(VMCS_ENTRY_MSR_LOAD_ADDR, VMCS_ENTRY_MSR_LOAD_COUNT, n)
#define STORE_LIST(n) list_in(VMCS_EXIT_MSR_STORE_ADDR, VMCS_EXIT_MSR_STORE_COUNT, n)
#define LOAD_LIST(n)  list_in(VMCS_EXIT_MSR_LOAD_ADDR, VMCS_EXIT_MSR_LOAD_COUNT, n)

VMX_TEST(vmx_state, msr_lists_switch_msrs_both_ways, 0)
{
	/* Expect: L2 begins with the entry list's value, its own is stored, L1 gets the exit
	 * list's. */
	struct l2 *l2 = l2_exchange(MSR_IA32_KERNEL_GS_BASE, 0x22220000);
	u64 before = rdmsr(MSR_IA32_KERNEL_GS_BASE);
	struct msr_entry *entry = ENTRY_LIST(1), *store = STORE_LIST(1), *load = LOAD_LIST(1);

	*entry = (struct msr_entry){ MSR_IA32_KERNEL_GS_BASE, 0, 0x11110000 };
	*store = (struct msr_entry){ MSR_IA32_KERNEL_GS_BASE, 0, 0 };
	*load = (struct msr_entry){ MSR_IA32_KERNEL_GS_BASE, 0, 0x33330000 };
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[R8], 0x11110000);
	EXPECT_EQ(store->value, 0x22220000);
	EXPECT_EQ(rdmsr(MSR_IA32_KERNEL_GS_BASE), 0x33330000);
	EXPECT_EQ(entry->value, 0x11110000);
	wrmsr(MSR_IA32_KERNEL_GS_BASE, before);
}

VMX_TEST(vmx_state, msr_lists_are_processed_in_order, 0)
{
	/* Expect: of two entries for one MSR the later one counts. */
	struct l2 *l2 = l2_exchange(MSR_IA32_LSTAR, 5);
	u64 before = rdmsr(MSR_IA32_LSTAR);
	struct msr_entry *entry = ENTRY_LIST(3), *load = LOAD_LIST(2);

	for (u32 i = 0; i < 3; i++)
		entry[i] = (struct msr_entry){ MSR_IA32_LSTAR, 0, 0x100 + i };
	for (u32 i = 0; i < 2; i++)
		load[i] = (struct msr_entry){ MSR_IA32_LSTAR, 0, 0x200 + i };
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[R8], 0x102);
	EXPECT_EQ(rdmsr(MSR_IA32_LSTAR), 0x201);
	wrmsr(MSR_IA32_LSTAR, before);
}

VMX_TEST(vmx_state, msr_lists_may_be_long, 0)
{
	/* Expect: with 200 entries each, first and last are done, the one behind is not. */
	struct l2 *l2 = l2_exchange(MSR_IA32_LSTAR, 0x777);
	u64 before = rdmsr(MSR_IA32_LSTAR), star = rdmsr(MSR_IA32_STAR);
	struct msr_entry *entry = ENTRY_LIST(200), *store = STORE_LIST(200), *load = LOAD_LIST(200);

	for (u32 i = 0; i < 201; i++) {
		entry[i] = (struct msr_entry){ i ? MSR_IA32_STAR : MSR_IA32_LSTAR, 0, 0x100 + i };
		load[i] = (struct msr_entry){ MSR_IA32_STAR, 0, 0x1000 + i };
		store[i] = (struct msr_entry){ MSR_IA32_LSTAR, 0, 0 };
	}
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[R8], 0x100);
	EXPECT_EQ(store[0].value, 0x777);
	EXPECT_EQ(store[199].value, 0x777);
	EXPECT_EQ(store[200].value, 0);
	EXPECT_EQ(rdmsr(MSR_IA32_STAR), 0x1000 + 199);
	wrmsr(MSR_IA32_LSTAR, before);
	wrmsr(MSR_IA32_STAR, star);
}

VMX_TEST(vmx_state, stored_msrs_with_a_field_are_l2s, 0)
{
	/* Expect: SYSENTER_EIP and FS_BASE in the exit list's store are those of L2, although the
	 * exit loads L1's. */
	struct l2 *l2 = l2_exchange(MSR_IA32_SYSENTER_EIP, 0xabc000);
	struct msr_entry *store = STORE_LIST(3);

	store[0].msr = MSR_IA32_SYSENTER_EIP;
	store[1].msr = MSR_IA32_FS_BASE;
	store[2].msr = MSR_IA32_EFER;
	vmx_write(VMCS_GUEST_BASE_FS, 0x5555000);
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(store[0].value, 0xabc000);
	EXPECT_EQ(store[1].value, 0x5555000);
	EXPECT_EQ(store[2].value & (EFER_LMA | EFER_LME), EFER_LMA | EFER_LME);
}

VMX_TEST(vmx_state, stored_tsc_is_l1s_time, 0)
{
	/* Expect: IA32_TSC in the store list without L2's offset (SDM "Saving MSRs": as RDMSR reads
	 * it in root operation). */
	struct l2 *l2;
	struct msr_entry *store;
	u64 before, after;

	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_USE_TSC_OFFSETTING);
	l2 = l2_new(nothing);
	store = STORE_LIST(1);
	store->msr = MSR_IA32_TSC;
	control_on(CONTROL_SET_CPU, CPU_USE_TSC_OFFSETTING);
	vmx_write(VMCS_TSC_OFFSET, 1ULL << 50);
	before = rdtsc();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	after = rdtsc();
	if (machine_is_bochs() && store->value > after)
		SKIP("Bochs 2.7 stores IA32_TSC with L2's offset");
	EXPECT(store->value >= before && store->value <= after);
}
