/* SPDX-License-Identifier: MIT */
/* What surrounds an instruction that a hypervisor emulates: RFLAGS.RF, single steps, breakpoints,
 * page-table flags, and the faults of its memory operand. */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

#define MSR_UNKNOWN 0x1fffu
#define UNCLAIMED   0x6f0u
#define HOLE        0xfeb00000ULL /* as in mmio.c: nothing is there */
#define DR6_B0      BIT(0)
#define DR6_BS      BIT(14)
#define DR7_L0      BIT(0)
#define DR7_IO      (2ULL << 16) /* breakpoint 0: port accesses, 1 byte */
#define DR7_WRITE   (1ULL << 16) /* breakpoint 0: data writes, 1 byte */
#define DR7_ACCESS  (3ULL << 16) /* breakpoint 0: data accesses, 1 byte */

extern const char emulate_after_cpuid[], emulate_after_in[], emulate_after_outs[];

static u64 seen_rflags, steps;

static bool note_and_skip_rdmsr(struct trap_frame *frame)
{
	seen_rflags = frame->rflags;
	frame->rip += 2;
	return true;
}

static bool count_step(struct trap_frame *frame)
{
	(void)frame;
	steps++;
	return true;
}

static u64 outs(const volatile void *at, u64 count)
{
	u64 address = (u64)at;

	__asm__ volatile("cld; rep outsb" : "+S"(address), "+c"(count) : "d"(UNCLAIMED) : "memory");
	return address;
}

static void ins(volatile void *at, u64 count)
{
	__asm__ volatile("cld; rep insb" : "+D"(at), "+c"(count) : "d"(UNCLAIMED) : "memory");
}

TEST(emulate, fault_shows_rf)
{
	/* Expect: the RFLAGS that a fault pushes have RF set, so that a handler's return does not
	 * hit the same breakpoint again. */
	if (machine_is_tcg())
		SKIP("TCG reads unknown MSRs as 0");
	seen_rflags = 0;
	trap_set_handler(VECTOR_GP, note_and_skip_rdmsr);
	__asm__ volatile("rdmsr" ::"c"(MSR_UNKNOWN) : "rax", "rdx");
	trap_set_handler(VECTOR_GP, NULL);
	EXPECT_EQ(seen_rflags & RFLAGS_RF, RFLAGS_RF);
}

TEST(emulate, rf_ends_with_the_instruction)
{
	/* Expect: an IRET with RF = 1 to CPUID spares that instruction alone: a breakpoint on the
	 * next one is hit. */
	struct trap trap;

	write_dr6(0);
	write_dr0((u64)emulate_after_cpuid);
	write_dr7(DR7_AT_RESET | DR7_L0);
	trap = TRAP_OF(__asm__ volatile("mov %%rsp, %%rax\n\t"
					"push %0; push %%rax; pushfq\n\t"
					"orq %1, (%%rsp)\n\t"
					"push %2\n\t"
					"lea 1f(%%rip), %%rax\n\t"
					"push %%rax\n\t"
					"xor %%eax, %%eax\n\t"
					"iretq\n"
					"1: cpuid\n"
					"emulate_after_cpuid: nop; nop" ::"i"(KERNEL_DS),
					"i"(RFLAGS_RF), "i"(KERNEL_CS)
					: "rax", "rbx", "rcx", "rdx", "cc", "memory"));
	write_dr7(DR7_AT_RESET);
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, emulate_after_cpuid);
	write_dr6(0);
}

TEST(emulate, rep_outs_steps_once_an_iteration)
{
	/* Expect: with RFLAGS.TF, REP OUTSB of three bytes is four steps with the POPF that ends
	 * them: each iteration is one (SDM: "Single-Step Exception Condition"). */
	static const u8 bytes[3];
	u64 address = (u64)bytes, count = sizeof(bytes);

	write_dr6(0);
	steps = 0;
	trap_set_handler(VECTOR_DB, count_step);
	__asm__ volatile("cld; pushfq; pushfq; orq %3, (%%rsp); popfq\n\t"
			 "rep outsb\n\t"
			 "popfq"
			 : "+S"(address), "+c"(count)
			 : "d"(UNCLAIMED), "i"(RFLAGS_TF)
			 : "cc", "memory");
	trap_set_handler(VECTOR_DB, NULL);
	EXPECT_EQ(steps, 4);
	EXPECT_EQ(address, (u64)bytes + sizeof(bytes));
	write_dr6(0);
}

TEST(emulate, port_breakpoint_is_hit)
{
	/* Expect: with CR4.DE, a breakpoint on a port is #DB behind the IN, and DR6.B0 says so. */
	u64 cr4 = read_cr4();
	struct trap trap;

	write_cr4(cr4 | CR4_DE);
	write_dr6(0);
	write_dr0(UNCLAIMED);
	write_dr7(DR7_AT_RESET | DR7_L0 | DR7_IO);
	trap = TRAP_OF(__asm__ volatile("inb %w0, %%al; emulate_after_in: nop" ::"d"(UNCLAIMED)
					: "rax"));
	write_dr7(DR7_AT_RESET);
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, emulate_after_in);
	EXPECT_EQ(read_dr6() & (DR6_BS | DR6_B0), DR6_B0);
	write_dr6(0);
	write_cr4(cr4);
}

TEST(emulate, data_breakpoint_sees_outs)
{
	/* Expect: a breakpoint on the byte that OUTSB reads is #DB behind the instruction. */
	static const u8 bytes[1];
	const void *at = bytes;
	struct trap trap;

	write_dr6(0);
	write_dr0((u64)bytes);
	write_dr7(DR7_AT_RESET | DR7_L0 | DR7_ACCESS);
	trap = TRAP_OF(__asm__ volatile("cld; outsb; emulate_after_outs: nop"
					: "+S"(at)
					: "d"(UNCLAIMED)
					: "memory"));
	write_dr7(DR7_AT_RESET);
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, emulate_after_outs);
	EXPECT_EQ(read_dr6() & (DR6_BS | DR6_B0), DR6_B0);
	write_dr6(0);
}

/* An instruction with RBX at the hole, RAX = 0. */
#define TRAP_AT_HOLE(insn)                                                       \
	({                                                                       \
		u64 rax_ = 0;                                                    \
		struct trap trap_ = TRAP_OF(__asm__ volatile(insn "; nop"        \
							     : "+a"(rax_)        \
							     : "b"(HOLE)         \
							     : "cc", "memory")); \
		trap_;                                                           \
	})

/* What a breakpoint of this kind at the hole's second byte makes of an instruction's vector. */
#define VECTOR_AT_HOLE(kind, insn)                         \
	({                                                 \
		u64 vector_;                               \
                                                           \
		write_dr6(0);                              \
		write_dr0(HOLE + 1);                       \
		write_dr7(DR7_AT_RESET | DR7_L0 | (kind)); \
		vector_ = TRAP_AT_HOLE(insn).vector;       \
		write_dr7(DR7_AT_RESET);                   \
		vector_;                                   \
	})

TEST(emulate, data_breakpoints_see_device_memory)
{
	/* Expect: #DB behind a load or store that touches the breakpoint's byte, by its kind;
	 * read-modify-write counts as a write. */
	if (machine_is_tcg())
		SKIP("QEMU maps nothing there");
	EXPECT_EQ(VECTOR_AT_HOLE(DR7_ACCESS, "movl (%%rbx), %%eax"), VECTOR_DB);
	EXPECT_EQ(read_dr6() & (DR6_BS | DR6_B0), DR6_B0);
	EXPECT_EQ(VECTOR_AT_HOLE(DR7_ACCESS, "movl %%eax, (%%rbx)"), VECTOR_DB);
	EXPECT_EQ(VECTOR_AT_HOLE(DR7_WRITE, "movl %%eax, (%%rbx)"), VECTOR_DB);
	EXPECT_EQ(VECTOR_AT_HOLE(DR7_WRITE, "orl %%eax, (%%rbx)"), VECTOR_DB);
	EXPECT_EQ(VECTOR_AT_HOLE(DR7_WRITE, "movl (%%rbx), %%eax"), TRAP_NONE);
	EXPECT_EQ(VECTOR_AT_HOLE(DR7_ACCESS, "movb (%%rbx), %%al"), TRAP_NONE);
	write_dr6(0);
}

TEST(emulate, string_io_sets_accessed_and_dirty)
{
	/* Expect: OUTS sets A of the page's entry, INS sets D as well. */
	u64 va = PAGING_TEST_VA, page = memory_page_alloc();
	u64 *leaf = paging_leaf(va);

	paging_map(va, page, PTE_PRESENT | PTE_WRITE);
	outs((void *)va, 1);
	EXPECT_EQ(READ_ONCE(*leaf) & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED);
	ins((void *)va, 1);
	EXPECT_EQ(READ_ONCE(*leaf) & (PTE_ACCESSED | PTE_DIRTY), PTE_ACCESSED | PTE_DIRTY);
	paging_unmap(va);
	memory_page_free(page);
}

TEST(emulate, string_io_through_reserved_bits_faults)
{
	/* Expect: #PF with P and RSVD for an entry with address bits that the CPU does not have. */
	u64 va = PAGING_TEST_VA;
	struct trap trap;

	if (physical_address_bits() > 51)
		SKIP("no reserved address bits in a page table entry");
	if (machine_is_tcg())
		SKIP("TCG does not check address bits in page table entries");
	paging_map(va, BIT(51), PTE_PRESENT | PTE_WRITE);
	trap = TRAP_OF(outs((void *)va, 1));
	EXPECT_EQ(trap.vector, VECTOR_PF);
	EXPECT_EQ(trap.error, PF_PRESENT | PF_RESERVED);
	paging_unmap(va);
}

TEST(emulate, string_io_checks_the_address)
{
	/* Expect: #GP(0) for an address that is not canonical, for OUTS and for INS. */
	struct trap trap = TRAP_OF(outs((void *)NON_CANONICAL, 1));

	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
	trap = TRAP_OF(ins((void *)NON_CANONICAL, 1));
	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
}

/* From ring 0 in 64-bit mode into 32-bit code, ES or DS = the selector, one instruction there, and
 * back: a fault comes back through its TRAP_OF. */
#define IN_32BIT_CODE(segment, selector, insn, offset)                                            \
	__asm__ volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq\n\t"                   \
			 ".code32\n"                                                              \
			 "1: mov %1, %%eax; mov %%eax, %%" segment "\n\t" insn "\n\t"             \
			 "ljmp %2, $2f\n\t"                                                       \
			 ".code64\n"                                                              \
			 "2: mov %3, %%eax; mov %%eax, %%ds; mov %%eax, %%es" ::"i"(CODE32),      \
			 "i"(selector), "i"(KERNEL_CS), "i"(KERNEL_DS), "S"(offset), "D"(offset), \
			 "d"(UNCLAIMED)                                                           \
			 : "rax", "memory")

static void reload_data_segments(void)
{
	__asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"(KERNEL_DS));
}

static struct trap ins_32bit_null(u64 at)
{
	struct trap trap = TRAP_OF(IN_32BIT_CODE("es", 0, "insb", at));

	reload_data_segments();
	return trap;
}

static struct trap ins_32bit_read_only(u64 at)
{
	struct trap trap = TRAP_OF(IN_32BIT_CODE("es", SMALL_READ_ONLY, "insb", at));

	reload_data_segments();
	return trap;
}

static struct trap outs_32bit_small(u64 at)
{
	struct trap trap = TRAP_OF(IN_32BIT_CODE("ds", SMALL_READ_ONLY, "outsl", at));

	reload_data_segments();
	return trap;
}

TEST(emulate, string_io_checks_the_segment)
{
	/* Expect: in 32-bit code, INS through a null or read-only ES is #GP(0), OUTS beyond DS's
	 * limit too; at the last double word within the limit it passes. */
	static u8 byte = 0x55;

	if (machine_is_tcg())
		SKIP("TCG checks no segments");
	EXPECT_EQ(ins_32bit_null((u64)&byte).vector, VECTOR_GP);
	EXPECT_EQ(READ_ONCE(byte), 0x55);
	EXPECT_EQ(ins_32bit_read_only(0).vector, VECTOR_GP);
	EXPECT_EQ(outs_32bit_small(SMALL_LIMIT - 2).vector, VECTOR_GP);
	EXPECT_EQ(outs_32bit_small(SMALL_LIMIT - 2).error, 0);
	EXPECT_EQ(outs_32bit_small(SMALL_LIMIT - 3).vector, TRAP_NONE);
}

TEST(emulate, cpuid_may_end_the_lower_half)
{
	/* Expect: CPUID in the last two bytes of the canonical lower half runs; the fetch behind it
	 * is #GP(0) with RIP = 2^47. */
	u64 va = NON_CANONICAL - PAGE_SIZE, page = memory_page_alloc();
	struct trap trap;

	memset((void *)page, 0x90, PAGE_SIZE);
	*(u8 *)(page + PAGE_SIZE - 2) = 0x0f;
	*(u8 *)(page + PAGE_SIZE - 1) = 0xa2;
	paging_map(va, page, PTE_PRESENT | PTE_WRITE);
	trap = TRAP_OF(__asm__ volatile("jmp *%0" ::"r"(NON_CANONICAL - 2), "a"(0)
					: "rbx", "rcx", "rdx"));
	EXPECT_EQ(trap.vector, VECTOR_GP);
	EXPECT_EQ(trap.error, 0);
	EXPECT_EQ(trap.rip, NON_CANONICAL);
	paging_unmap(va);
	memory_page_free(page);
}
