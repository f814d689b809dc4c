/* SPDX-License-Identifier: MIT */
/* Several L2s: on one CPU by turns, more of them than a hypervisor may keep at hand, on two CPUs,
 * and from one CPU to another. */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_smp.h"

#define VMCALL_LENGTH             3u
#define L2S_MANY                  300u /* with four CPUs */
#define ROUNDS_CPUS               200u
#define ERROR_LAUNCH_NOT_CLEAR    4u
#define ERROR_RESUME_NOT_LAUNCHED 5u
#define GPA                       0xd0000000ULL

/* Each turn: count in a register and in memory, add up, and see what FS has. */
L2_CODE(turns, "1: inc %rax; add %rax, %rcx; incq (%rdi); mov %fs:8, %rdx; push %rax; pop %rbx\n"
	       "vmcall; jmp 1b");

struct party {
	struct l2 *l2;
	u64 *page; /* counter at 0, a number of its own at 8 */
};

static struct party parties[L2S_MANY];

static void join(u32 i)
{
	struct party *p = &parties[i];

	p->page = (u64 *)vmx_page();
	p->page[1] = 0xf5000 + i;
	p->l2 = l2_new(turns);
	p->l2->regs[RDI] = (u64)p->page;
	p->l2->regs[RAX] = 1000ULL * i;
	p->l2->regs[R15] = ~(u64)i;
	vmx_write(VMCS_GUEST_BASE_FS, (u64)p->page);
	vmx_write(VMCS_GUEST_SYSENTER_EIP, 0x1000 + i);
}

/* One turn of one of them, with its VMCS current. */
static void take_turn(struct party *p)
{
	EXPECT_EQ(l2_enter(p->l2), EXIT_VMCALL);
	l2_skip();
}

/* After so many turns all is its own. */
static void expect_turns(u32 i, u64 count)
{
	const struct party *p = &parties[i];
	const u64 *regs = p->l2->regs;

	EXPECT_EQ(regs[RAX], 1000ULL * i + count);
	EXPECT_EQ(regs[RCX], 1000ULL * i * count + count * (count + 1) / 2);
	EXPECT_EQ(regs[RBX], regs[RAX]);
	EXPECT_EQ(regs[RDX], 0xf5000 + i);
	EXPECT_EQ(regs[R15], ~(u64)i);
	EXPECT_EQ(p->page[0], count);
}

static void alternate(u32 count, u32 rounds)
{
	for (u32 i = 0; i < count; i++)
		join(i);
	for (u32 round = 0; round < rounds; round++) {
		for (u32 i = 0; i < count; i++) {
			l2_load(parties[i].l2);
			EXPECT_EQ(vmx_read(VMCS_GUEST_SYSENTER_EIP), 0x1000 + i);
			take_turn(&parties[i]);
		}
	}
	for (u32 i = 0; i < count; i++)
		expect_turns(i, rounds);
}

VMX_TEST(vmx_context, two_l2s_alternate, 0)
{
	/* Expect: registers, segments, stack and memory of each are its own, over 50 turns. */
	alternate(2, 50);
}

VMX_TEST(vmx_context, four_l2s_alternate, 0)
{
	/* Expect: the same of four. */
	alternate(4, 25);
}

VMX_TEST(vmx_context, sixteen_l2s_alternate, 0)
{
	/* Expect: the same of sixteen. */
	alternate(16, 10);
}

VMX_TEST(vmx_context, many_l2s_go_round, 0)
{
	/* Expect: more VMCSs than Nestor keeps at hand, 64 for each CPU: none loses its state. */
	alternate(MIN(64 * smp_count() + 36, L2S_MANY), 3);
}

VMX_TEST(vmx_context, irregular_order_loses_nothing, 0)
{
	/* Expect: 30 L2s, each picked by a generator of numbers, 300 turns in all. */
	u32 count = 30, counts[30] = { 0 }, random = 12345;

	for (u32 i = 0; i < count; i++)
		join(i);
	for (u32 turn = 0; turn < 300; turn++) {
		u32 i;

		random = random * 1103515245u + 12345u;
		i = (random >> 16) % count;
		l2_load(parties[i].l2);
		take_turn(&parties[i]);
		counts[i]++;
	}
	for (u32 i = 0; i < count; i++) {
		if (counts[i])
			expect_turns(i, counts[i]);
	}
}

VMX_TEST(vmx_context, each_vmcs_has_a_launch_state, 0)
{
	/* Expect: VMLAUNCH of a launched one fails (4), VMRESUME of a clear one too (5),
	 * whatever the other one is; VMCLEAR makes one clear. */
	struct l2 *first = l2_new(turns), *second;
	u64 page = vmx_page();

	first->regs[RDI] = page;
	EXPECT_EQ(l2_enter(first), EXIT_VMCALL);
	second = l2_new(turns);
	second->regs[RDI] = page;
	second->launched = 1;
	EXPECT_EQ(l2_enter(second), L2_VMFAIL | ERROR_RESUME_NOT_LAUNCHED);
	l2_load(first);
	first->launched = 0;
	EXPECT_EQ(l2_enter(first), L2_VMFAIL | ERROR_LAUNCH_NOT_CLEAR);
	first->launched = 1;
	EXPECT_EQ(l2_enter(first), EXIT_VMCALL);
	l2_load(second);
	second->launched = 0;
	EXPECT_EQ(l2_enter(second), EXIT_VMCALL);
	l2_clear(first);
	l2_load(first);
	first->launched = 1;
	EXPECT_EQ(l2_enter(first), L2_VMFAIL | ERROR_RESUME_NOT_LAUNCHED);
	first->launched = 0;
	EXPECT_EQ(l2_enter(first), EXIT_VMCALL);
}

VMX_TEST(vmx_context, vmclear_keeps_the_state, 0)
{
	/* Expect: cleared and loaded again, an L2 goes on where it was. */
	join(0);
	for (u32 turn = 0; turn < 20; turn++) {
		take_turn(&parties[0]);
		l2_clear(parties[0].l2);
		l2_load(parties[0].l2);
	}
	expect_turns(0, 20);
	EXPECT_FIELD(GUEST_SYSENTER_EIP, 0x1000);
}

VMX_TEST(vmx_context, a_cleared_vmcs_outlives_vmx_operation, 0)
{
	/* Expect: VMCLEAR, VMXOFF, VMXON, and the L2 goes on. */
	u64 bitmap = vmx_page();

	join(0);
	vmx_write(VMCS_MSR_BITMAP, bitmap);
	take_turn(&parties[0]);
	l2_clear(parties[0].l2);
	vmx_off();
	vmx_on();
	l2_load(parties[0].l2);
	take_turn(&parties[0]);
	expect_turns(0, 2);
}

VMX_TEST(vmx_context, fields_are_the_vmcs_own, 0)
{
	/* Expect: controls and guest fields written to one of 20 VMCSs are not in another. */
	for (u32 i = 0; i < 20; i++) {
		join(i);
		vmx_write(VMCS_CR0_SHADOW, 0x100 + i);
		vmx_write(VMCS_EXCEPTION_BITMAP, ~(1u << i));
		vmx_write(VMCS_CR3_TARGET2, 0x5000000ULL * i);
		vmx_write(VMCS_GUEST_RSP, 0x777000 + i);
	}
	for (u32 i = 0; i < 20; i++) {
		l2_load(parties[i].l2);
		EXPECT_FIELD(CR0_SHADOW, 0x100 + i);
		EXPECT_FIELD(EXCEPTION_BITMAP, ~(1u << i));
		EXPECT_FIELD(CR3_TARGET2, 0x5000000ULL * i);
		EXPECT_FIELD(GUEST_RSP, 0x777000 + i);
	}
}

L2_CODE(read_page, "1: mov (%rsi), %rax; vmcall; jmp 1b");

VMX_TEST(vmx_context, l2s_with_other_ept_and_vpid_alternate, 0)
{
	/* Expect: four L2s with EPTP and VPID of their own read their own page at one address, also
	 * after each is replaced in turn. */
	struct l2 *l2s[4];
	u64 eptps[4];

	NEEDS_EPT(EPT_CAP_MASK(INVEPT_SINGLE));
	NEEDS_CONTROL(CONTROL_SET_CPU2, CPU2_ENABLE_VPID);
	for (u16 i = 0; i < 4; i++) {
		eptps[i] = ept_new();
		l2s[i] = l2_new(read_page);
		ept_use(eptps[i]);
		control_on(CONTROL_SET_CPU2, CPU2_ENABLE_VPID);
		vmx_write(VMCS_VPID, i + 1u);
		l2s[i]->regs[RSI] = GPA;
	}
	for (u64 round = 0; round < 4; round++) {
		for (u64 i = 0; i < 4; i++) {
			u64 *page = (u64 *)vmx_page();

			*page = round * 16 + i;
			ept_map(eptps[i], GPA, EPT_LEVEL_4K, (u64)page | EPT_MEMORY);
			EXPECT(ept_invalidate(INVEPT_SINGLE, eptps[i]));
			l2_load(l2s[i]);
			EXPECT_EQ(l2_enter(l2s[i]), EXIT_VMCALL);
			l2_skip();
			EXPECT_EQ(l2s[i]->regs[RAX], round * 16 + i);
		}
	}
}

/* --- two CPUs --- */
/* Turns of one L2 on the CPU that is asked; nothing here may fail a test, CPU 0 judges. */
struct trip {
	struct party *party;
	u32 turns, wrong;
};

static void travel(void *argument)
{
	struct trip *trip = argument;
	struct l2 *l2 = trip->party->l2;

	l2_arrive(l2);
	for (u32 turn = 0; turn < trip->turns; turn++) {
		if (l2_enter(l2) != EXIT_VMCALL)
			trip->wrong++;
		l2_skip();
	}
	l2_clear(l2);
}

VMX_TEST(vmx_context, an_l2_moves_between_cpus, NEED_CPUS_2)
{
	/* Expect: VMCLEAR here, VMPTRLD there, and back, 50 times: no turn is lost. */
	struct trip trip = { .party = &parties[0], .turns = 3 };

	EXPECT(vmx_smp_on(1));
	join(0);
	l2_clear(parties[0].l2);
	for (u32 round = 0; round < 50; round++) {
		EXPECT(smp_run(1, travel, &trip));
		travel(&trip);
	}
	EXPECT_EQ(trip.wrong, 0);
	expect_turns(0, 300);
	EXPECT(vmx_smp_off(1));
}

VMX_TEST(vmx_context, two_cpus_run_l2s_at_once, NEED_CPUS_2)
{
	/* Expect: each does its turns; nothing mixes. */
	struct trip there = { .party = &parties[0], .turns = ROUNDS_CPUS };
	struct trip here = { .party = &parties[1], .turns = ROUNDS_CPUS };

	EXPECT(vmx_smp_on(1));
	join(0);
	l2_clear(parties[0].l2);
	join(1);
	l2_clear(parties[1].l2);
	smp_start(1, travel, &there);
	travel(&here);
	EXPECT(smp_finish(1));
	EXPECT_EQ(there.wrong + here.wrong, 0);
	expect_turns(0, ROUNDS_CPUS);
	expect_turns(1, ROUNDS_CPUS);
	EXPECT(vmx_smp_off(1));
}

VMX_TEST(vmx_context, many_l2s_wander_between_cpus, NEED_CPUS_2)
{
	/* Expect: ten L2s, each on the other CPU by turns, while this CPU runs the rest. */
	struct trip there = { .turns = 2 }, here = { .turns = 2 };
	u32 count = 10;

	EXPECT(vmx_smp_on(1));
	for (u32 i = 0; i < count; i++) {
		join(i);
		l2_clear(parties[i].l2);
	}
	for (u32 round = 0; round < 10; round++) {
		for (u32 i = 0; i < count; i++) {
			there.party = &parties[i];
			here.party = &parties[(i + 1) % count];
			smp_start(1, travel, &there);
			travel(&here);
			EXPECT(smp_finish(1));
		}
	}
	EXPECT_EQ(there.wrong + here.wrong, 0);
	for (u32 i = 0; i < count; i++)
		expect_turns(i, 40);
	EXPECT(vmx_smp_off(1));
}

/* L2s of two CPUs add to one counter. */
L2_CODE(locked_adds, "mov $20000, %ecx; 1: lock incq (%rdi); dec %ecx; jnz 1b");

VMX_TEST(vmx_context, l2s_of_two_cpus_share_memory, NEED_CPUS_2)
{
	/* Expect: locked additions of both, by way of EPT of their own, all count. */
	u64 *counter = (u64 *)vmx_page();
	struct l2 *l2s[2];

	NEEDS_EPT(0);
	for (u32 i = 0; i < 2; i++) {
		u64 eptp;

		l2s[i] = l2_under_ept(locked_adds, &eptp);
		ept_map(eptp, GPA + i * PAGE_SIZE, EPT_LEVEL_4K, (u64)counter | EPT_MEMORY);
		l2s[i]->regs[RDI] = GPA + i * PAGE_SIZE;
	}
	EXPECT(l2_start_beside(l2s[1]));
	l2_load(l2s[0]);
	EXPECT_EQ(l2_enter(l2s[0]), EXIT_VMCALL);
	EXPECT_EQ(l2_finish_beside(), EXIT_VMCALL);
	EXPECT_EQ(*counter, 40000);
}
