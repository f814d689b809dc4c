/* SPDX-License-Identifier: MIT */
/* #DB and #AC, which a hypervisor may have to deliver in the CPU's stead: DR6, DR7, RF and RIP, and
 * what stands in the shadow of MOV SS. trap.c has the plain cases. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/paging.h"
#include "tests/guest/lib/trap.h"
#include "tests/test.h"

#define DR6_B0      BIT(0)
#define DR6_BD      BIT(13)
#define DR6_BS      BIT(14)
#define DR6_EVENTS  (DR6_B0 | DR6_BD | DR6_BS)
#define DR7_L0      BIT(0)
#define DR7_GD      BIT(13)
#define DR7_WRITE_8 (1ULL << 16 | 2ULL << 18) /* breakpoint 0: data writes, 8 bytes */

extern const char debug_at_mov_dr[], debug_after_icebp[], debug_after_write[], debug_at_nop[],
	debug_after_ss_int3[], debug_after_ss_icebp[], debug_after_ss_nop[];

static u64 word;
static u64 seen_rflags, seen_dr7, seen_rip;

static bool note_and_resume(struct trap_frame *frame)
{
	seen_rflags = frame->rflags;
	seen_rip = frame->rip;
	seen_dr7 = read_dr7();
	frame->rflags |= RFLAGS_RF;
	return true;
}

static bool note_and_go_on(struct trap_frame *frame)
{
	seen_rflags = frame->rflags;
	return false;
}

/* Ring 3, with these RFLAGS. Ends in a trap. */
_Noreturn static void enter_user(const void *code, u64 rflags)
{
	__asm__ volatile("push %0; push $0; push %1; push %2; push %3; iretq" ::"i"(USER_DS),
			 "r"(rflags), "i"(USER_CS), "r"(code));
	__builtin_unreachable();
}

static struct trap misaligned_read(u64 rflags)
{
	u64 *leaf = paging_leaf((u64)user_misaligned);
	u64 before = *leaf;
	struct trap trap;

	paging_set(leaf, (u64)user_misaligned, before | PTE_USER);
	trap = TRAP_OF(enter_user(user_misaligned, rflags));
	paging_set(leaf, (u64)user_misaligned, before);
	return trap;
}

TEST(debug, misaligned_read_in_ring_3_is_ac)
{
	/* Expect: with CR0.AM and RFLAGS.AC, #AC(0) at the instruction; RF is pushed as 1. */
	u64 cr0 = read_cr0();
	struct trap trap;

	write_cr0(cr0 | CR0_AM);
	seen_rflags = 0;
	trap_set_handler(VECTOR_AC, note_and_go_on);
	trap = misaligned_read(RFLAGS_FIXED | RFLAGS_AC);
	trap_set_handler(VECTOR_AC, NULL);
	write_cr0(cr0);
	EXPECT_EQ(trap.vector, VECTOR_AC);
	EXPECT_EQ(trap.error, 0);
	EXPECT_EQ(trap.rip, user_misaligned);
	EXPECT_EQ(seen_rflags & RFLAGS_RF, RFLAGS_RF);
}

TEST(debug, alignment_is_checked_on_request_only)
{
	/* Expect: no #AC without RFLAGS.AC, without CR0.AM, or in ring 0. */
	u64 cr0 = read_cr0();

	EXPECT_EQ(misaligned_read(RFLAGS_FIXED | RFLAGS_AC).vector, USER_INTERRUPT);
	write_cr0(cr0 | CR0_AM);
	EXPECT_EQ(misaligned_read(RFLAGS_FIXED).vector, USER_INTERRUPT);
	EXPECT_EQ(TRAP_OF(__asm__ volatile("pushfq; orq %0, (%%rsp); popfq\n\t"
					   "mov user_misaligned + 1, %%eax" ::"i"(RFLAGS_AC)
					   : "rax", "cc", "memory"))
			  .vector,
		  TRAP_NONE);
	__asm__ volatile("pushfq; andq %0, (%%rsp); popfq" ::"i"(~RFLAGS_AC) : "cc", "memory");
	write_cr0(cr0);
}

TEST(debug, general_detect_is_a_fault)
{
	/* Expect: with DR7.GD, MOV from DR6 is #DB before it runs; DR6.BD says so, GD is off in the
	 * handler, so that it may use the registers. */
	struct trap trap;

	write_dr6(0);
	write_dr7(DR7_AT_RESET | DR7_GD);
	trap = TRAP_OF(__asm__ volatile("debug_at_mov_dr: mov %%dr6, %%rax" ::: "rax"));
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, debug_at_mov_dr);
	EXPECT_EQ(read_dr7(), DR7_AT_RESET);
	EXPECT_EQ(read_dr6() & DR6_EVENTS, DR6_BD);
	write_dr6(0);
}

TEST(debug, icebp_is_a_trap)
{
	/* Expect: INT1 (F1h) is #DB behind it; DR6 names no reason. */
	struct trap trap;

	write_dr6(0);
	trap = TRAP_OF(__asm__ volatile(".byte 0xf1; debug_after_icebp: nop"));
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, debug_after_icebp);
	EXPECT_EQ(read_dr6() & DR6_EVENTS, 0);
}

TEST(debug, two_reasons_arrive_together)
{
	/* Expect: a write to a breakpoint's address in a single step is one #DB, B0 and BS. */
	struct trap trap;

	write_dr6(0);
	write_dr0((u64)&word);
	write_dr7(DR7_AT_RESET | DR7_L0 | DR7_WRITE_8);
	trap = TRAP_OF(__asm__ volatile("pushfq; orq %0, (%%rsp); popfq\n\t"
					"movq $1, %1\n"
					"debug_after_write: nop" ::"i"(RFLAGS_TF),
					"m"(word)
					: "cc", "memory"));
	write_dr7(DR7_AT_RESET);
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, debug_after_write);
	EXPECT_EQ(read_dr6() & DR6_EVENTS, DR6_B0 | DR6_BS);
	write_dr6(0);
}

TEST(debug, dr6_keeps_what_it_said)
{
	/* Expect: the next #DB does not clear BS, which only software does. */
	write_dr6(DR6_BS);
	write_dr0((u64)&word);
	write_dr7(DR7_AT_RESET | DR7_L0 | DR7_WRITE_8);
	EXPECT_EQ(TRAP_OF(WRITE_ONCE(word, 2)).vector, VECTOR_DB);
	write_dr7(DR7_AT_RESET);
	EXPECT_EQ(read_dr6() & DR6_EVENTS, DR6_B0 | DR6_BS);
	write_dr6(0);
}

TEST(debug, rf_lets_the_instruction_pass)
{
	/* Expect: a breakpoint on an instruction pushes RF = 0; a handler that sets it in the frame
	 * returns to the instruction, which runs, and the breakpoint stays armed in DR7. */
	write_dr6(0);
	write_dr0((u64)debug_at_nop);
	write_dr7(DR7_AT_RESET | DR7_L0);
	seen_rip = 0;
	trap_set_handler(VECTOR_DB, note_and_resume);
	EXPECT_EQ(TRAP_OF(__asm__ volatile("debug_at_nop: nop")).vector, TRAP_NONE);
	trap_set_handler(VECTOR_DB, NULL);
	write_dr7(DR7_AT_RESET);
	EXPECT_EQ(seen_rip, debug_at_nop);
	EXPECT_EQ(seen_rflags & RFLAGS_RF, 0);
	EXPECT_EQ(seen_dr7 & DR7_L0, DR7_L0);
	EXPECT_EQ(read_dr6() & DR6_EVENTS, DR6_B0);
	write_dr6(0);
}

TEST(debug, mov_ss_puts_a_step_off)
{
	/* Expect: with RFLAGS.TF, the step of MOV SS does not come; the next instruction's does. */
	struct trap trap;

	write_dr6(0);
	trap = TRAP_OF(__asm__ volatile("mov %%ss, %%ecx\n\t"
					"pushfq; orq %0, (%%rsp); popfq\n\t"
					"mov %%ecx, %%ss\n\t"
					"nop\n"
					"debug_after_ss_nop: nop" ::"i"(RFLAGS_TF)
					: "rcx", "cc", "memory"));
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, debug_after_ss_nop);
	EXPECT_EQ(read_dr6() & DR6_EVENTS, DR6_BS);
	write_dr6(0);
}

TEST(debug, int3_behind_mov_ss)
{
	/* Expect: #BP, behind the INT3. */
	struct trap trap = TRAP_OF(__asm__ volatile("mov %%ss, %%ecx; mov %%ecx, %%ss; int3\n"
						    "debug_after_ss_int3:" ::
							    : "rcx"));

	EXPECT_EQ(trap.vector, VECTOR_BP);
	EXPECT_EQ(trap.rip, debug_after_ss_int3);
}

TEST(debug, icebp_behind_mov_ss_while_stepping)
{
	/* Expect: #DB behind the ICEBP; the guest goes on (an entry with a pending step that is not
	 * there would fail). */
	struct trap trap;

	write_dr6(0);
	trap = TRAP_OF(__asm__ volatile("mov %%ss, %%ecx\n\t"
					"pushfq; orq %0, (%%rsp); popfq\n\t"
					"mov %%ecx, %%ss\n\t"
					".byte 0xf1\n"
					"debug_after_ss_icebp: nop" ::"i"(RFLAGS_TF)
					: "rcx", "cc", "memory"));
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(trap.rip, debug_after_ss_icebp);
	write_dr6(0);
}
