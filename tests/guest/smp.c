/* SPDX-License-Identifier: MIT */
/* Several CPUs: starting and stopping them, waking them, and memory that they share. */
#include "tests/guest/lib/apic.h"
#include "tests/guest/lib/cpu.h"
#include "hv/msr_index.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/smp.h"

#define PING        0x72u
#define PONG        0x73u
#define ROUNDS      1000u
#define ADDITIONS   2000u
#define MTRR_ALL_WC 0x0101010101010101ULL /* nobody has that for ROMs */
#define STILL       50000ULL              /* ticks in which a CPU that runs would have moved on */

static u64 shared_atomic, shared_locked, lock, heartbeat;
static bool stop, started;

static void wait_ticks(u64 ticks)
{
	u64 start = rdtsc();

	while (rdtsc() - start < ticks)
		cpu_pause();
}

static bool wait_for(const bool *flag)
{
	u64 start = rdtsc();

	while (!READ_ONCE(*flag) && rdtsc() - start < IRQ_WAIT_TICKS)
		cpu_pause();
	return READ_ONCE(*flag);
}

static void store_index(void *argument)
{
	*(u32 *)argument = cpu_index();
}

static void store_id(void *argument)
{
	*(u32 *)argument = apic_id();
}

static void store_apic_base(void *argument)
{
	*(u64 *)argument = rdmsr(MSR_IA32_APIC_BASE);
}

MACHINE_TEST(smp, all_cpus_do_jobs, NEED_CPUS_2)
{
	/* Expect: each CPU that answered runs a function, on itself. */
	for (u32 cpu = 1; cpu < smp_count(); cpu++) {
		u32 index = ~0u;

		EXPECT(smp_run(cpu, store_index, &index));
		EXPECT_EQ(index, cpu);
	}
}

MACHINE_TEST(smp, apic_ids_differ, NEED_CPUS_2)
{
	/* Expect: each CPU's ID register is what its CPUID said, and no two are equal. */
	for (u32 cpu = 1; cpu < smp_count(); cpu++) {
		u32 id = ~0u;

		EXPECT(smp_run(cpu, store_id, &id));
		EXPECT_EQ(id, smp_apic_id(cpu));
		for (u32 other = 0; other < cpu; other++)
			EXPECT(id != smp_apic_id(other));
	}
}

MACHINE_TEST(smp, one_boot_cpu, NEED_CPUS_2)
{
	/* Expect: IA32_APIC_BASE.BSP is set on the first CPU only. */
	EXPECT(rdmsr(MSR_IA32_APIC_BASE) & APIC_BASE_BSP);
	for (u32 cpu = 1; cpu < smp_count(); cpu++) {
		u64 base = ~0ULL;

		EXPECT(smp_run(cpu, store_apic_base, &base));
		EXPECT_EQ(base & (APIC_BASE_BSP | APIC_BASE_ENABLED), APIC_BASE_ENABLED);
	}
}

static void trap_many(void *argument)
{
	u32 caught = 0;

	for (u32 i = 0; i < 100; i++)
		caught += TRAP_OF(__asm__ volatile("ud2")).vector == VECTOR_UD;
	*(u32 *)argument = caught;
}

MACHINE_TEST(smp, traps_are_each_cpus_own, NEED_CPUS_2)
{
	/* Expect: while all CPUs raise #UD at once, each catches its own hundred. */
	u32 caught[CPUS_MAX] = { 0 };

	for (u32 cpu = 1; cpu < smp_count(); cpu++)
		smp_start(cpu, trap_many, &caught[cpu]);
	trap_many(&caught[0]);
	for (u32 cpu = 1; cpu < smp_count(); cpu++)
		EXPECT(smp_finish(cpu));
	for (u32 cpu = 0; cpu < smp_count(); cpu++)
		EXPECT_EQ(caught[cpu], 100);
}

static void fill_debug_registers(void *unused)
{
	(void)unused;
	write_dr0(0x1234);
	write_dr6(read_dr6() | BIT(0));
	write_dr7(0x400 | BIT(0));
	write_cr2(0x5678);
}

static void read_debug_registers(void *values)
{
	u64 *value = values;

	value[0] = read_dr0();
	value[1] = read_dr6();
	value[2] = read_dr7();
	value[3] = read_cr2();
}

MACHINE_TEST(smp, init_clears_cr2_and_debug_registers, NEED_CPUS_2)
{
	/* Expect: after INIT, DR0 and CR2 are 0, DR6 and DR7 as after a reset (SDM "IA-32 and Intel
	 * 64 Processor States Following Power-up, Reset, or INIT"). */
	u64 values[4] = { 0 };

	EXPECT(smp_run(1, fill_debug_registers, NULL));
	EXPECT(smp_restart(1, 0));
	EXPECT(smp_run(1, read_debug_registers, values));
	EXPECT_EQ(values[0], 0);
	EXPECT_EQ(values[1], 0xffff0ff0);
	EXPECT_EQ(values[2], 0x400);
	EXPECT_EQ(values[3], 0);
}

static void change_mtrrs(void *values)
{
	u64 *value = values;

	value[0] = rdmsr(MSR_IA32_MTRR_DEF_TYPE);
	value[1] = rdmsr(MSR_IA32_MTRR_FIX4K_C0000);
	wrmsr(MSR_IA32_MTRR_FIX4K_C0000, MTRR_ALL_WC);
}

static void restore_mtrrs(void *values)
{
	u64 *value = values;
	u64 before = value[1];

	value[0] = rdmsr(MSR_IA32_MTRR_DEF_TYPE);
	value[1] = rdmsr(MSR_IA32_MTRR_FIX4K_C0000);
	wrmsr(MSR_IA32_MTRR_FIX4K_C0000, before);
}

MACHINE_TEST(smp, init_leaves_mtrrs_alone, NEED_CPUS_2)
{
	/* Expect: a second CPU starts with the MTRRs of the first one, and what it writes to them
	 * is there after INIT. */
	u64 first[2], before[2] = { 0 }, after[2];

	if (!(cpuid(1, 0).edx & CPUID_1_EDX_MTRR) || !(rdmsr(MSR_IA32_MTRRCAP) & BIT(8)))
		SKIP("the CPU has no fixed-range MTRRs");
	first[0] = rdmsr(MSR_IA32_MTRR_DEF_TYPE);
	first[1] = rdmsr(MSR_IA32_MTRR_FIX4K_C0000);
	EXPECT(smp_run(1, change_mtrrs, before));
	EXPECT_EQ(before[0], first[0]);
	EXPECT_EQ(before[1], first[1]);
	EXPECT(smp_restart(1, 0));
	after[1] = before[1];
	EXPECT(smp_run(1, restore_mtrrs, after));
	EXPECT_EQ(after[0], before[0]);
	EXPECT_EQ(after[1], MTRR_ALL_WC);
}

static void pong(struct trap_frame *frame)
{
	(void)frame;
	apic_send(smp_apic_id(0), APIC_ICR_ASSERT | PONG);
}

static void ping_pong(u32 cpu)
{
	u32 before = irq_count(PONG);

	irq_set(PING, IRQ_ACK_APIC, pong);
	for (u32 i = 1; i <= ROUNDS; i++) {
		apic_send(smp_apic_id(cpu), APIC_ICR_ASSERT | PING);
		if (!irq_wait(PONG, before + i))
			break;
	}
	EXPECT_EQ(irq_count_on(cpu, PING), ROUNDS);
	EXPECT_EQ(irq_count(PONG) - before, ROUNDS);
}

MACHINE_TEST(smp, ping_pong_with_a_halted_cpu, NEED_CPUS_2)
{
	/* Expect: a thousand interrupts each way, no more and no less; each wakes the other CPU
	 * from HLT. */
	ping_pong(1);
}

static void listen_until_stopped(void *unused)
{
	(void)unused;
	WRITE_ONCE(started, true);
	while (!READ_ONCE(stop))
		irq_window();
}

MACHINE_TEST(smp, ping_pong_with_a_running_cpu, NEED_CPUS_2)
{
	/* Expect: the same while the other CPU runs a loop with interrupts on. */
	stop = started = false;
	smp_start(1, listen_until_stopped, NULL);
	EXPECT(wait_for(&started));
	ping_pong(1);
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
}

MACHINE_TEST(smp, ping_pong_with_the_last_cpu, NEED_CPUS_2)
{
	/* Expect: the same with the CPU of the highest number. */
	ping_pong(smp_count() - 1);
}

static void cross_fire(void *unused)
{
	(void)unused;
	for (u32 i = 0; i < ROUNDS / 10; i++) {
		apic_send(smp_apic_id(0), APIC_ICR_ASSERT | (PONG + cpu_index()));
		while (irq_count_on(0, (u8)(PONG + cpu_index())) <= i && !READ_ONCE(stop))
			cpu_pause();
	}
}

MACHINE_TEST(smp, all_cpus_interrupt_the_first, NEED_CPUS_2)
{
	/* Expect: a hundred awaited interrupts from each CPU, all at the same time: none is lost.
	 */
	u32 last = smp_count() - 1;

	stop = false;
	for (u32 cpu = 1; cpu <= last; cpu++)
		smp_start(cpu, cross_fire, NULL);
	for (u32 cpu = 1; cpu <= last; cpu++)
		EXPECT(irq_wait_ticks((u8)(PONG + cpu), ROUNDS / 10, IRQ_WAIT_TICKS * last));
	WRITE_ONCE(stop, true);
	for (u32 cpu = 1; cpu <= last; cpu++) {
		EXPECT(smp_finish(cpu));
		EXPECT_EQ(irq_count((u8)(PONG + cpu)), ROUNDS / 10);
	}
}

static void add(void *unused)
{
	(void)unused;
	for (u32 i = 0; i < ADDITIONS; i++) {
		__atomic_fetch_add(&shared_atomic, 1, __ATOMIC_SEQ_CST);
		while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
			cpu_pause();
		WRITE_ONCE(shared_locked, READ_ONCE(shared_locked) + 1);
		__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	}
}

MACHINE_TEST(smp, atomics_lose_nothing, NEED_CPUS_2)
{
	/* Expect: LOCK XADD, and plain additions under an XCHG lock, from all CPUs at once, give
	 * the exact sums. */
	shared_atomic = shared_locked = 0;
	for (u32 cpu = 1; cpu < smp_count(); cpu++)
		smp_start(cpu, add, NULL);
	add(NULL);
	for (u32 cpu = 1; cpu < smp_count(); cpu++)
		EXPECT(smp_finish(cpu));
	EXPECT_EQ(shared_atomic, (u64)ADDITIONS * smp_count());
	EXPECT_EQ(shared_locked, (u64)ADDITIONS * smp_count());
}

static void store_tsc(void *argument)
{
	WRITE_ONCE(*(u64 *)argument, rdtsc());
}

MACHINE_TEST(smp, time_stamps_agree, NEED_CPUS_2)
{
	/* Expect: a CPU's TSC, read between two reads here, lies between them. */
	for (u32 i = 0; i < 50; i++) {
		u32 cpu = 1 + i % (smp_count() - 1);
		u64 before = rdtsc(), between = 0, after;
		bool done = smp_run(cpu, store_tsc, &between);

		after = rdtsc();
		/* Equal is fine: Bochs gives all CPUs the same count for five instructions. */
		if (!done || between < before || between > after) {
			EXPECT(done);
			EXPECT(between >= before);
			EXPECT(between <= after);
			return;
		}
	}
}

static void halt_with_interrupts_off(void *unused)
{
	(void)unused;
	WRITE_ONCE(started, true);
	__asm__ volatile("cli; hlt" ::: "memory");
}

MACHINE_TEST(smp, nmi_wakes_a_halted_cpu, NEED_CPUS_2)
{
	/* Expect: HLT with IF = 0 goes on after an NMI, and not before: a fixed interrupt does not
	 * wake it. */
	started = false;
	smp_start(1, halt_with_interrupts_off, NULL);
	EXPECT(wait_for(&started));
	wait_ticks(STILL);
	apic_send(smp_apic_id(1), APIC_ICR_ASSERT | PING);
	wait_ticks(STILL);
	EXPECT_EQ(irq_count_on(1, PING), 0);
	apic_send(smp_apic_id(1), APIC_ICR_NMI | APIC_ICR_ASSERT);
	EXPECT(smp_finish(1));
	EXPECT_EQ(irq_count_on(1, VECTOR_NMI), 1);
	/* Held back until the CPU is in its idle loop again. */
	EXPECT(irq_wait_on(1, PING, 1));
}

static void beat(void *unused)
{
	(void)unused;
	for (;;)
		WRITE_ONCE(heartbeat, heartbeat + 1);
}

MACHINE_TEST(smp, init_stops_a_cpu, NEED_CPUS_2)
{
	/* Expect: after INIT it does nothing, not for an interrupt either, until a SIPI. */
	u32 starts = smp_starts(1);
	u64 seen;

	heartbeat = 0;
	smp_start(1, beat, NULL);
	wait_ticks(STILL);
	EXPECT(READ_ONCE(heartbeat) != 0);
	smp_send_init(1);
	seen = READ_ONCE(heartbeat);
	apic_send(smp_apic_id(1), APIC_ICR_ASSERT | PING);
	wait_ticks(STILL);
	EXPECT_EQ(READ_ONCE(heartbeat), seen);
	EXPECT_EQ(smp_starts(1), starts);
	smp_send_sipi(1, 0);
	EXPECT(smp_wait_starts(1, starts + 1));
}

MACHINE_TEST(smp, init_and_sipi_restart_each_cpu, NEED_CPUS_2)
{
	/* Expect: every CPU, twice, under its old number, and able to work after it. */
	for (u32 i = 0; i < 2; i++) {
		for (u32 cpu = 1; cpu < smp_count(); cpu++) {
			u32 starts = smp_starts(cpu), count = smp_count(), index = 0;

			EXPECT(smp_restart(cpu, 0));
			EXPECT_EQ(smp_starts(cpu), starts + 1);
			EXPECT_EQ(smp_count(), count);
			EXPECT(smp_run(cpu, store_index, &index));
			EXPECT_EQ(index, cpu);
		}
	}
}

MACHINE_TEST(smp, sipi_vector_is_the_page, NEED_CPUS_2)
{
	/* Expect: a CPU starts in the page that the SIPI's vector names. */
	for (u32 i = 0; i < SMP_START_PAGES; i++) {
		EXPECT(smp_restart(1, i));
		EXPECT_EQ(smp_started_at(1), smp_start_page(i));
	}
	EXPECT(smp_start_page(0) != smp_start_page(1));
}

MACHINE_TEST(smp, sipi_to_a_running_cpu_is_ignored, NEED_CPUS_2)
{
	/* Expect: it goes on with what it does, whether it runs or halts. */
	u32 starts = smp_starts(1), index = 0;

	smp_send_sipi(1, 1);
	wait_ticks(STILL);
	stop = started = false;
	smp_start(1, listen_until_stopped, NULL);
	EXPECT(wait_for(&started));
	smp_send_sipi(1, 1);
	wait_ticks(STILL);
	WRITE_ONCE(stop, true);
	EXPECT(smp_finish(1));
	EXPECT_EQ(smp_starts(1), starts);
	EXPECT(smp_run(1, store_index, &index));
}

MACHINE_TEST(smp, second_init_and_second_sipi_change_nothing, NEED_CPUS_2)
{
	/* Expect: INIT, INIT, SIPI, SIPI, as firmware sends them, start a CPU once. */
	u32 starts = smp_starts(1);

	smp_send_init(1);
	smp_send_init(1);
	smp_send_sipi(1, 0);
	EXPECT(smp_wait_starts(1, starts + 1));
	smp_send_sipi(1, 0);
	wait_ticks(STILL);
	EXPECT_EQ(smp_starts(1), starts + 1);
}

static void disturb_apic(void *unused)
{
	(void)unused;
	apic_write(APIC_TPR, 0x40);
	apic_write(APIC_SVR, APIC_SVR_ENABLED | 0xe5);
	apic_write(APIC_LVT_TIMER, APIC_TIMER_PERIOD | PONG);
}

MACHINE_TEST(smp, init_resets_the_local_apic, NEED_CPUS_2)
{
	/* Expect: software-disabled with vector FFh, priority 0, timer masked; the ID and the base
	 * stay. */
	struct smp_first_look look;
	u32 id = ~0u;

	EXPECT(smp_run(1, disturb_apic, NULL));
	EXPECT(smp_restart(1, 0));
	look = smp_first_look(1);
	EXPECT_EQ(look.svr, 0xff);
	EXPECT_EQ(look.tpr, 0);
	EXPECT_EQ(look.lvt_timer, APIC_LVT_MASKED);
	EXPECT_EQ(look.apic_base & (BITS(51, 12) | APIC_BASE_ENABLED | APIC_BASE_BSP),
		  APIC_DEFAULT_BASE | APIC_BASE_ENABLED);
	EXPECT(smp_run(1, store_id, &id));
	EXPECT_EQ(id, smp_apic_id(1));
}

MACHINE_TEST(smp, level_deassert_is_no_init, NEED_CPUS_2)
{
	/* Expect: the INIT level de-assert message, which old software still sends, stops nobody.
	 */
	u32 index = 0, starts = smp_starts(1);

	apic_send(smp_apic_id(1), APIC_ICR_INIT | 0x8000);
	wait_ticks(STILL);
	EXPECT(smp_run(1, store_index, &index));
	EXPECT_EQ(smp_starts(1), starts);
}
