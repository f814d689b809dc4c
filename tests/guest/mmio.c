/* SPDX-License-Identifier: MIT */
/*
 * Physical addresses with neither memory nor device: they read all ones and swallow writes, with
 * each instruction, operand size and addressing form that a hypervisor must know to carry them out.
 */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

/* Above the RAM below 4 GiB and its PCI devices, below the IOAPIC. */
#define HOLE        0xfeb00000ULL
#define START       0x1122334455667788ULL
#define ONES        (~0ULL)

#define FLAGS_LOGIC (RFLAGS_CF | RFLAGS_PF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF) /* AF undefined */
#define FLAGS_ALL   (FLAGS_LOGIC | RFLAGS_AF)

extern const char mmio_after_step[];

#define HOLE_REQUIRED()                                            \
	do {                                                       \
		if (machine_is_tcg())                              \
			SKIP("QEMU reads zeros where nothing is"); \
	} while (0)

/* Run instructions with RBX at the hole, RCX = 2 and RAX as given; what RAX is then. */
#define RAX_AFTER(insn, rax)                                                         \
	({                                                                           \
		u64 rax_ = (rax);                                                    \
                                                                                     \
		__asm__ volatile(insn                                                \
				 : "+a"(rax_)                                        \
				 : "b"(HOLE), "c"(2ULL), "d"(START)                  \
				 : "rsi", "r8", "r9", "r12", "r13", "cc", "memory"); \
		rax_;                                                                \
	})

/* Run one with all status flags set before; what they are then. */
#define FLAGS_AFTER(insn, rax, mask)                                                     \
	({                                                                               \
		u64 rax_ = (rax), flags_;                                                \
                                                                                         \
		__asm__ volatile("pushf; orq %3, (%%rsp); popf; " insn "; pushf; pop %1" \
				 : "+a"(rax_), "=&r"(flags_)                             \
				 : "b"(HOLE), "i"(FLAGS_ALL)                             \
				 : "cc", "memory");                                      \
		flags_ &(mask);                                                          \
	})

TEST(mmio, hole_reads_all_ones)
{
	/* Expect: MOV of 8, 16, 32, 64 bits gives ones; narrow ones keep the rest of the register,
	 * 32 bits clear the upper half. */
	HOLE_REQUIRED();
	EXPECT_EQ(RAX_AFTER("mov (%%rbx), %%al", START), 0x11223344556677ff);
	EXPECT_EQ(RAX_AFTER("mov (%%rbx), %%ah", START), 0x112233445566ff88);
	EXPECT_EQ(RAX_AFTER("mov (%%rbx), %%ax", START), 0x112233445566ffff);
	EXPECT_EQ(RAX_AFTER("mov (%%rbx), %%eax", START), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("mov (%%rbx), %%rax", START), ONES);
}

TEST(mmio, zero_extension)
{
	/* Expect: MOVZX clears the bits above, down to those that its register has. */
	HOLE_REQUIRED();
	EXPECT_EQ(RAX_AFTER("movzbw (%%rbx), %%ax", START), 0x11223344556600ff);
	EXPECT_EQ(RAX_AFTER("movzbl (%%rbx), %%eax", START), 0xff);
	EXPECT_EQ(RAX_AFTER("movzbq (%%rbx), %%rax", START), 0xff);
	EXPECT_EQ(RAX_AFTER("movzwl (%%rbx), %%eax", START), 0xffff);
	EXPECT_EQ(RAX_AFTER("movzwq (%%rbx), %%rax", START), 0xffff);
}

TEST(mmio, sign_extension)
{
	/* Expect: MOVSX and MOVSXD fill the register with ones, and no more than it. */
	HOLE_REQUIRED();
	EXPECT_EQ(RAX_AFTER("movsbw (%%rbx), %%ax", START), 0x112233445566ffff);
	EXPECT_EQ(RAX_AFTER("movsbl (%%rbx), %%eax", START), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("movsbq (%%rbx), %%rax", START), ONES);
	EXPECT_EQ(RAX_AFTER("movswl (%%rbx), %%eax", START), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("movswq (%%rbx), %%rax", START), ONES);
	EXPECT_EQ(RAX_AFTER("movslq (%%rbx), %%rax", START), ONES);
}

TEST(mmio, hole_swallows_stores)
{
	/* Expect: MOV of registers and immediates in each size leaves registers and the hole as
	 * they were. */
	HOLE_REQUIRED();
	EXPECT_EQ(RAX_AFTER("mov %%al, (%%rbx)", START), START);
	EXPECT_EQ(RAX_AFTER("mov %%ah, (%%rbx)", START), START);
	EXPECT_EQ(RAX_AFTER("mov %%ax, (%%rbx)", START), START);
	EXPECT_EQ(RAX_AFTER("mov %%eax, (%%rbx)", START), START);
	EXPECT_EQ(RAX_AFTER("mov %%rax, (%%rbx)", START), START);
	EXPECT_EQ(RAX_AFTER("movb $0, (%%rbx)", START), START);
	EXPECT_EQ(RAX_AFTER("movw $0x1234, (%%rbx)", START), START);
	EXPECT_EQ(RAX_AFTER("movl $0x12345678, (%%rbx)", START), START);
	EXPECT_EQ(RAX_AFTER("movq $0x12345678, (%%rbx)", START), START);
	EXPECT_EQ(RAX_AFTER("mov (%%rbx), %%rax", START), ONES);
}

TEST(mmio, accumulator_with_absolute_address)
{
	/* Expect: the MOV that has its address in the instruction, in each size and direction. */
	HOLE_REQUIRED();
	EXPECT_EQ(RAX_AFTER("movabs 0xfeb00000, %%al", START), 0x11223344556677ff);
	EXPECT_EQ(RAX_AFTER("movabs 0xfeb00002, %%ax", START), 0x112233445566ffff);
	EXPECT_EQ(RAX_AFTER("movabs 0xfeb00004, %%eax", START), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("movabs 0xfeb00008, %%rax", START), ONES);
	EXPECT_EQ(RAX_AFTER("movabs %%al, 0xfeb00000", START), START);
	EXPECT_EQ(RAX_AFTER("movabs %%eax, 0xfeb00000", START), START);
	EXPECT_EQ(RAX_AFTER("movabs %%rax, 0xfeb00000", START), START);
}

TEST(mmio, exchange_gives_ones)
{
	/* Expect: XCHG loads ones with the merge rules of MOV; what it stores is swallowed. */
	HOLE_REQUIRED();
	EXPECT_EQ(RAX_AFTER("xchg %%al, (%%rbx)", START), 0x11223344556677ff);
	EXPECT_EQ(RAX_AFTER("xchg %%ah, (%%rbx)", START), 0x112233445566ff88);
	EXPECT_EQ(RAX_AFTER("xchg %%ax, (%%rbx)", START), 0x112233445566ffff);
	EXPECT_EQ(RAX_AFTER("xchg %%eax, (%%rbx)", START), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("lock xchg %%rax, (%%rbx)", START), ONES);
	EXPECT_EQ(RAX_AFTER("mov (%%rbx), %%rax", START), ONES);
}

TEST(mmio, logic_into_registers)
{
	/* Expect: OR with ones gives ones, AND with ones keeps the register, in each size. */
	HOLE_REQUIRED();
	EXPECT_EQ(RAX_AFTER("or (%%rbx), %%al", START), 0x11223344556677ff);
	EXPECT_EQ(RAX_AFTER("or (%%rbx), %%ax", START), 0x112233445566ffff);
	EXPECT_EQ(RAX_AFTER("or (%%rbx), %%eax", START), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("or (%%rbx), %%rax", START), ONES);
	EXPECT_EQ(RAX_AFTER("and (%%rbx), %%ah", START), START);
	EXPECT_EQ(RAX_AFTER("and (%%rbx), %%eax", START), 0x55667788);
	EXPECT_EQ(FLAGS_AFTER("and (%%rbx), %%eax", 0, FLAGS_LOGIC), RFLAGS_ZF | RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("or (%%rbx), %%rax", 0, FLAGS_LOGIC), RFLAGS_SF | RFLAGS_PF);
}

TEST(mmio, logic_into_the_hole)
{
	/* Expect: OR and AND set flags by what they read, ones, and change neither hole nor
	 * register. */
	HOLE_REQUIRED();
	EXPECT_EQ(FLAGS_AFTER("or %%al, (%%rbx)", 0, FLAGS_LOGIC), RFLAGS_SF | RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("lock or %%rax, (%%rbx)", 0, FLAGS_LOGIC), RFLAGS_SF | RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("orl $0x10, (%%rbx)", 0, FLAGS_LOGIC), RFLAGS_SF | RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("and %%ax, (%%rbx)", 0, FLAGS_LOGIC), RFLAGS_ZF | RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("lock andl $0x7ffffffe, (%%rbx)", 0, FLAGS_LOGIC), 0);
	EXPECT_EQ(FLAGS_AFTER("andb $0x80, (%%rbx)", 0, FLAGS_LOGIC), RFLAGS_SF);
	EXPECT_EQ(FLAGS_AFTER("andq $-2, (%%rbx)", 0, FLAGS_LOGIC), RFLAGS_SF);
	EXPECT_EQ(RAX_AFTER("orl $1, (%%rbx)", START), START);
	EXPECT_EQ(RAX_AFTER("mov (%%rbx), %%rax", START), ONES);
}

TEST(mmio, test_sets_flags)
{
	/* Expect: TEST of ones with a register or an immediate: flags as of that operand. */
	HOLE_REQUIRED();
	EXPECT_EQ(FLAGS_AFTER("test %%al, (%%rbx)", 0x100, FLAGS_LOGIC), RFLAGS_ZF | RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("test %%ax, (%%rbx)", 0x8000, FLAGS_LOGIC), RFLAGS_SF | RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("test %%eax, (%%rbx)", 1, FLAGS_LOGIC), 0);
	EXPECT_EQ(FLAGS_AFTER("test %%rax, (%%rbx)", BIT(63), FLAGS_LOGIC), RFLAGS_SF | RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("testb $1, (%%rbx)", 0, FLAGS_LOGIC), 0);
	EXPECT_EQ(FLAGS_AFTER("testl $0x1000, (%%rbx)", 0, FLAGS_LOGIC), RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("testq $-2, (%%rbx)", 0, FLAGS_LOGIC), RFLAGS_SF);
}

TEST(mmio, compare_sets_flags)
{
	/* Expect: CMP in both directions, all six flags. */
	HOLE_REQUIRED();
	EXPECT_EQ(FLAGS_AFTER("cmp %%eax, (%%rbx)", ONES, FLAGS_ALL), RFLAGS_ZF | RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("cmpl $1, (%%rbx)", 0, FLAGS_ALL), RFLAGS_SF);
	EXPECT_EQ(FLAGS_AFTER("cmpb $-1, (%%rbx)", 0, FLAGS_ALL), RFLAGS_ZF | RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("cmpw $0x7fff, (%%rbx)", 0, FLAGS_ALL), RFLAGS_SF | RFLAGS_PF);
	EXPECT_EQ(FLAGS_AFTER("cmp (%%rbx), %%eax", 0, FLAGS_ALL), RFLAGS_CF | RFLAGS_AF);
	EXPECT_EQ(FLAGS_AFTER("cmp (%%rbx), %%eax", 0x7fffffff, FLAGS_ALL),
		  RFLAGS_CF | RFLAGS_PF | RFLAGS_SF | RFLAGS_OF);
	EXPECT_EQ(FLAGS_AFTER("cmp (%%rbx), %%rax", BIT(63), FLAGS_ALL),
		  RFLAGS_CF | RFLAGS_AF | RFLAGS_SF);
	EXPECT_EQ(FLAGS_AFTER("cmp (%%rbx), %%al", 0xff, FLAGS_ALL), RFLAGS_ZF | RFLAGS_PF);
}

TEST(mmio, moves_keep_flags)
{
	/* Expect: MOV, MOVZX and XCHG leave all flags set. */
	HOLE_REQUIRED();
	EXPECT_EQ(FLAGS_AFTER("mov (%%rbx), %%eax", 0, FLAGS_ALL), FLAGS_ALL);
	EXPECT_EQ(FLAGS_AFTER("mov %%eax, (%%rbx)", 0, FLAGS_ALL), FLAGS_ALL);
	EXPECT_EQ(FLAGS_AFTER("movzbl (%%rbx), %%eax", 0, FLAGS_ALL), FLAGS_ALL);
	EXPECT_EQ(FLAGS_AFTER("xchg %%eax, (%%rbx)", 0, FLAGS_ALL), FLAGS_ALL);
}

TEST(mmio, addressing_forms)
{
	/* Expect: base, displacement of 8 and 32 bits, scaled index, no base, 32-bit addresses. */
	HOLE_REQUIRED();
	EXPECT_EQ(RAX_AFTER("mov 0x40(%%rbx), %%eax", START), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("mov 0x400(%%rbx), %%eax", START), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("mov (%%rbx,%%rcx,8), %%eax", START), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("mov 0x10(%%rbx,%%rcx,4), %%ax", START), 0x112233445566ffff);
	EXPECT_EQ(RAX_AFTER("mov 0xffe(%%rbx,%%rcx,1), %%rax", START), ONES);
	EXPECT_EQ(RAX_AFTER("mov 0x7eb00000(,%%rax,8), %%eax", 0x10000000), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("movl $0, %%ds:0x10(%%rbx); mov %%es:(%%rbx), %%eax", 0), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("addr32 mov 0xfeb00000, %%eax", START), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("bts $40, %%rbx; mov 8(%%ebx), %%eax; btr $40, %%rbx", START),
		  0xffffffff);
}

TEST(mmio, new_registers)
{
	/* Expect: R8 to R15 as base, index, source and destination. */
	HOLE_REQUIRED();
	EXPECT_EQ(RAX_AFTER("mov %%rbx, %%r12; mov %%rcx, %%r13; mov (%%r12,%%r13,2), %%r9d;"
			    "movb $0, (%%r13,%%r12,1); mov %%r9, (%%r12); mov %%r9, %%rax",
			    START),
		  0xffffffff);
	EXPECT_EQ(RAX_AFTER("mov %%rdx, %%rsi; mov (%%rbx), %%sil; mov %%rsi, %%rax", 0),
		  0x11223344556677ff);
}

TEST(mmio, stack_pointer_as_operand)
{
	/* Expect: RSP as base, source and destination of an access. */
	HOLE_REQUIRED();
	EXPECT_EQ(RAX_AFTER("mov %%rsp, %%r8; mov %%rbx, %%rsp; mov 8(%%rsp), %%eax;"
			    "mov %%rsp, (%%rsp); mov (%%rsp), %%rsp; xchg %%rsp, %%r8;"
			    "add %%r8, %%rax",
			    START),
		  0xfffffffe);
}

TEST(mmio, rip_relative_with_and_without_immediate)
{
	/* Expect: a page of the image, mapped to the hole for the moment, is reached by
	 * displacement from RIP. */
	static u8 window[PAGE_SIZE] __attribute__((used, aligned(PAGE_SIZE)));
	u64 *leaf = paging_leaf((u64)window), before = *leaf;
	u64 loaded = START, compared = 0;

	HOLE_REQUIRED();
	paging_set(leaf, (u64)window, HOLE | PTE_PRESENT | PTE_WRITE);
	__asm__ volatile("movl $0x12345678, %c2+16(%%rip); mov %c2+16(%%rip), %k0;"
			 "cmpl $-1, %c2+32(%%rip); sete %b1"
			 : "+r"(loaded), "+r"(compared)
			 : "i"(window)
			 : "cc", "memory");
	paging_set(leaf, (u64)window, before);
	EXPECT_EQ(loaded, 0xffffffff);
	EXPECT_EQ(compared, 1);
	EXPECT_EQ(window[16], 0);
}

TEST(mmio, fs_base_counts)
{
	/* Expect: an access through FS lands at base + offset, with a 32-bit offset as well. */
	u64 before = rdmsr(MSR_IA32_FS_BASE);

	HOLE_REQUIRED();
	wrmsr(MSR_IA32_FS_BASE, HOLE);
	EXPECT_EQ(RAX_AFTER("mov %%fs:0x20, %%eax", START), 0xffffffff);
	EXPECT_EQ(RAX_AFTER("movw $1, %%fs:(%%rcx); mov %%fs:(%%ecx), %%ax", START),
		  0x112233445566ffff);
	wrmsr(MSR_IA32_FS_BASE, before);
}

TEST(mmio, code_may_cross_a_page)
{
	/* Expect: each split of the instruction over two pages that are no neighbours in physical
	 * memory runs. */
	static const u8 code[] = { 0xc7, 0x47, 0x04, 1,   2, 3, 4, /* movl $..., 4(%rdi) */
				   0x8b, 0x47, 0x04, 0xc3 };       /* mov 4(%rdi), %eax; ret */
	u64 low, high, va = PAGING_TEST_VA;

	HOLE_REQUIRED();
	low = memory_page_alloc();
	high = memory_page_alloc();
	paging_map(va, high, PTE_PRESENT | PTE_WRITE);
	paging_map(va + PAGE_SIZE, low, PTE_PRESENT | PTE_WRITE);
	for (u64 split = 1; split < sizeof(code); split++) {
		u8 *at = (u8 *)(va + PAGE_SIZE - split);

		memcpy(at, code, sizeof(code));
		EXPECT_EQ(((u32(*)(u64))at)(HOLE), 0xffffffff);
	}
	paging_unmap(va);
	paging_unmap(va + PAGE_SIZE);
	memory_page_free(low);
	memory_page_free(high);
}

TEST(mmio, page_tables_come_first)
{
	/* Expect: an unmapped or read-only page is #PF, also where it would lead to the hole. */
	volatile u32 *word = (volatile u32 *)PAGING_TEST_VA;
	struct trap trap = TRAP_OF((void)*word);

	EXPECT_EQ(trap.vector, VECTOR_PF);
	EXPECT_EQ(trap.error, 0);
	paging_map(PAGING_TEST_VA, HOLE, PTE_PRESENT);
	trap = TRAP_OF(*word = 1);
	paging_unmap(PAGING_TEST_VA);
	EXPECT_EQ(trap.vector, VECTOR_PF);
	EXPECT_EQ(trap.error, PF_PRESENT | PF_WRITE);
	EXPECT_EQ(trap.cr2, PAGING_TEST_VA);
}

TEST(mmio, single_step_comes_behind_the_access)
{
	/* Expect: with RFLAGS.TF set, #DB right after the instruction, as after any other. */
	struct trap trap = TRAP_OF(__asm__ volatile(
		"pushfq; orq %0, (%%rsp); popfq; mov (%%rbx), %%eax; mmio_after_step: nop; nop" ::
			"i"(RFLAGS_TF),
		"b"(HOLE)
		: "rax", "cc", "memory"));

	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, mmio_after_step);
	write_dr6(0);
}

TEST(mmio, accesses_are_counted_once)
{
	/* Expect: three loads, a store, and an OR that reads and writes count as five. */
	static u64 before[NESTOR_COUNTERS], after[NESTOR_COUNTERS];

	if (!nestor_is_present())
		SKIP("needs Nestor");
	EXPECT(nestor_read_counters(before));
	(void)RAX_AFTER("mov (%%rbx), %%al; mov (%%rbx), %%eax; testb $1, (%%rbx)", 0);
	(void)RAX_AFTER("mov %%rax, (%%rbx); lock orb $1, (%%rbx)", 0);
	EXPECT(nestor_read_counters(after));
	EXPECT_EQ(after[NESTOR_COUNTER_MMIO_UNCLAIMED] - before[NESTOR_COUNTER_MMIO_UNCLAIMED], 5);
}
