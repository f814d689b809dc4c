/* SPDX-License-Identifier: MIT */
/*
 * Many kicks at random places. Two CPUs play ping-pong: one sends an IPI or an NMI, the other is on
 * its way back into the guest, runs, or halts, and does nothing that exits once it listens. So a
 * kick that is lost stays lost until a bounded wait ends, and is counted. Pairs change; all CPUs
 * play.
 */
#include "hv/msr_index.h"
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/console.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/runner.h"
#include "tests/guest/lib/smp.h"

#define KICK            0x75u
#define ALARM           0x95u /* above KICK: its handler runs first where both wait */
#define KICKS           4000u /* where the command line has no kicks= */
#define TURNS           500u  /* of a pair before the pairs change */
#define FAR             2000u /* instructions: about the way of an IPI */
#define PATIENCE        2000000ULL
#define PATIENCE_HALTED (PATIENCE / 2)
#define LOST_MAX        20u /* then the game is over */
#define DELAYS          64u
#define ROOM            0xd0000000ULL /* a place for memory that comes and goes, by CPU */
#define ROOM_STRIDE     (16 * MIB)

struct player {
	u64 random;
	u32 partner;
	u32 first; /* the turn in which this CPU first kicks: 0 or 1 */
	u32 heard; /* kicks that must have come by now */
	u32 lost, late, halts, changes, failed_changes;
};

static struct player players[CPUS_MAX];
static bool can_change_memory;

/* Any number below `limit`, at most 65536. */
static u32 draw(struct player *me, u32 limit)
{
	me->random = me->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)((me->random >> 48) * limit >> 16);
}

static u32 heard_by(u32 cpu)
{
	return irq_count_on(cpu, KICK) + irq_count_on(cpu, VECTOR_NMI);
}

static bool has_heard(const struct player *me)
{
	return heard_by(cpu_index()) >= me->heard;
}

/* The alarm of a CPU that halts: the kick should have come long before. */
static void note_late(struct trap_frame *frame)
{
	struct player *me = &players[cpu_index()];

	(void)frame;
	me->late += !has_heard(me);
}

static void wait_insns(u64 count)
{
	if (count)
		__asm__ volatile("1: loop 1b" : "+c"(count));
}

/* Memory that comes, is used, and goes: the call returns when all other CPUs have been kicked. */
static void change_memory(struct player *me)
{
	u64 room = ROOM + cpu_index() * ROOM_STRIDE;

	me->changes++;
	if (nestor_call3(NESTOR_CALL_REGION_ADD, room, PAGE_SIZE, 0)) {
		me->failed_changes++;
		return;
	}
	*(volatile u64 *)room = me->changes;
	me->failed_changes += nestor_call(NESTOR_CALL_REGION_DELETE, room, 0, NULL) != 0;
}

static void halt_until_heard(struct player *me)
{
	me->halts++;
	wrmsr(MSR_IA32_TSC_DEADLINE, rdtsc() + PATIENCE_HALTED);
	/* STI holds what wakes back until the CPU has halted. An NMI that comes before HLT leaves
	 * it to the alarm. */
	if (!has_heard(me))
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	wrmsr(MSR_IA32_TSC_DEADLINE, 0);
}

static void hear(struct player *me)
{
	u32 way = draw(me, 16);
	u64 start;

	me->heard++;
	wait_insns(draw(me, FAR));
	if (way < 2)
		halt_until_heard(me);
	else if (way == 2 && can_change_memory)
		change_memory(me);
	else if (way < 12)
		cpuid(0, 0);
	start = rdtsc();
	while (!has_heard(me) && rdtsc() - start < PATIENCE)
		irq_window();
	me->lost += !has_heard(me);
}

static void kick(struct player *me)
{
	u32 command = draw(me, 4) ? APIC_ICR_FIXED | KICK : APIC_ICR_NMI;

	apic_send(smp_apic_id(me->partner), APIC_ICR_ASSERT | command);
}

static void play(void *unused)
{
	struct player *me = &players[cpu_index()];

	(void)unused;
	apic_write(APIC_LVT_TIMER, APIC_TIMER_TSC | ALARM);
	for (u32 turn = 0; turn < TURNS && me->lost < LOST_MAX; turn++) {
		if (turn % 2 == me->first)
			kick(me);
		else
			hear(me);
	}
}

/* Everybody plays TURNS turns against a partner that depends on the round; count is a power of 2.
 */
static bool play_round(u32 round, u32 count)
{
	u32 others = MAX(count, 2u) - 1;
	bool all = true;

	for (u32 cpu = 0; cpu < count; cpu++) {
		players[cpu].partner = cpu ^ (1 + round % others);
		players[cpu].first = cpu > players[cpu].partner;
		players[cpu].heard = heard_by(cpu);
	}
	if (can_change_memory)
		(void)nestor_call(NESTOR_CALL_KICK_DELAY, draw(&players[0], DELAYS), 0, NULL);
	for (u32 cpu = 1; cpu < count; cpu++)
		smp_start(cpu, play, NULL);
	play(NULL);
	for (u32 cpu = 1; cpu < count; cpu++)
		all &= smp_finish(cpu);
	return all;
}

static struct player sum_of(u32 count)
{
	struct player sum = { 0 };

	for (u32 cpu = 0; cpu < count; cpu++) {
		sum.heard += heard_by(cpu);
		sum.lost += players[cpu].lost;
		sum.late += players[cpu].late;
		sum.halts += players[cpu].halts;
		sum.changes += players[cpu].changes;
		sum.failed_changes += players[cpu].failed_changes;
	}
	return sum;
}

static void prepare(u32 count)
{
	for (u32 cpu = 0; cpu < count; cpu++)
		players[cpu] = (struct player){ .random = cpu + 1 };
	can_change_memory = nestor_has(NESTOR_CAP_TEST_CALLS);
	irq_set(ALARM, IRQ_ACK_APIC, note_late);
}

MACHINE_TEST(x2apic, many_kicks_at_random, NEED_CPUS_2 | NEED_X2APIC | NEED_DEADLINE)
{
	/* Expect: as many are heard as were sent, each at once, wherever it met its target. */
	u32 count = 1u << (31 - (u32)__builtin_clz(MAX(smp_count(), 2u)));
	u32 rounds = (u32)(runner_number("kicks", KICKS) / (TURNS * count / 2));
	struct player sum = { 0 };
	u32 round = 0;

	prepare(count);
	for (bool goes_on = true; round < rounds && goes_on && sum.lost == 0; round++) {
		goes_on = play_round(round, count);
		sum = sum_of(count);
		EXPECT(goes_on);
	}
	if (can_change_memory)
		(void)nestor_call(NESTOR_CALL_KICK_DELAY, 0, 0, NULL);
	print_line("# %u kicks between %u CPUs: %u NMIs, %u HLTs, %u changes of memory", sum.heard,
		   count, irq_count_sum(VECTOR_NMI), sum.halts, sum.changes);
	EXPECT(rounds > 0);
	EXPECT_EQ(sum.heard, round * (TURNS * count / 2));
	EXPECT_EQ(sum.lost, 0);
	EXPECT_EQ(sum.late, 0);
	EXPECT_EQ(sum.failed_changes, 0);
}
