/* SPDX-License-Identifier: MIT */
/* L1's memory comes, goes and moves (hv/abi.h) under what L2s stand on: their pages, EPT tables, bitmaps
 * and VMCSs, between entries and while an L2 runs on another CPU. Needs test_calls = on. */
#include "hv/msr_index.h"
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_smp.h"

/* Nothing of the machine is at any of these. */
#define HERE           0xd0000000ULL
#define THERE          0xd1003000ULL
#define ALIAS          0xd8000000ULL /* L2's, by its EPT */
#define BYTES          (16 * PAGE_SIZE)
#define LEAF           (EPT_RWX | EPT_WB)
#define ONES           (~0ULL)
#define ROUNDS         100u
#define WAIT           50000000ULL
#define ERROR_REVISION 11u

L2_CODE(read_insn, "mov (%rdi), %rax");
L2_CODE(write_insn, "mov %rax, (%rdi)");
L2_CODE(out_insn, "out %al, $0x80");
L2_CODE(rdmsr_insn, "rdmsr");

static s64 add(u64 gpa)
{
	return nestor_call(NESTOR_CALL_REGION_ADD, gpa, BYTES, NULL);
}

static s64 delete (u64 gpa)
{
	return nestor_call(NESTOR_CALL_REGION_DELETE, gpa, 0, NULL);
}

static s64 move(u64 from, u64 to)
{
	return nestor_call(NESTOR_CALL_REGION_MOVE, from, to, NULL);
}

static void poke(u64 gpa, u64 value)
{
	*(volatile u64 *)gpa = value;
}

static u64 l2_read(struct l2 *l2, u64 address)
{
	u32 reason;

	vmx_write(VMCS_GUEST_RIP, (u64)read_insn);
	l2->regs[RDI] = address;
	reason = l2_enter(l2);
	return reason == EXIT_VMCALL ? l2->regs[RAX] : ~(u64)reason;
}

static void l2_write(struct l2 *l2, u64 address, u64 value)
{
	vmx_write(VMCS_GUEST_RIP, (u64)write_insn);
	l2->regs[RDI] = address;
	l2->regs[RAX] = value;
	EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
}

/* --- pages of an L2 --- */
/* The region comes and goes three times; L2 finds it at this address. */
static void expect_comings(struct l2 *l2, u64 address)
{
	for (u64 i = 1; i <= 3; i++) {
		EXPECT_EQ(l2_read(l2, address), ONES);
		EXPECT_EQ(add(HERE), 0);
		poke(HERE, i);
		EXPECT_EQ(l2_read(l2, address), i);
		l2_write(l2, address, 0x100 + i);
		EXPECT_EQ(*(volatile u64 *)HERE, 0x100 + i);
		EXPECT_EQ(delete (HERE), 0);
		EXPECT_EQ(l2_read(l2, address), ONES);
		l2_write(l2, address, 5);
	}
}

VMX_TEST(vmx_context, l2_without_ept_sees_regions_come_and_go, 0)
{
	/* Expect: contents while the region is there, ones and lost writes when it is not. */
	TEST_CALLS_REQUIRED();
	expect_comings(l2_new(read_insn), HERE);
}

VMX_TEST(vmx_context, l2_under_ept_sees_regions_come_and_go, 0)
{
	/* Expect: the same where L1's EPT puts the page elsewhere; L1 changes no entry. */
	u64 eptp;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	l2 = l2_new(read_insn);
	eptp = ept_new();
	ept_use(eptp);
	ept_map(eptp, ALIAS, EPT_LEVEL_4K, HERE | LEAF);
	expect_comings(l2, ALIAS);
}

VMX_TEST(vmx_context, l2_under_large_leaves_sees_regions_come_and_go, 0)
{
	/* Expect: the same under a 2 MiB leaf of which the region is a part. */
	u64 eptp;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	l2 = l2_new(read_insn);
	eptp = ept_new();
	ept_use(eptp);
	ept_map(eptp, ALIAS, EPT_LEVEL_2M, HERE | LEAF);
	expect_comings(l2, ALIAS);
}

VMX_TEST(vmx_context, l2_sees_a_region_move, 0)
{
	/* Expect: two leaves, one for each place: the contents are where the region is. */
	u64 eptp;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	l2 = l2_new(read_insn);
	eptp = ept_new();
	ept_use(eptp);
	ept_map(eptp, ALIAS, EPT_LEVEL_4K, HERE | LEAF);
	ept_map(eptp, ALIAS + PAGE_SIZE, EPT_LEVEL_4K, THERE | LEAF);
	EXPECT_EQ(add(HERE), 0);
	poke(HERE, 0x77);
	for (u32 round = 0; round < 5; round++) {
		EXPECT_EQ(l2_read(l2, ALIAS), 0x77 + 2 * round);
		EXPECT_EQ(l2_read(l2, ALIAS + PAGE_SIZE), ONES);
		EXPECT_EQ(move(HERE, THERE), 0);
		EXPECT_EQ(l2_read(l2, ALIAS), ONES);
		EXPECT_EQ(l2_read(l2, ALIAS + PAGE_SIZE), 0x77 + 2 * round);
		l2_write(l2, ALIAS + PAGE_SIZE, 0x79 + 2 * round);
		EXPECT_EQ(move(THERE, HERE), 0);
	}
	EXPECT_EQ(delete (HERE), 0);
}

VMX_TEST(vmx_context, l2_cannot_write_a_read_only_region, 0)
{
	/* Expect: its writes are lost, without EPT and under EPT that allows them. */
	u64 eptp, before;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	EXPECT_EQ(nestor_call3(NESTOR_CALL_REGION_ADD, HERE, BYTES, NESTOR_REGION_READONLY), 0);
	before = *(volatile u64 *)HERE;
	l2 = l2_new(read_insn);
	l2_write(l2, HERE, ~before);
	EXPECT_EQ(l2_read(l2, HERE), before);
	eptp = ept_new();
	ept_use(eptp);
	ept_map(eptp, ALIAS, EPT_LEVEL_4K, HERE | LEAF);
	l2_write(l2, ALIAS, ~before);
	EXPECT_EQ(l2_read(l2, ALIAS), before);
	EXPECT_EQ(delete (HERE), 0);
}

/* --- EPT tables --- */
/* An L2 whose leaf table for ALIAS is this page; its first leaf maps a page with this value. */
static struct l2 *l2_with_table(u64 table, u64 value, u64 *eptp)
{
	struct l2 *l2 = l2_new(read_insn);
	u64 page = vmx_page();

	poke(page, value);
	poke(table, page | LEAF);
	*eptp = ept_new();
	ept_use(*eptp);
	*ept_entry(*eptp, ALIAS, EPT_LEVEL_2M) = table | EPT_RWX;
	return l2;
}

VMX_TEST(vmx_context, an_ept_table_goes_and_comes, 0)
{
	/* Expect: where the table was, entries read as ones: misconfigured; a new table there counts. */
	u64 eptp, page;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(EPT_CAP_MASK(INVEPT_SINGLE));
	EXPECT_EQ(add(HERE), 0);
	l2 = l2_with_table(HERE, 0x11, &eptp);
	EXPECT_EQ(l2_read(l2, ALIAS), 0x11);
	EXPECT_EQ(delete (HERE), 0);
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT_EQ(l2_read(l2, ALIAS), ~(u64)EXIT_EPT_MISCONFIG);
	EXPECT_EQ(add(HERE), 0);
	page = vmx_page();
	poke(page, 0x22);
	memset((void *)HERE, 0, PAGE_SIZE);
	poke(HERE, page | LEAF);
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT_EQ(l2_read(l2, ALIAS), 0x22);
	EXPECT_EQ(l2_read(l2, ALIAS + PAGE_SIZE), ~(u64)EXIT_EPT_VIOLATION);
	EXPECT_EQ(delete (HERE), 0);
}

VMX_TEST(vmx_context, an_ept_table_moves, 0)
{
	/* Expect: after the entry above it follows, all is as before; changes there count. */
	u64 eptp, page = vmx_page();
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(EPT_CAP_MASK(INVEPT_SINGLE));
	poke(page, 0x22);
	EXPECT_EQ(add(HERE), 0);
	memset((void *)HERE, 0, PAGE_SIZE);
	l2 = l2_with_table(HERE, 0x11, &eptp);
	EXPECT_EQ(l2_read(l2, ALIAS), 0x11);
	EXPECT_EQ(move(HERE, THERE), 0);
	*ept_entry(eptp, ALIAS, EPT_LEVEL_2M) = THERE | EPT_RWX;
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT_EQ(l2_read(l2, ALIAS), 0x11);
	poke(THERE, page | LEAF);
	EXPECT(ept_invalidate(INVEPT_SINGLE, eptp));
	EXPECT_EQ(l2_read(l2, ALIAS), 0x22);
	EXPECT_EQ(delete (THERE), 0);
}

/* --- bitmaps --- */
static u32 l2_rdmsr(struct l2 *l2)
{
	vmx_write(VMCS_GUEST_RIP, (u64)rdmsr_insn);
	l2->regs[RCX] = MSR_IA32_LSTAR;
	return l2_enter(l2);
}

VMX_TEST(vmx_context, an_msr_bitmap_goes_comes_and_moves, 0)
{
	/* Expect: contents decide while it is there, every access exits while it is not. */
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	l2 = l2_new(rdmsr_insn);
	vmx_write(VMCS_MSR_BITMAP, HERE);
	for (u32 round = 0; round < 3; round++) {
		EXPECT_EQ(l2_rdmsr(l2), EXIT_RDMSR);
		EXPECT_EQ(add(HERE), 0);
		memset((void *)HERE, 0, PAGE_SIZE);
		EXPECT_EQ(l2_rdmsr(l2), EXIT_VMCALL);
		EXPECT_EQ(move(HERE, THERE), 0);
		EXPECT_EQ(l2_rdmsr(l2), EXIT_RDMSR);
		vmx_write(VMCS_MSR_BITMAP, THERE);
		EXPECT_EQ(l2_rdmsr(l2), EXIT_VMCALL);
		vmx_write(VMCS_MSR_BITMAP, HERE);
		EXPECT_EQ(delete (THERE), 0);
	}
}

VMX_TEST(vmx_context, io_bitmaps_go_and_come, 0)
{
	/* Expect: the same of I/O bitmaps. */
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_CONTROL(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	l2 = l2_new(out_insn);
	control_on(CONTROL_SET_CPU, CPU_IO_BITMAPS);
	vmx_write(VMCS_IO_BITMAP_A, HERE);
	vmx_write(VMCS_IO_BITMAP_B, HERE + PAGE_SIZE);
	for (u32 round = 0; round < 3; round++) {
		vmx_write(VMCS_GUEST_RIP, (u64)out_insn);
		EXPECT_EQ(l2_enter(l2), EXIT_IO);
		EXPECT_EQ(add(HERE), 0);
		memset((void *)HERE, 0, 2 * PAGE_SIZE);
		EXPECT_EQ(l2_enter(l2), EXIT_VMCALL);
		EXPECT_EQ(delete (HERE), 0);
	}
}

/* --- VMCSs --- */
/* An L2 whose VMCS lies at HERE: after VMCLEAR all of it is in memory, so it may be copied. */
static struct l2 *l2_at_here(u64 *home)
{
	struct l2 *l2 = l2_new(read_insn);

	vmx_write(VMCS_GUEST_SYSENTER_EIP, 0x5eed);
	l2_clear(l2);
	*home = l2->vmcs;
	memcpy((void *)HERE, (const void *)l2->vmcs, PAGE_SIZE);
	l2->vmcs = HERE;
	l2_load(l2);
	return l2;
}

/* VMPTRLD of a place that may have no VMCS: 0, or the VM-instruction error. */
static u32 try_to_load(u64 vmcs)
{
	bool fails;

	__asm__ volatile("vmptrld %1" : "=@ccbe"(fails) : "m"(vmcs) : "memory");
	return fails ? (u32)vmx_read(VMCS_INSN_ERROR) : 0;
}

VMX_TEST(vmx_context, a_cleared_vmcs_moves_with_its_region, 0)
{
	/* Expect: fields and L2 at the new place, nothing to load at the old one. */
	u64 home, page = vmx_page();
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	poke(page, 0x11);
	EXPECT_EQ(add(HERE), 0);
	l2 = l2_at_here(&home);
	EXPECT_EQ(l2_read(l2, page), 0x11);
	l2_clear(l2);
	EXPECT_EQ(move(HERE, THERE), 0);
	l2_new(read_insn); /* one that is current and says why VMPTRLD fails */
	EXPECT_EQ(try_to_load(HERE), ERROR_REVISION);
	l2->vmcs = THERE;
	l2_load(l2);
	EXPECT_FIELD(GUEST_SYSENTER_EIP, 0x5eed);
	EXPECT_EQ(l2_read(l2, page), 0x11);
	l2_clear(l2);
	l2->vmcs = home;
	EXPECT_EQ(delete (THERE), 0);
}

VMX_TEST(vmx_context, a_vmcs_that_goes_while_current_harms_nobody, 0)
{
	/* Expect: its L2 goes on or VM entry fails; VMCLEAR is done; L1 and other L2s are well. */
	u64 home, page = vmx_page();
	struct l2 *l2;
	u32 reason;

	TEST_CALLS_REQUIRED();
	poke(page, 0x11);
	EXPECT_EQ(add(HERE), 0);
	l2 = l2_at_here(&home);
	EXPECT_EQ(l2_read(l2, page), 0x11);
	EXPECT_EQ(delete (HERE), 0);
	vmx_write(VMCS_GUEST_RIP, (u64)read_insn);
	reason = l2_enter(l2);
	EXPECT(reason == EXIT_VMCALL || (reason & L2_VMFAIL));
	l2_clear(l2);
	l2->vmcs = home;
	EXPECT_EQ(l2_read(l2_new(read_insn), page), 0x11);
	EXPECT_EQ(try_to_load(HERE), ERROR_REVISION);
	EXPECT_EQ(add(HERE), 0);
	memset((void *)HERE, 0, PAGE_SIZE);
	EXPECT_EQ(try_to_load(HERE), ERROR_REVISION);
	EXPECT_EQ(delete (HERE), 0);
}

VMX_TEST(vmx_context, a_vmcs_that_goes_while_another_is_current_is_gone, 0)
{
	/* Expect: VMPTRLD fails (11) at once or after a VMCLEAR, and a new VMCS there is a new one. */
	u64 home;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	EXPECT_EQ(add(HERE), 0);
	l2 = l2_at_here(&home);
	l2_new(read_insn);
	EXPECT_EQ(delete (HERE), 0);
	EXPECT_EQ(try_to_load(HERE), ERROR_REVISION);
	l2_clear(l2);
	EXPECT_EQ(add(HERE), 0);
	memset((void *)HERE, 0, PAGE_SIZE);
	*(u32 *)HERE = (u32)rdmsr(MSR_IA32_VMX_BASIC) & 0x7fffffff;
	l2_clear(l2);
	EXPECT_EQ(try_to_load(HERE), 0);
	EXPECT(vmx_read(VMCS_GUEST_SYSENTER_EIP) != 0x5eed);
	l2_clear(l2);
	l2->vmcs = home;
	EXPECT_EQ(delete (HERE), 0);
}

/* --- while an L2 runs on another CPU --- */
enum { UNKNOWN, PRESENT, DELETED }; /* the low bits of a phase */

static u64 phase;        /* what L2 may find now: round * 4 + one of the above */
static u64 looks, stale; /* L2's, written by it alone */
static u64 address;      /* where it looks */
static bool stop;
static u32 there_reason;

/* The L2: whatever it reads while a phase lasts must be what that phase allows. */
static void look(void)
{
	while (!READ_ONCE(stop)) {
		u64 before = READ_ONCE(phase);
		u64 value = *(volatile u64 *)address;
		u64 wanted = (before & 3) == DELETED ? ONES : before;

		if (READ_ONCE(phase) != before)
			continue;
		if ((before & 3) != UNKNOWN && value != wanted)
			WRITE_ONCE(stale, stale + 1);
		WRITE_ONCE(looks, looks + 1);
	}
	for (;;)
		vmcall();
}

static void run_there(void *argument)
{
	struct l2 *l2 = argument;

	l2_arrive(l2);
	there_reason = l2_enter(l2);
	l2_clear(l2);
}

/* Let L2 look some times in this phase. */
static bool show(u64 new_phase)
{
	u64 wanted, start = rdtsc();

	WRITE_ONCE(phase, new_phase);
	wanted = READ_ONCE(looks) + 3;
	while (READ_ONCE(looks) < wanted && rdtsc() - start < WAIT)
		cpu_pause();
	return READ_ONCE(looks) >= wanted;
}

static bool come_and_go(u64 round)
{
	WRITE_ONCE(phase, UNKNOWN);
	if (add(HERE))
		return false;
	poke(HERE, round * 4 + PRESENT);
	if (!show(round * 4 + PRESENT))
		return false;
	WRITE_ONCE(phase, UNKNOWN);
	return !delete (HERE) && show(round * 4 + DELETED);
}

/* Away from where L2 looks, and back. */
static bool move_about(u64 round)
{
	WRITE_ONCE(phase, UNKNOWN);
	poke(HERE, round * 4 + PRESENT);
	if (!show(round * 4 + PRESENT))
		return false;
	WRITE_ONCE(phase, UNKNOWN);
	if (move(HERE, THERE) || !show(round * 4 + DELETED))
		return false;
	WRITE_ONCE(phase, UNKNOWN);
	return !move(THERE, HERE);
}

static void beside_running_l2(struct l2 *l2, u64 where, bool (*change)(u64 round))
{
	u32 done = 0;

	l2_clear(l2);
	phase = looks = stale = 0;
	address = where;
	stop = false;
	EXPECT(vmx_smp_on(1));
	smp_start(1, run_there, l2);
	while (done < ROUNDS && change(done))
		done++;
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	EXPECT_EQ(there_reason, EXIT_VMCALL);
	EXPECT_EQ(done, ROUNDS);
	EXPECT(looks > 0);
	EXPECT_EQ(stale, 0);
	EXPECT(vmx_smp_off(1));
}

VMX_TEST(vmx_context, running_l2_sees_regions_come_and_go, NEED_CPUS_2)
{
	/* Expect: an L2 without EPT that reads all the time finds the new page from an addition's
	 * return on, and ones from a deletion's. */
	TEST_CALLS_REQUIRED();
	beside_running_l2(l2_new((const void *)(u64)look), HERE, come_and_go);
}

VMX_TEST(vmx_context, running_l2_under_ept_sees_regions_come_and_go, NEED_CPUS_2)
{
	/* Expect: the same through L1's EPT. */
	u64 eptp;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	eptp = ept_new();
	ept_map(eptp, ALIAS, EPT_LEVEL_4K, HERE | LEAF);
	l2 = l2_new((const void *)(u64)look);
	ept_use(eptp);
	beside_running_l2(l2, ALIAS, come_and_go);
}

VMX_TEST(vmx_context, running_l2_sees_a_region_move, NEED_CPUS_2)
{
	/* Expect: contents while the region is where L2's EPT points, ones while it is elsewhere. */
	u64 eptp;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	eptp = ept_new();
	ept_map(eptp, ALIAS, EPT_LEVEL_4K, HERE | LEAF);
	l2 = l2_new((const void *)(u64)look);
	ept_use(eptp);
	EXPECT_EQ(add(HERE), 0);
	beside_running_l2(l2, ALIAS, move_about);
	EXPECT_EQ(delete (HERE), 0);
}

/* The region that comes and goes is L2's leaf table: L2 may exit, and goes on when it is back. */
static bool table_comes_and_goes(u64 page)
{
	for (u32 round = 0; round < ROUNDS; round++) {
		if (add(HERE))
			return false;
		memset((void *)HERE, 0, PAGE_SIZE);
		poke(HERE, page | LEAF);
		if (delete (HERE))
			return false;
	}
	return true;
}

static u64 exits[3]; /* VMCALL; violation or misconfiguration; others */
static u64 there_page;

static void read_all_the_time(void *argument)
{
	struct l2 *l2 = argument;

	l2_arrive(l2);
	while (!READ_ONCE(stop)) {
		u64 value = l2_read(l2, ALIAS);

		if (value == 0x11)
			exits[0]++;
		else if (value == ~(u64)EXIT_EPT_VIOLATION || value == ~(u64)EXIT_EPT_MISCONFIG)
			exits[1]++;
		else
			exits[2]++;
	}
	l2_clear(l2);
}

VMX_TEST(vmx_context, an_ept_table_comes_and_goes_beside_its_l2, NEED_CPUS_2)
{
	/* Expect: each read of L2 finds the page or exits for its EPT; nothing else ever happens. */
	u64 eptp;
	struct l2 *l2;

	TEST_CALLS_REQUIRED();
	NEEDS_EPT(0);
	l2 = l2_new(read_insn);
	there_page = vmx_page();
	poke(there_page, 0x11);
	eptp = ept_new();
	ept_use(eptp);
	*ept_entry(eptp, ALIAS, EPT_LEVEL_2M) = HERE | EPT_RWX;
	l2_clear(l2);
	memset(exits, 0, sizeof(exits));
	stop = false;
	EXPECT(vmx_smp_on(1));
	smp_start(1, read_all_the_time, l2);
	EXPECT(table_comes_and_goes(there_page));
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	EXPECT(exits[0] + exits[1] > 0);
	EXPECT_EQ(exits[2], 0);
	EXPECT(vmx_smp_off(1));
}
