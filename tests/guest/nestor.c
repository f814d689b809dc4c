/* SPDX-License-Identifier: MIT */
/* Nestor's own interface (hv/abi.h): only where it is there, else each test is skipped. */
#include "tests/guest/lib/nestor.h"
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/lib/vmx.h"
#include "tests/test.h"

#define CPUID_LOOPS  37u
#define L2_LOOPS     7u
#define UNKNOWN_CALL 0x7fffULL
#define ERRNO_MAX    4095
#define BEYOND_RAM   0x000ffffffffff000ULL

#define NESTOR_REQUIRED()                     \
	do {                                  \
		if (!nestor_is_present())     \
			SKIP("needs Nestor"); \
	} while (0)

static bool is_error(s64 result)
{
	return result < 0 && result >= -ERRNO_MAX;
}

TEST(nestor, cpuid_range_names_its_version)
{
	/* Expect: base + 1 answers the ABI version, and the hypervisor bit is set. */
	NESTOR_REQUIRED();
	EXPECT_EQ(cpuid(nestor_cpuid_base() + 1, 0).eax, NESTOR_ABI_VERSION);
	EXPECT(cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR);
}

TEST(nestor, capabilities_are_known_bits)
{
	/* Expect: success, no bits beyond those of the ABI,
	 * and NESTED says the same as CPUID's VMX. */
	u64 capabilities = ~0ULL;

	NESTOR_REQUIRED();
	EXPECT_EQ(nestor_call(NESTOR_CALL_CAPABILITIES, 0, 0, &capabilities), 0);
	EXPECT_EQ(capabilities & ~(NESTOR_CAP_TEST_CALLS | NESTOR_CAP_NESTED |
				   NESTOR_CAP_TPR_SHADOW | NESTOR_CAP_APIC_VIRTUAL),
		  0);
	EXPECT_EQ((capabilities & NESTOR_CAP_NESTED) != 0, has_vmx());
}

TEST(nestor, unknown_hypercall_is_an_error)
{
	/* Expect: a negative error number for call 0,
	 * one that is not assigned, and one with high bits set. */
	NESTOR_REQUIRED();
	EXPECT(is_error(nestor_call(0, 0, 0, NULL)));
	EXPECT(is_error(nestor_call(UNKNOWN_CALL, 0, 0, NULL)));
	EXPECT(is_error(nestor_call(BIT(32) | NESTOR_CALL_CAPABILITIES, 0, 0, NULL)));
}

TEST(nestor, console_refuses_bad_memory)
{
	/* Expect: an error, and nothing printed,
	 * for memory that is no RAM, wraps around, or is too long. */
	static const char text[] = "not to be seen\n";

	NESTOR_REQUIRED();
	EXPECT(is_error(nestor_call(NESTOR_CALL_CONSOLE, BEYOND_RAM, 16, NULL)));
	EXPECT(is_error(nestor_call(NESTOR_CALL_CONSOLE, ~0ULL - 8, 16, NULL)));
	EXPECT(is_error(nestor_call(NESTOR_CALL_CONSOLE, (u64)text, NESTOR_CONSOLE_MAX + 1, NULL)));
	EXPECT(is_error(nestor_call(NESTOR_CALL_CONSOLE, (u64)text, ~0ULL, NULL)));
}

TEST(nestor, console_takes_an_empty_line)
{
	/* Expect: zero bytes are fine. */
	NESTOR_REQUIRED();
	EXPECT_EQ(nestor_call(NESTOR_CALL_CONSOLE, 0x1000, 0, NULL), 0);
}

TEST(nestor, test_result_refuses_bad_outcomes)
{
	/* Expect: an error for an outcome that is not in the enum; it counts nowhere. */
	NESTOR_REQUIRED();
	EXPECT(is_error(nestor_call(NESTOR_CALL_TEST_RESULT, NESTOR_TEST_ERROR + 1, 0, NULL)));
	EXPECT(is_error(nestor_call(NESTOR_CALL_TEST_RESULT, ~0ULL, 0, NULL)));
}

TEST(nestor, counters_grow)
{
	/* Expect: as many counters as the table has;
	 * exits and hypercalls grow by what the guest does, no less. */
	static u64 before[NESTOR_COUNTERS], after[NESTOR_COUNTERS];
	u64 count = 0;

	NESTOR_REQUIRED();
	EXPECT_EQ(nestor_call(NESTOR_CALL_COUNTERS, (u64)before, 0, &count), 0);
	EXPECT(count >= NESTOR_COUNTERS);
	EXPECT(nestor_read_counters(before));
	for (u32 i = 0; i < CPUID_LOOPS; i++)
		cpuid(0, 0);
	EXPECT(nestor_read_counters(after));
	EXPECT(after[NESTOR_COUNTER_EXITS] >= before[NESTOR_COUNTER_EXITS] + CPUID_LOOPS + 1);
	EXPECT_EQ(after[NESTOR_COUNTER_HYPERCALLS], before[NESTOR_COUNTER_HYPERCALLS] + 1);
}

TEST(nestor, counters_stay_inside_the_buffer)
{
	/* Expect: with room for two values only two are written;
	 * memory that is no RAM is an error. */
	static u64 values[3];

	NESTOR_REQUIRED();
	values[2] = 0x1234;
	EXPECT_EQ(nestor_call(NESTOR_CALL_COUNTERS, (u64)values, 2, NULL), 0);
	EXPECT(values[0] != 0);
	EXPECT_EQ(values[2], 0x1234);
	EXPECT(is_error(nestor_call(NESTOR_CALL_COUNTERS, BEYOND_RAM, 2, NULL)));
	EXPECT(is_error(nestor_call(NESTOR_CALL_EXIT_COUNTS, BEYOND_RAM, 2, NULL)));
}

TEST(nestor, cpuid_exits_are_counted_exactly)
{
	/* Expect: the count of CPUID exits grows by the number executed. */
	u64 before, after;

	NESTOR_REQUIRED();
	before = nestor_exit_count(EXIT_CPUID);
	for (u32 i = 0; i < CPUID_LOOPS; i++)
		cpuid(0, 0);
	after = nestor_exit_count(EXIT_CPUID);
	EXPECT(before != ~0ULL);
	EXPECT_EQ(after - before, CPUID_LOOPS);
}

TEST(nestor, exits_of_l2_are_counted_apart)
{
	/* Expect: an L2's VMCALLs are counted as L2's, not as hypercalls of L1. */
	u64 before[2][EXIT_VMCALL + 1], after[2][EXIT_VMCALL + 1];
	struct l2 l2;

	NESTOR_REQUIRED();
	if (vmx_lacks())
		SKIP(vmx_lacks());
	vmx_on();
	l2_create(&l2, vmcall_for_ever, 0, 0);
	nestor_call(NESTOR_CALL_EXIT_COUNTS, (u64)before[0], EXIT_VMCALL + 1, NULL);
	nestor_call(NESTOR_CALL_EXITS_OF_L2, (u64)before[1], EXIT_VMCALL + 1, NULL);
	for (u32 i = 0; i < L2_LOOPS; i++)
		EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
	nestor_call(NESTOR_CALL_EXIT_COUNTS, (u64)after[0], EXIT_VMCALL + 1, NULL);
	nestor_call(NESTOR_CALL_EXITS_OF_L2, (u64)after[1], EXIT_VMCALL + 1, NULL);
	l2_destroy(&l2);
	vmx_off();
	/* The second call before, and the first after. */
	EXPECT_EQ(after[0][EXIT_VMCALL] - before[0][EXIT_VMCALL], 2);
	EXPECT_EQ(after[1][EXIT_VMCALL] - before[1][EXIT_VMCALL], L2_LOOPS);
}

TEST(nestor, machine_check_enable_stays_with_nestor)
{
	/* Expect: each change of CR4.MCE exits, so that the CPU never runs without it; the guest
	 * sees its own value. */
	u64 cr4 = read_cr4(), before, after;

	NESTOR_REQUIRED();
	if (!(cpuid(1, 0).edx & BIT(7)))
		SKIP("the CPU has no machine-check exception");
	before = nestor_exit_count(EXIT_CR_ACCESS);
	write_cr4(cr4 ^ CR4_MCE);
	EXPECT_EQ(read_cr4(), cr4 ^ CR4_MCE);
	write_cr4(cr4);
	EXPECT_EQ(read_cr4(), cr4);
	after = nestor_exit_count(EXIT_CR_ACCESS);
	EXPECT_EQ(after - before, 2);
}

TEST(nestor, unclaimed_port_and_msr_are_counted)
{
	/* Expect: one access to an unclaimed port, one to an unknown MSR:
	 * each counter grows by one. */
	static u64 before[NESTOR_COUNTERS], after[NESTOR_COUNTERS];

	NESTOR_REQUIRED();
	EXPECT(nestor_read_counters(before));
	in8(0x6f0);
	EXPECT_EQ(TRAP_OF(rdmsr(0x1fff)).vector, VECTOR_GP);
	EXPECT(nestor_read_counters(after));
	EXPECT_EQ(after[NESTOR_COUNTER_PORT_UNCLAIMED], before[NESTOR_COUNTER_PORT_UNCLAIMED] + 1);
	EXPECT_EQ(after[NESTOR_COUNTER_MSR_UNCLAIMED], before[NESTOR_COUNTER_MSR_UNCLAIMED] + 1);
}

TEST(nestor, hypercall_from_ring_3_is_ud)
{
	/* Expect: VMCALL in ring 3 is #UD at the instruction. */
	struct trap trap;

	NESTOR_REQUIRED();
	trap = trap_of_user(user_vmcall);
	EXPECT_EQ(trap.vector, VECTOR_UD);
	EXPECT_EQ(trap.rip, user_vmcall);
}

TEST(nestor, hypercall_keeps_the_other_registers)
{
	/* Expect: RCX, RDX, RSI, RDI, RBP and R8 to R15 come back as they were. */
	u64 regs[12] = { 0 };

	NESTOR_REQUIRED();
	__asm__ volatile("push %%rbp\n\t"
			 "mov %1, %%eax\n\t"
			 "xor %%ebx, %%ebx\n\t"
			 "mov $1, %%ecx; mov $2, %%edx; mov $3, %%esi; mov $4, %%ebp\n\t"
			 "mov $5, %%r8d; mov $6, %%r9d; mov $7, %%r10d; mov $8, %%r11d\n\t"
			 "mov $9, %%r12d; mov $10, %%r13d; mov $11, %%r14d; mov $12, %%r15d\n\t"
			 "vmcall\n\t"
			 "mov %%rcx, 0(%%rdi); mov %%rdx, 8(%%rdi); mov %%rsi, 16(%%rdi)\n\t"
			 "mov %%rbp, 24(%%rdi); mov %%r8, 32(%%rdi); mov %%r9, 40(%%rdi)\n\t"
			 "mov %%r10, 48(%%rdi); mov %%r11, 56(%%rdi); mov %%r12, 64(%%rdi)\n\t"
			 "mov %%r13, 72(%%rdi); mov %%r14, 80(%%rdi); mov %%r15, 88(%%rdi)\n\t"
			 "pop %%rbp"
			 :
			 : "D"(regs), "i"(NESTOR_CALL_CAPABILITIES)
			 : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12",
			   "r13", "r14", "r15", "cc", "memory");
	for (u64 i = 0; i < 12; i++)
		EXPECT_EQ(regs[i], i + 1);
}

TEST(nestor, recorder_can_be_printed)
{
	/* Expect: success, also for more exits than there are; what it prints is for people. */
	NESTOR_REQUIRED();
	EXPECT_EQ(nestor_call(NESTOR_CALL_RECORDER, 2, 0, NULL), 0);
	EXPECT_EQ(nestor_call(NESTOR_CALL_RECORDER, 0, 0, NULL), 0);
}
