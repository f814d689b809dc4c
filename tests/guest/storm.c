/* SPDX-License-Identifier: MIT */
/* Exceptions whose delivery raises them again, without end. A CPU may hang in one; under a
 * hypervisor the machine must not. */
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/descriptors.h"
#include "tests/guest/lib/ioapic.h"
#include "tests/guest/lib/legacy.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/pit.h"
#include "tests/guest/lib/smp.h"
#include "tests/guest/lib/apic.h"

#define VECTOR      0x84u
#define DR7_L0      BIT(0)
#define DR7_WRITE_8 (1ULL << 16 | 2ULL << 18) /* breakpoint 0: data writes, 8 bytes */
#define STORM_TICKS 100000ULL

static bool stop;
static u32 begun[2]; /* the second is for the misaligned read */

static void let_it_rage(void)
{
	u64 start = rdtsc();

	while (!READ_ONCE(begun[0]) && rdtsc() - start < IRQ_WAIT_TICKS)
		cpu_pause();
	start = rdtsc();
	while (rdtsc() - start < STORM_TICKS)
		cpu_pause();
}

static void store_index(void *argument)
{
	*(u32 *)argument = cpu_index();
}

/* INIT and SIPI bring the second CPU out of whatever it does. */
static void expect_rescue(void)
{
	u32 index = 0;

	EXPECT_EQ(READ_ONCE(begun[0]), 1);
	EXPECT(smp_restart(1, 0));
	EXPECT(smp_run(1, store_index, &index));
	EXPECT_EQ(index, 1);
}

/* Of #DB, when its gate has the NMI's stack: each delivery writes to a breakpoint's address. */
static void debug_storm(void *unused)
{
	volatile u64 *slot = (volatile u64 *)descriptor_nmi_stack_top(cpu_index()) - 1;

	(void)unused;
	write_dr6(0);
	write_dr0((u64)slot);
	write_dr7(DR7_AT_RESET | DR7_L0 | DR7_WRITE_8);
	WRITE_ONCE(begun[0], 1);
	*slot = 0;
}

static void alignment_storm(void *unused)
{
	(void)unused;
	legacy_run(legacy_alignment_storm, (u32)(u64)begun);
}

MACHINE_TEST(storm, init_ends_a_debug_storm, NEED_CPUS_2)
{
	/* Expect: a CPU in endless #DB takes INIT and SIPI, and does jobs afterwards. */
	begun[0] = 0;
	descriptor_use_nmi_stack(VECTOR_DB, true);
	smp_start(1, debug_storm, NULL);
	let_it_rage();
	expect_rescue();
	descriptor_use_nmi_stack(VECTOR_DB, false);
}

MACHINE_TEST(storm, init_ends_an_alignment_storm, NEED_CPUS_2 | NEED_NOT_BOCHS)
{
	/* Expect: the same for #AC in ring 3. */
	begun[0] = 0;
	smp_start(1, alignment_storm, NULL);
	let_it_rage();
	expect_rescue();
}

static void calm(struct trap_frame *frame)
{
	(void)frame;
	descriptor_use_nmi_stack(VECTOR_DB, false);
	WRITE_ONCE(stop, true);
}

static void listen_until_stopped(void *unused)
{
	(void)unused;
	WRITE_ONCE(begun[0], 1);
	while (!READ_ONCE(stop))
		irq_window();
}

MACHINE_TEST(storm, devices_go_on_in_a_debug_storm, NEED_CPUS_2 | NEED_IOAPIC | NEED_PIT)
{
	/* Expect: while the first CPU is in endless #DB, the PIT's interrupt reaches the second,
	 * whose handler ends the storm: it gives #DB another stack. */
	struct trap trap;

	stop = false;
	begun[0] = 0;
	irq_set(VECTOR, IRQ_ACK_APIC, calm);
	smp_start(1, listen_until_stopped, NULL);
	let_it_rage();
	ioapic_set(IOAPIC_PIN_TIMER, smp_apic_id(1), VECTOR);
	descriptor_use_nmi_stack(VECTOR_DB, true);
	pit_program(0, PIT_MODE_0, (u16)(PIT_HZ / 1000));
	trap = TRAP_OF(debug_storm(NULL));
	write_dr7(DR7_AT_RESET);
	write_dr6(0);
	EXPECT_EQ(trap.vector, VECTOR_DB);
	EXPECT_EQ(irq_count_on(1, VECTOR), 1);
	EXPECT(smp_finish(1));
}
