/* SPDX-License-Identifier: MIT */
/* Port I/O: what nobody claims reads all ones;
 * the UART's scratch register is a byte that everybody has. */
#include "tests/guest/lib/com1.h"
#include "tests/guest/lib/console.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

#define UNCLAIMED      (0x6f0u)
#define SCRATCH        (CONSOLE_COM1 + 7)
#define COM1_IER_MODEM 0x08u
#define SYSTEM_CONTROL 0x61u

#define STRING_IO(name_, insn_, address_, flags_)                      \
	static u64 name_(u16 port, const volatile void *at, u64 count) \
	{                                                              \
		u64 address = (u64)at;                                 \
                                                                       \
		__asm__ volatile(flags_ " rep " insn_ "; cld"          \
				 : "+" address_(address), "+c"(count)  \
				 : "d"(port)                           \
				 : "memory");                          \
		return address - (u64)at;                              \
	}

/* Each returns by how much the address register moved. */
STRING_IO(outs8, "outsb", "S", "cld;")
STRING_IO(outs32, "outsl", "S", "cld;")
STRING_IO(ins8, "insb", "D", "cld;")
STRING_IO(ins16, "insw", "D", "cld;")
STRING_IO(ins32, "insl", "D", "cld;")
STRING_IO(ins8_down, "insb", "D", "std;")

static bool has_scratch(void)
{
	out8(SCRATCH, 0x5a);
	return in8(SCRATCH) == 0x5a;
}

TEST(port, unclaimed_port_reads_all_ones)
{
	/* Expect: 8, 16 and 32 bits of ones. */
	EXPECT_EQ(in8(UNCLAIMED), 0xff);
	EXPECT_EQ(in16(UNCLAIMED), 0xffff);
	EXPECT_EQ(in32(UNCLAIMED), 0xffffffff);
}

TEST(port, narrow_reads_keep_the_rest_of_rax)
{
	/* Expect: IN AL and IN AX change only AL and AX; IN EAX clears the upper half. */
	u64 rax = 0x1122334455667788;

	__asm__ volatile("inb %w1, %b0" : "+a"(rax) : "d"(UNCLAIMED));
	EXPECT_EQ(rax, 0x11223344556677ff);
	__asm__ volatile("inw %w1, %w0" : "+a"(rax) : "d"(UNCLAIMED));
	EXPECT_EQ(rax, 0x112233445566ffff);
	__asm__ volatile("inl %w1, %k0" : "+a"(rax) : "d"(UNCLAIMED));
	EXPECT_EQ(rax, 0xffffffff);
}

TEST(port, unclaimed_port_swallows_writes)
{
	/* Expect: writes of each size do nothing; a read still gives ones. */
	out8(UNCLAIMED, 0);
	out16(UNCLAIMED, 0);
	out32(UNCLAIMED, 0);
	EXPECT_EQ(in32(UNCLAIMED), 0xffffffff);
}

TEST(port, uart_scratch_register_keeps_its_value)
{
	/* Expect: all 256 values read back, by the form with DX. */
	if (!has_scratch())
		SKIP("no UART at COM1");
	for (u32 value = 0; value < 256; value++) {
		out8(SCRATCH, (u8)value);
		EXPECT_EQ(in8(SCRATCH), value);
	}
}

TEST(port, wide_accesses_reach_each_byte_s_device)
{
	/* Expect: over the edges of COM1, from both sides, and of port 61h, each byte is what its
	 * own port gives or takes. Bochs 2.7 does not take a wide access apart. */
	u8 speaker = in8(SYSTEM_CONTROL);

	if (machine_is_bochs())
		SKIP("Bochs 2.7 does otherwise");
	if (!has_scratch())
		SKIP("no UART at COM1");
	out8(COM1_IER, COM1_IER_MODEM);
	EXPECT_EQ(in32(CONSOLE_COM1 - 2) >> 24, COM1_IER_MODEM);
	EXPECT_EQ(in32(CONSOLE_COM1 - 2) & 0xffff, 0xffff);
	out8(COM1_IER, 0);
	out16(SCRATCH, 0x1133);
	EXPECT_EQ(in8(SCRATCH), 0x33);
	EXPECT_EQ(in32(SCRATCH), 0xffffff33);
	out16(SYSTEM_CONTROL - 1, (u16)((speaker ^ 1) << 8));
	EXPECT_EQ((in16(SYSTEM_CONTROL - 1) >> 8 ^ speaker) & 3, 1);
	out8(SYSTEM_CONTROL, speaker);
}

TEST(port, immediate_port_80_is_harmless)
{
	/* Expect: OUT to the POST port and IN from it,
	 * by the immediate form, run without a trap. */
	EXPECT_EQ(TRAP_OF(__asm__ volatile("outb %%al, $0x80" ::"a"(0))).vector, TRAP_NONE);
	EXPECT_EQ(TRAP_OF(__asm__ volatile("inb $0x80, %%al" ::: "rax")).vector, TRAP_NONE);
}

TEST(port, outs_writes_each_byte)
{
	/* Expect: REP OUTSB leaves the last byte in the scratch
	 * register and moves RSI by the count. */
	static const u8 bytes[] = { 0x01, 0x02, 0xa5 };

	if (!has_scratch())
		SKIP("no UART at COM1");
	EXPECT_EQ(outs8(SCRATCH, bytes, sizeof(bytes)), sizeof(bytes));
	EXPECT_EQ(in8(SCRATCH), 0xa5);
}

TEST(port, ins_fills_memory)
{
	/* Expect: REP INSB stores the scratch register count times, and not one byte more. */
	static u8 bytes[6];

	if (!has_scratch())
		SKIP("no UART at COM1");
	out8(SCRATCH, 0x3c);
	EXPECT_EQ(ins8(SCRATCH, bytes + 1, 4), 4);
	EXPECT_EQ(bytes[0], 0);
	for (int i = 1; i <= 4; i++)
		EXPECT_EQ(bytes[i], 0x3c);
	EXPECT_EQ(bytes[5], 0);
}

TEST(port, ins_goes_down_with_the_direction_flag)
{
	/* Expect: with DF = 1 the address falls by the count. */
	static u8 bytes[4];

	if (!has_scratch())
		SKIP("no UART at COM1");
	out8(SCRATCH, 0x77);
	EXPECT_EQ(ins8_down(SCRATCH, bytes + 3, 3), (u64)-3);
	EXPECT_EQ(bytes[0], 0);
	EXPECT_EQ(bytes[1], 0x77);
	EXPECT_EQ(bytes[3], 0x77);
}

TEST(port, wide_string_io_works_on_an_unclaimed_port)
{
	/* Expect: INSW and INSL store ones, OUTSL is swallowed,
	 * the pointers move by size times count. */
	static u32 words[4];

	EXPECT_EQ(ins16(UNCLAIMED, words, 2), 4);
	EXPECT_EQ(words[0], 0xffffffff);
	EXPECT_EQ(words[1], 0);
	EXPECT_EQ(ins32(UNCLAIMED, words + 1, 2), 8);
	EXPECT_EQ(words[1], 0xffffffff);
	EXPECT_EQ(words[2], 0xffffffff);
	EXPECT_EQ(words[3], 0);
	EXPECT_EQ(outs32(UNCLAIMED, words, 3), 12);
}

TEST(port, string_io_with_count_zero_does_nothing)
{
	/* Expect: no memory is touched (an unmapped address does not fault)
	 * and the pointer stays. */
	u64 moved = 1;

	EXPECT_EQ(TRAP_OF(moved = ins8(UNCLAIMED, (void *)PAGING_TEST_VA, 0)).vector, TRAP_NONE);
	EXPECT_EQ(moved, 0);
}

TEST(port, ins_crosses_pages)
{
	/* Expect: a transfer over a page border lands in both pages,
	 * which are not neighbours in physical memory. */
	u64 low = memory_page_alloc(), gap = memory_page_alloc(), high = memory_page_alloc();
	u64 va = PAGING_TEST_VA;

	paging_map(va, high, PTE_PRESENT | PTE_WRITE);
	paging_map(va + PAGE_SIZE, low, PTE_PRESENT | PTE_WRITE);
	EXPECT_EQ(ins16(UNCLAIMED, (void *)(va + PAGE_SIZE - 3), 3), 6);
	EXPECT_EQ(*(u32 *)(high + PAGE_SIZE - 4), 0xffffff00);
	EXPECT_EQ(*(u32 *)low, 0x00ffffff);
	EXPECT_EQ(*(u32 *)gap, 0);
	paging_unmap(va);
	paging_unmap(va + PAGE_SIZE);
	memory_page_free(low);
	memory_page_free(gap);
	memory_page_free(high);
}

TEST(port, string_io_faults_like_memory)
{
	/* Expect: INS to an unmapped page is #PF(write),
	 * OUTS from one is #PF(read), with the address in CR2. */
	volatile void *unmapped = (volatile void *)PAGING_TEST_VA;
	struct trap trap = TRAP_OF(ins8(UNCLAIMED, unmapped, 1));

	EXPECT_EQ(trap.vector, VECTOR_PF);
	EXPECT_EQ(trap.error, PF_WRITE);
	EXPECT_EQ(trap.cr2, PAGING_TEST_VA);
	trap = TRAP_OF(outs8(UNCLAIMED, unmapped, 1));
	EXPECT_EQ(trap.vector, VECTOR_PF);
	EXPECT_EQ(trap.error, 0);
	EXPECT_EQ(trap.cr2, PAGING_TEST_VA);
}
