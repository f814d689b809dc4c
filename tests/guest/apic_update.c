/* SPDX-License-Identifier: MIT */
/*
 * The pages of a virtualized local APIC get other frames, or lose them for a while, under an L2
 * that uses them: between its exits, and from another CPU. Needs test_calls = on.
 */
#include "hv/string.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/memory.h"
#include "tests/guest/lib/regions.h"
#include "tests/guest/lib/vmx_apic.h"
#include "tests/guest/lib/vmx_ept.h"
#include "tests/guest/lib/vmx_smp.h"
#include "vmx/nested/vmx_error.h"

#define SPARE         0xd4000000ULL /* a region that gets whatever frame is free */
#define TPR           0x80u
#define WRITES        8u
#define ROUNDS        60u
#define DELAY         30u   /* of L2, between its writes */
#define PERIOD        5000u /* of the other CPU, between updates */
#define PATTERN       0x5ca1ab1e00000000ULL
#define NO_MEMORY_YET (L2_VMFAIL | VMX_ERROR_ENTRY_CONTROLS)

enum update { REPLACED = 1, MOVED = 2 };

static u32 updates_are; /* enum update, as bits */
static u64 updates, errors;
static bool stop;

static u64 tpr_at; /* where L2 has its TPR */
static u64 mismatches;

static void wait_turns(u32 turns)
{
	for (u32 i = 0; i < turns; i++)
		cpu_pause();
}

/* The L2: eight values for each call. It reads back what it wrote where that does not exit. */
static void write_and_call(void)
{
	for (;;) {
		for (u32 i = 1; i <= WRITES; i++) {
			*(volatile u32 *)tpr_at = i << 4;
			wait_turns(DELAY);
		}
		vmcall();
	}
}

static void write_read_and_call(void)
{
	for (;;) {
		for (u32 i = 1; i <= WRITES; i++) {
			*(volatile u32 *)tpr_at = i << 4;
			wait_turns(DELAY);
			mismatches += *(volatile u32 *)tpr_at != i << 4;
		}
		vmcall();
	}
}

static void update(void)
{
	if (updates_are & REPLACED)
		errors += region_migrate(REGION_HERE, PAGE_SIZE) != 0;
	if (updates_are & MOVED) {
		errors += region_move(REGION_HERE, REGION_THERE) != 0;
		errors += region_move(REGION_THERE, REGION_HERE) != 0;
	}
	updates++;
}

static void update_all_the_time(void *unused)
{
	(void)unused;
	while (!READ_ONCE(stop)) {
		update();
		wait_turns(PERIOD);
	}
}

static void fill(u64 page)
{
	for (u64 at = 0; at < PAGE_SIZE; at += sizeof(u64))
		*(volatile u64 *)(page + at) = PATTERN + at;
}

static u64 wrong_words(u64 page)
{
	u64 wrong = 0;

	for (u64 at = 0; at < PAGE_SIZE; at += sizeof(u64))
		wrong += *(volatile u64 *)(page + at) != PATTERN + at;
	return wrong;
}

/* A new page gets the frame that the last update has freed, as that has left it. */
static void expect_old_frame_untouched(void)
{
	if (!(updates_are & REPLACED))
		return;
	EXPECT_EQ(nestor_call(NESTOR_CALL_REGION_ADD, SPARE, PAGE_SIZE, NULL), 0);
	EXPECT_EQ(wrong_words(SPARE), 0);
	EXPECT_EQ(region_delete(SPARE), 0);
}

static struct l2 *begin(void (*code)(void), u32 kinds)
{
	EXPECT_EQ(region_add(REGION_HERE), 0);
	updates_are = kinds;
	updates = errors = mismatches = 0;
	stop = false;
	return l2_new((const void *)(u64)code);
}

static void end(void)
{
	EXPECT_EQ(errors, 0);
	EXPECT_EQ(region_delete(REGION_HERE), 0);
}

/* Enter until L2 has called so often; how many APIC-access exits there were. */
static u64 run(struct l2 *l2, u32 calls, void (*between)(void))
{
	u64 accesses = 0;

	while (calls) {
		u32 reason = l2_enter(l2);

		if (reason == EXIT_APIC_ACCESS) {
			accesses++;
			EXPECT_FIELD(EXIT_QUALIFICATION, TPR | 1u << 12);
		} else if (reason == EXIT_VMCALL) {
			calls--;
		} else if (reason == NO_MEMORY_YET) {
			continue;
		} else {
			EXPECT_EQ(reason, EXIT_VMCALL);
			break;
		}
		l2_skip();
		if (between)
			between();
	}
	return accesses;
}

/* Through L1's EPT or not. */
static struct l2 *begin_accesses(u32 kinds, bool by_ept)
{
	struct l2 *l2 = begin(write_and_call, kinds);

	fill(REGION_HERE);
	vmx_write(VMCS_APIC_ACCESS_ADDR, REGION_HERE);
	control_on(CONTROL_SET_CPU2, CPU2_APIC_ACCESSES);
	tpr_at = REGION_HERE + TPR;
	if (by_ept) {
		u64 eptp = ept_new();

		ept_map(eptp, EPT_ALIAS, EPT_LEVEL_4K, REGION_HERE | EPT_MEMORY);
		ept_use(eptp);
		tpr_at = EPT_ALIAS + TPR;
	}
	return l2;
}

static void expect_one_exit_a_write(u64 accesses, u32 rounds)
{
	EXPECT_EQ(accesses, WRITES * rounds);
	EXPECT_EQ(wrong_words(REGION_HERE), 0);
	expect_old_frame_untouched();
	end();
}

static void accesses_between(u32 kinds, bool by_ept)
{
	struct l2 *l2 = begin_accesses(kinds, by_ept);

	expect_one_exit_a_write(run(l2, ROUNDS / 4, update), ROUNDS / 4);
}

/* An update that hits L2 calls it out, and it does not enter with the frame that goes. */
static void beside(struct l2 *l2, u64 *accesses)
{
	u64 before = nestor_count(NESTOR_COUNTER_CACHE_CALL_OUTS);

	smp_start(1, update_all_the_time, NULL);
	*accesses = run(l2, ROUNDS, NULL);
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	EXPECT(updates > 5);
	EXPECT(nestor_count(NESTOR_COUNTER_CACHE_CALL_OUTS) - before >= updates);
}

static void accesses_beside(u32 kinds, bool by_ept)
{
	struct l2 *l2 = begin_accesses(kinds, by_ept);
	u64 accesses;

	beside(l2, &accesses);
	expect_one_exit_a_write(accesses, ROUNDS);
}

static struct l2 *begin_shadow(u32 kinds)
{
	struct l2 *l2 = begin(write_read_and_call, kinds);

	(void)apic_accesses_on();
	tpr_at = vmx_read(VMCS_APIC_ACCESS_ADDR) + TPR;
	memset((void *)REGION_HERE, 0, PAGE_SIZE);
	vmx_write(VMCS_VIRTUAL_APIC_ADDR, REGION_HERE);
	vmx_write(VMCS_TPR_THRESHOLD, 0);
	control_on(CONTROL_SET_CPU, CPU_TPR_SHADOW);
	return l2;
}

static void expect_no_write_lost(u64 accesses)
{
	EXPECT_EQ(accesses, 0);
	EXPECT_EQ(mismatches, 0);
	EXPECT_EQ(*(volatile u32 *)(REGION_HERE + TPR), WRITES << 4);
	end();
}

static void shadow_between(u32 kinds)
{
	struct l2 *l2 = begin_shadow(kinds);

	expect_no_write_lost(run(l2, ROUNDS, update));
}

static void shadow_beside(u32 kinds)
{
	struct l2 *l2 = begin_shadow(kinds);
	u64 accesses;

	beside(l2, &accesses);
	expect_no_write_lost(accesses);
}

/* Expect, of the APIC-access page: each write of L2 exits once, and none reaches memory. Of the
 * virtual-APIC page: none exits, and none is lost. */
#define UPDATE_TEST(name_, needs_, kind_, ...) \
	VMX_TEST(apic_update, name_, needs_)   \
	{                                      \
		TEST_CALLS_REQUIRED();         \
		NEEDS_APIC_ACCESSES();         \
		NEEDS_TPR_SHADOW();            \
		kind_(__VA_ARGS__);            \
	}

UPDATE_TEST(access_page_replaced, 0, accesses_between, REPLACED, false)
UPDATE_TEST(access_page_moved, 0, accesses_between, MOVED, false)
UPDATE_TEST(access_page_replaced_and_moved, 0, accesses_between, REPLACED | MOVED, false)
UPDATE_TEST(access_page_replaced_under_ept, 0, accesses_between, REPLACED, true)
UPDATE_TEST(access_page_replaced_beside, NEED_CPUS_2, accesses_beside, REPLACED, false)
UPDATE_TEST(access_page_moved_beside, NEED_CPUS_2, accesses_beside, MOVED, false)
UPDATE_TEST(access_page_both_beside, NEED_CPUS_2, accesses_beside, REPLACED | MOVED, false)
UPDATE_TEST(access_page_both_beside_under_ept, NEED_CPUS_2, accesses_beside, REPLACED | MOVED, true)
UPDATE_TEST(virtual_page_replaced, 0, shadow_between, REPLACED)
UPDATE_TEST(virtual_page_moved, 0, shadow_between, MOVED)
UPDATE_TEST(virtual_page_replaced_beside, NEED_CPUS_2, shadow_beside, REPLACED)
UPDATE_TEST(virtual_page_moved_beside, NEED_CPUS_2, shadow_beside, MOVED)
UPDATE_TEST(virtual_page_both_beside, NEED_CPUS_2, shadow_beside, REPLACED | MOVED)
