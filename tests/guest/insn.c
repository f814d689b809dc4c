/* SPDX-License-Identifier: MIT */
/* Instructions that a hypervisor may intercept, or whose presence must agree with CPUID. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

TEST(insn, wbinvd_is_harmless)
{
	/* Expect: WBINVD runs and memory keeps its contents. */
	static u64 word = 0x1122334455667788;
	struct trap trap = TRAP_OF(__asm__ volatile("wbinvd" ::: "memory"));

	EXPECT_EQ(trap.vector, TRAP_NONE);
	EXPECT_EQ(READ_ONCE(word), 0x1122334455667788);
}

TEST(insn, invlpg_drops_the_old_translation)
{
	/* Expect: after a page table edit and INVLPG, the address shows the new page. */
	u64 first = memory_page_alloc(), second = memory_page_alloc();
	volatile u64 *word = (volatile u64 *)PAGING_TEST_VA;

	*(u64 *)first = 1;
	*(u64 *)second = 2;
	paging_map(PAGING_TEST_VA, first, PTE_PRESENT | PTE_WRITE);
	EXPECT_EQ(*word, 1);
	paging_map(PAGING_TEST_VA, second, PTE_PRESENT | PTE_WRITE);
	EXPECT_EQ(*word, 2);
	paging_unmap(PAGING_TEST_VA);
	memory_page_free(first);
	memory_page_free(second);
}

TEST(insn, invlpg_of_non_canonical_address_is_a_nop)
{
	/* Expect: no trap (SDM, INVLPG: the operation is ignored for a non-canonical address). */
	struct trap trap = TRAP_OF(invlpg((const void *)BIT(63)));

	EXPECT_EQ(trap.vector, TRAP_NONE);
}

TEST(insn, descriptor_tables_read_back)
{
	/* Expect: SGDT, SIDT and STR give what was loaded; reloading them changes nothing. */
	struct table_pointer gdt = { 0 }, idt = { 0 };
	u16 tr, ldt;

	__asm__ volatile("lgdt %0; lidt %1" ::"m"(descriptor_gdt_pointer),
			 "m"(descriptor_idt_pointer));
	__asm__ volatile("sgdt %0" : "=m"(gdt));
	__asm__ volatile("sidt %0" : "=m"(idt));
	__asm__ volatile("str %0" : "=r"(tr));
	__asm__ volatile("lldt %w1; sldt %0" : "=r"(ldt) : "r"(0));
	EXPECT_EQ(gdt.base, descriptor_gdt_pointer.base);
	EXPECT_EQ(gdt.limit, descriptor_gdt_pointer.limit);
	EXPECT_EQ(idt.base, descriptor_idt_pointer.base);
	EXPECT_EQ(idt.limit, descriptor_idt_pointer.limit);
	EXPECT_EQ(tr, TSS_SELECTOR);
	EXPECT_EQ(ldt, 0);
}

TEST(insn, cmpxchg16b_works_where_cpuid_says)
{
	/* Expect: the two quadwords are swapped and ZF is set; #UD where CPUID does not name it. */
	static u64 pair[2] __attribute__((aligned(16)));
	bool swapped = false;
	struct trap trap;

	pair[0] = 1;
	pair[1] = 2;
	trap = TRAP_OF(__asm__ volatile("lock cmpxchg16b %0"
					: "+m"(pair), "=@ccz"(swapped)
					: "a"(1ULL), "d"(2ULL), "b"(3ULL), "c"(4ULL)
					: "memory"));
	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_CX16)) {
		EXPECT_EQ(trap.vector, VECTOR_UD);
		return;
	}
	EXPECT_EQ(trap.vector, TRAP_NONE);
	EXPECT(swapped);
	EXPECT_EQ(pair[0], 3);
	EXPECT_EQ(pair[1], 4);
}

TEST(insn, rdtscp_exists_where_cpuid_says)
{
	/* Expect: RDTSCP runs if CPUID 80000001h names it, else #UD. */
	u32 aux;
	struct trap trap = TRAP_OF(rdtscp(&aux));

	EXPECT_EQ(trap.vector, has_rdtscp() ? TRAP_NONE : VECTOR_UD);
}

TEST(insn, invpcid_exists_where_cpuid_says)
{
	/* Expect: INVPCID type 2 (all contexts) runs if CPUID leaf 7 names it, else #UD. */
	static const u64 descriptor[2] __attribute__((aligned(16)));
	bool offered = cpuid(0, 0).eax >= 7 && (cpuid(7, 0).ebx & CPUID_7_EBX_INVPCID);
	struct trap trap = TRAP_OF(__asm__ volatile("invpcid %0, %1" ::"m"(descriptor), "r"(2ULL)
						    : "memory"));

	EXPECT_EQ(trap.vector, offered ? TRAP_NONE : VECTOR_UD);
}

TEST(insn, vmx_instructions_need_vmx_operation)
{
	/* Expect: outside VMX operation VMREAD, VMPTRST and VMLAUNCH are #UD;
	 * so is VMXON while CR4.VMXE is 0. */
	static u64 memory[1];
	struct trap trap = TRAP_OF(__asm__ volatile("vmread %%rax, %%rbx" ::: "rbx", "cc"));

	EXPECT_EQ(trap.vector, VECTOR_UD);
	trap = TRAP_OF(__asm__ volatile("vmptrst %0" : "=m"(memory)));
	EXPECT_EQ(trap.vector, VECTOR_UD);
	trap = TRAP_OF(__asm__ volatile("vmlaunch" ::: "cc", "memory"));
	EXPECT_EQ(trap.vector, VECTOR_UD);
	trap = TRAP_OF(__asm__ volatile("vmxon %0" ::"m"(memory) : "cc", "memory"));
	EXPECT_EQ(trap.vector, VECTOR_UD);
}

TEST(insn, getsec_needs_cr4_smxe)
{
	/* Expect: GETSEC is #UD while CR4.SMXE is 0. */
	struct trap trap = TRAP_OF(__asm__ volatile("getsec" ::"a"(0) : "rbx", "rcx", "cc"));

	EXPECT_EQ(trap.vector, VECTOR_UD);
}

TEST(insn, swapgs_exchanges_the_gs_bases)
{
	/* Expect: SWAPGS swaps IA32_GS_BASE and IA32_KERNEL_GS_BASE;
	 * twice gives the first state. */
	u64 gs = rdmsr(MSR_IA32_GS_BASE), kernel_gs = rdmsr(MSR_IA32_KERNEL_GS_BASE);

	wrmsr(MSR_IA32_GS_BASE, 0x1000);
	wrmsr(MSR_IA32_KERNEL_GS_BASE, 0x2000);
	__asm__ volatile("swapgs");
	EXPECT_EQ(rdmsr(MSR_IA32_GS_BASE), 0x2000);
	EXPECT_EQ(rdmsr(MSR_IA32_KERNEL_GS_BASE), 0x1000);
	__asm__ volatile("swapgs");
	EXPECT_EQ(rdmsr(MSR_IA32_GS_BASE), 0x1000);
	wrmsr(MSR_IA32_GS_BASE, gs);
	wrmsr(MSR_IA32_KERNEL_GS_BASE, kernel_gs);
}

TEST(insn, ring_3_may_not_run_privileged_instructions)
{
	/* Expect: HLT and RDMSR in ring 3 are #GP(0); CPUID and NOP are allowed there. */
	struct trap trap = trap_of_user(user_hlt);

	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
	EXPECT_EQ(trap.rip, user_hlt);
	trap = trap_of_user(user_rdmsr);
	EXPECT_EQ(trap.vector, VECTOR_GP);
	trap = trap_of_user(user_cpuid);
	EXPECT_EQ(trap.vector, USER_INTERRUPT);
	trap = trap_of_user(user_nothing);
	EXPECT_EQ(trap.vector, USER_INTERRUPT);
}
