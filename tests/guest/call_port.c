/* SPDX-License-Identifier: MIT */
/* Hypercalls by IN EAX from NESTOR_CALL_PORT (hv/abi.h): who makes one, and who finds no port. */
#include "hv/x86.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/lib/vmx_l2.h"
#include "tests/test.h"

#define PORT         NESTOR_CALL_PORT
#define ONES         0xffffffffu
#define UNKNOWN_CALL 0x7fffULL

struct call {
	u64 rax, rbx, rcx, rdx, rsi;
};

static void call_by_port(struct call *c)
{
	__asm__ volatile("inl %%dx, %%eax"
			 : "+a"(c->rax), "+b"(c->rbx), "+c"(c->rcx), "+d"(c->rdx), "+S"(c->rsi)
			 :
			 : "memory");
}

static u64 unclaimed(void)
{
	return nestor_count(NESTOR_COUNTER_PORT_UNCLAIMED);
}

TEST(nestor, port_makes_the_calls_of_vmcall)
{
	/* Expect: the same results in RAX and RBX, errors of 64 bits; all else stays. */
	struct call good = { NESTOR_CALL_CAPABILITIES, 1, 2, PORT, 4 };
	struct call bad = { UNKNOWN_CALL, 1, 2, PORT, 4 };
	u64 capabilities;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(nestor_call(NESTOR_CALL_CAPABILITIES, 0, 0, &capabilities), 0);
	call_by_port(&good);
	EXPECT_EQ(good.rax, 0);
	EXPECT_EQ(good.rbx, capabilities);
	EXPECT_EQ(good.rcx, 2);
	EXPECT_EQ(good.rdx, PORT);
	EXPECT_EQ(good.rsi, 4);
	call_by_port(&bad);
	EXPECT_EQ((s64)bad.rax, -NESTOR_ENOTSUP);
	EXPECT_EQ(bad.rbx, 1);
}

TEST(nestor, port_takes_the_third_argument_from_rsi)
{
	/* Expect: a region with the flags that RSI says, not RDX's. */
	struct call add = { NESTOR_CALL_REGION_ADD, REGION_HERE, REGION_BYTES, PORT,
			    NESTOR_REGION_READONLY };

	TEST_CALLS_REQUIRED();
	call_by_port(&add);
	EXPECT_EQ(add.rax, 0);
	EXPECT_EQ(add.rbx, REGION_HERE);
	*(volatile u64 *)REGION_HERE = 0x1234;
	EXPECT(*(volatile u64 *)REGION_HERE != 0x1234);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

TEST(nestor, port_is_not_there_without_test_calls)
{
	/* Expect: IN EAX reads all ones, changes no other register, and is counted. */
	struct call c = { NESTOR_CALL_CAPABILITIES, 1, 2, PORT, 4 };
	u64 before = unclaimed();

	if (nestor_has(NESTOR_CAP_TEST_CALLS))
		SKIP("test_calls = on");
	call_by_port(&c);
	EXPECT_EQ(c.rax, ONES);
	EXPECT_EQ(c.rbx, 1);
	if (nestor_is_present())
		EXPECT_EQ(unclaimed(), before + 1);
}

TEST(nestor, port_answers_no_other_access)
{
	/* Expect: other sizes, neighbours, OUT, INS and OUTS find no device and make no call. */
	static u32 words[2];
	u64 before, rbx = 1, rax = NESTOR_CALL_CAPABILITIES;
	u32 *to = words;

	TEST_CALLS_REQUIRED();
	before = unclaimed();
	__asm__ volatile("inb %%dx, %%al" : "+a"(rax), "+b"(rbx) : "d"(PORT));
	EXPECT_EQ(rax, 0xff);
	rax = NESTOR_CALL_CAPABILITIES;
	__asm__ volatile("inw %%dx, %%ax" : "+a"(rax), "+b"(rbx) : "d"(PORT));
	EXPECT_EQ(rax, 0xffff);
	rax = NESTOR_CALL_CAPABILITIES;
	__asm__ volatile("inl %%dx, %%eax" : "+a"(rax), "+b"(rbx) : "d"(PORT + 1));
	EXPECT_EQ(rax, ONES);
	rax = NESTOR_CALL_CAPABILITIES;
	__asm__ volatile("outl %%eax, %%dx" : "+a"(rax), "+b"(rbx) : "d"(PORT));
	EXPECT_EQ(rax, NESTOR_CALL_CAPABILITIES);
	__asm__ volatile("insl" : "+a"(rax), "+b"(rbx), "+D"(to) : "d"(PORT) : "memory");
	EXPECT_EQ(words[0], ONES);
	to = words;
	__asm__ volatile("outsl" : "+a"(rax), "+b"(rbx), "+S"(to) : "d"(PORT) : "memory");
	EXPECT_EQ(rax, NESTOR_CALL_CAPABILITIES);
	EXPECT_EQ(rbx, 1);
	EXPECT_EQ(unclaimed(), before + 6);
}

static u64 user_rax, user_rbx;

static bool note_registers(struct trap_frame *frame)
{
	user_rax = frame->rax;
	user_rbx = frame->rbx;
	return false;
}

TEST(nestor, port_is_for_programs_that_may_use_it)
{
	/* Expect: #GP in ring 3 without the right to ports, and with it the call, where VMCALL
	 * stays #UD. */
	struct trap trap;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(trap_of_user(user_call).vector, VECTOR_GP);
	trap_set_handler(USER_INTERRUPT, note_registers);
	trap = trap_of_user_with_iopl(user_call, 3);
	trap_set_handler(USER_INTERRUPT, NULL);
	EXPECT_EQ(trap.vector, USER_INTERRUPT);
	EXPECT_EQ(user_rax, 0);
	EXPECT(user_rbx & NESTOR_CAP_TEST_CALLS);
	EXPECT_EQ(trap_of_user_with_iopl(user_vmcall, 3).vector, VECTOR_UD);
}

L2_CODE(l2_call, "in %dx, %eax");

static struct l2 *l2_that_calls(void)
{
	struct l2 *l2 = l2_new(l2_call);

	l2->regs[RAX] = NESTOR_CALL_CAPABILITIES;
	l2->regs[RBX] = 1;
	l2->regs[RDX] = PORT;
	return l2;
}

VMX_TEST(nestor, port_is_not_there_for_an_l2, 0)
{
	/* Expect: all ones and no call where L1 lets it through; else an exit to L1. */
	struct l2 *l2;
	u64 before = unclaimed();

	l2 = l2_that_calls();
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
	EXPECT_EQ(l2->regs[RAX], ONES);
	EXPECT_EQ(l2->regs[RBX], 1);
	if (nestor_is_present())
		EXPECT_EQ(unclaimed(), before + 1);
	l2 = l2_that_calls();
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_UNCOND_IO);
	control_on(CONTROL_SET_CPU, CPU_UNCOND_IO);
	EXPECT_EQ(l2_enter(l2), EXIT_IO);
	EXPECT_EQ(l2->regs[RAX], NESTOR_CALL_CAPABILITIES);
	EXPECT_EQ(l2->regs[RBX], 1);
}
