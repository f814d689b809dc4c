/* SPDX-License-Identifier: MIT */
/* Exceptions: the right vector, error code, address and RIP; and that they nest. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

#define DR6_B0      BIT(0)
#define DR6_BS      BIT(14)
#define DR7_L0      BIT(0)
#define DR7_WRITE_8 (1ULL << 16 | 2ULL << 18) /* breakpoint 0: data writes, 8 bytes */

/* Labels inside the tests' assembly, to compare RIP with. */
extern const char trap_at_ud2[], trap_after_int3[], trap_after_int[], trap_after_step[],
	trap_after_cpuid[], trap_at_breakpoint[];

static int depth;

static bool is_page_fault(struct trap trap, u64 error, u64 address)
{
	return trap.vector == VECTOR_PF && trap.error == error && trap.cr2 == address;
}

TEST(trap, ud2_is_ud)
{
	/* Expect: #UD with RIP at the instruction. */
	struct trap trap = TRAP_OF(__asm__ volatile("trap_at_ud2: ud2"));

	EXPECT_EQ(trap.vector, VECTOR_UD);
	EXPECT_EQ(trap.rip, trap_at_ud2);
}

TEST(trap, division_by_zero_is_de)
{
	/* Expect: #DE. */
	struct trap trap = TRAP_OF(__asm__ volatile("div %2" ::"a"(1), "d"(0), "r"(0) : "cc"));

	EXPECT_EQ(trap.vector, VECTOR_DE);
}

TEST(trap, int3_is_bp_after_the_instruction)
{
	/* Expect: #BP is a trap: RIP is behind the INT3. */
	struct trap trap = TRAP_OF(__asm__ volatile("int3; trap_after_int3:"));

	EXPECT_EQ(trap.vector, VECTOR_BP);
	EXPECT_EQ(trap.rip, trap_after_int3);
}

TEST(trap, int_n_arrives_at_its_vector)
{
	/* Expect: INT n goes to gate n, without an error code, with RIP behind it. */
	struct trap trap = TRAP_OF(__asm__ volatile("int $0xe1; trap_after_int:"));

	EXPECT_EQ(trap.vector, 0xe1);
	EXPECT_EQ(trap.error, 0);
	EXPECT_EQ(trap.rip, trap_after_int);
	EXPECT_EQ(TRAP_OF(__asm__ volatile("int $0x20")).vector, 0x20);
	EXPECT_EQ(TRAP_OF(__asm__ volatile("int $0xff")).vector, 0xff);
}

TEST(trap, non_canonical_access_is_gp)
{
	/* Expect: #GP(0). */
	struct trap trap = TRAP_OF((void)*(volatile u64 *)NON_CANONICAL);

	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
}

TEST(trap, non_canonical_stack_access_is_ss)
{
	/* Expect: #SS(0) where RBP is the base of the address. */
	struct trap trap;

	if (machine_is_tcg())
		SKIP("TCG raises #GP for it");
	trap = TRAP_OF(__asm__ volatile("mov %0, %%rbp; mov (%%rbp), %%rax" ::"r"(NON_CANONICAL)
					: "rax"));
	EXPECT_EQ(trap.vector, VECTOR_SS);
	EXPECT_EQ(trap.error, 0);
}

TEST(trap, bad_selectors_fault_with_the_selector)
{
	/* Expect: a selector beyond the GDT is #GP(selector),
	 * a segment that is not present #NP(selector). */
	u32 beyond = GDT_ENTRIES * 8;
	struct trap trap = TRAP_OF(__asm__ volatile("mov %w0, %%ds" ::"r"(beyond)));

	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, beyond);
	trap = TRAP_OF(__asm__ volatile("mov %w0, %%ds" ::"r"(NOT_PRESENT)));
	EXPECT_EQ(trap.vector, VECTOR_NP);
	EXPECT_EQ(trap.error, NOT_PRESENT);
}

TEST(trap, page_fault_tells_read_from_write)
{
	/* Expect: on an unmapped page error code 0 and W; CR2 is the very byte. */
	u64 va = PAGING_TEST_VA + 0x123;

	EXPECT(is_page_fault(TRAP_OF((void)*(volatile u8 *)va), 0, va));
	EXPECT(is_page_fault(TRAP_OF(*(volatile u8 *)va = 1), PF_WRITE, va));
}

TEST(trap, page_fault_on_read_only_page)
{
	/* Expect: a read passes, a write is error code P + W. */
	u64 va = PAGING_TEST_VA, page = memory_page_alloc();

	paging_map(va, page, PTE_PRESENT);
	EXPECT_EQ(TRAP_OF((void)*(volatile u8 *)va).vector, TRAP_NONE);
	EXPECT(is_page_fault(TRAP_OF(*(volatile u8 *)va = 1), PF_PRESENT | PF_WRITE, va));
	paging_unmap(va);
	memory_page_free(page);
}

TEST(trap, page_fault_on_instruction_fetch)
{
	/* Expect: a jump into a no-execute page is error code P + I/D, with CR2 = RIP. */
	u64 va = PAGING_TEST_VA, page = memory_page_alloc();
	struct trap trap;

	if (!has_nx())
		SKIP("the CPU has no NX");
	*(u8 *)page = 0xc3; /* RET */
	paging_map(va, page, PTE_PRESENT);
	EXPECT_EQ(TRAP_OF(((void (*)(void))va)()).vector, TRAP_NONE);
	paging_map(va, page, PTE_PRESENT | PTE_NO_EXECUTE);
	trap = TRAP_OF(((void (*)(void))va)());
	EXPECT(is_page_fault(trap, PF_PRESENT | PF_FETCH, va));
	EXPECT_EQ(trap.rip, va);
	paging_unmap(va);
	memory_page_free(page);
}

TEST(trap, page_fault_on_reserved_bits)
{
	/* Expect: an entry with a physical address the CPU does not have is error code P + RSVD. */
	u64 va = PAGING_TEST_VA;

	if (cpuid_physical_bits() > 51)
		SKIP("no reserved address bits in a page table entry");
	if (machine_is_tcg())
		SKIP("TCG does not check address bits in page table entries");
	paging_map(va, BIT(51), PTE_PRESENT | PTE_WRITE);
	EXPECT(is_page_fault(TRAP_OF((void)*(volatile u8 *)va), PF_PRESENT | PF_RESERVED, va));
	paging_unmap(va);
}

TEST(trap, page_fault_from_ring_3)
{
	/* Expect: ring 3 that runs on a supervisor page is error code
	 * P + U (+ I/D where NX is on), at that address. */
	u64 va = (u64)user_nothing;
	struct trap trap = TRAP_OF(trap_enter_user(user_nothing));

	EXPECT(is_page_fault(trap, PF_PRESENT | PF_USER | (has_nx() ? PF_FETCH : 0), va));
	EXPECT_EQ(trap_of_user(user_nothing).vector, USER_INTERRUPT);
}

TEST(trap, accessed_and_dirty_bits_are_set)
{
	/* Expect: a read sets A, a write sets D. */
	u64 va = PAGING_TEST_VA, page = memory_page_alloc();
	u64 *leaf = paging_leaf(va);

	paging_map(va, page, PTE_PRESENT | PTE_WRITE);
	(void)*(volatile u8 *)va;
	EXPECT_EQ(READ_ONCE(*leaf) & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED);
	*(volatile u8 *)va = 1;
	EXPECT_EQ(READ_ONCE(*leaf) & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED | PTE_DIRTY);
	paging_unmap(va);
	memory_page_free(page);
}

TEST(trap, single_step_is_db)
{
	/* Expect: with RFLAGS.TF set by POPF, #DB comes after
	 * the next instruction, and DR6.BS says why. */
	struct trap trap;

	write_dr6(0);
	trap = TRAP_OF(__asm__ volatile(
		"pushfq; orq %0, (%%rsp); popfq; nop; trap_after_step: nop; nop" ::"i"(RFLAGS_TF)
		: "cc", "memory"));
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, trap_after_step);
	EXPECT_EQ(read_dr6() & (DR6_BS | DR6_B0), DR6_BS);
	write_dr6(0);
}

TEST(trap, single_step_over_cpuid_is_db)
{
	/* Expect: #DB right after CPUID, also where CPUID is emulated. */
	struct trap trap;

	write_dr6(0);
	trap = TRAP_OF(__asm__ volatile(
		"pushfq; orq %0, (%%rsp); popfq; cpuid; trap_after_cpuid: nop; nop" ::"i"(
			RFLAGS_TF),
		"a"(0)
		: "rbx", "rcx", "rdx", "cc", "memory"));
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, trap_after_cpuid);
	EXPECT_EQ(read_dr6() & (DR6_BS | DR6_B0), DR6_BS);
	write_dr6(0);
}

TEST(trap, breakpoint_registers_catch_execution_and_writes)
{
	/* Expect: DR0 catches an instruction before it runs,
	 * and a write after it; DR6.B0 says so. */
	static u64 word;
	struct trap trap;

	write_dr6(0);
	write_dr0((u64)trap_at_breakpoint);
	write_dr7(DR7_AT_RESET | DR7_L0);
	trap = TRAP_OF(__asm__ volatile("nop; trap_at_breakpoint: nop"));
	write_dr7(DR7_AT_RESET);
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, trap_at_breakpoint);
	EXPECT_EQ(read_dr6() & (DR6_BS | DR6_B0), DR6_B0);

	write_dr6(0);
	write_dr0((u64)&word);
	write_dr7(DR7_AT_RESET | DR7_L0 | DR7_WRITE_8);
	trap = TRAP_OF(WRITE_ONCE(word, 7));
	write_dr7(DR7_AT_RESET);
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(READ_ONCE(word), 7);
	EXPECT_EQ(read_dr6() & (DR6_BS | DR6_B0), DR6_B0);
	write_dr6(0);
}

/* In the handler of a #UD: raise and catch another trap, then skip the UD2. */
static bool trap_in_handler(struct trap_frame *frame)
{
	struct trap inner = TRAP_OF(__asm__ volatile("int3"));

	depth = inner.vector == VECTOR_BP ? 2 : 1;
	frame->rip += 2;
	return true;
}

TEST(trap, traps_nest)
{
	/* Expect: a trap inside a trap handler is caught there,
	 * the handler returns, and the code goes on. */
	struct trap trap;
	int after = 0;

	depth = 0;
	trap_set_handler(VECTOR_UD, trap_in_handler);
	trap = TRAP_OF({
		__asm__ volatile("ud2");
		WRITE_ONCE(after, 1);
	});
	trap_set_handler(VECTOR_UD, NULL);
	EXPECT_EQ(trap.vector, TRAP_NONE);
	EXPECT_EQ(depth, 2);
	EXPECT_EQ(READ_ONCE(after), 1);
}

TEST(trap, handler_returns_with_all_registers)
{
	/* Expect: what a handler puts into the frame's RAX arrives,
	 * RBX stays, and RFLAGS come back. */
	u64 rax = 1, rbx = 0x5555;

	trap_set_handler(VECTOR_UD, trap_in_handler);
	__asm__ volatile("ud2" : "+a"(rax), "+b"(rbx));
	trap_set_handler(VECTOR_UD, NULL);
	EXPECT_EQ(rax, 1);
	EXPECT_EQ(rbx, 0x5555);
}

TEST(trap, fault_while_delivering_a_fault_is_df)
{
	/* Expect: #GP whose gate is not present raises #NP, a contributory pair:
	 * #DF with error code 0, on its own stack. */
	struct trap trap;

	descriptor_set_gate_present(VECTOR_GP, false);
	trap = TRAP_OF((void)*(volatile u64 *)NON_CANONICAL);
	descriptor_set_gate_present(VECTOR_GP, true);
	EXPECT_EQ(trap.vector, VECTOR_DF);
	EXPECT_EQ(trap.error, 0);
}

TEST(trap, missing_gate_is_np)
{
	/* Expect: INT n through a gate that is not present is #NP with n * 8 + IDT. */
	struct trap trap;

	if (machine_is_tcg())
		SKIP("TCG scales the error code by 16 instead of 8");
	descriptor_set_gate_present(0xe2, false);
	trap = TRAP_OF(__asm__ volatile("int $0xe2"));
	descriptor_set_gate_present(0xe2, true);
	EXPECT_EQ(trap.vector, VECTOR_NP);
	EXPECT_EQ(trap.error, 0xe2 * 8 + 2);
}
