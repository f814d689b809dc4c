/* SPDX-License-Identifier: MIT */
/* The ACPI PM timer, where tables or a PIIX4 say it is. */
#include "hv/x86.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/pit.h"
#include "tests/guest/lib/pm_timer.h"

#define PM_MASK BITS(23, 0) /* what every PM timer has */

TEST(pm, timer_counts_up)
{
	/* Expect: reads never go back, but for the wrap, and it moves. */
	u16 port = pm_timer_port();
	u32 last, moved = 0;

	if (!port)
		SKIP("no PM timer in ACPI tables, no PIIX4");
	last = in32(port);
	for (u32 i = 0; i < 10000; i++) {
		u32 now = in32(port);

		EXPECT(((now - last) & PM_MASK) < PM_MASK / 2);
		moved += now != last;
		last = now;
	}
	EXPECT(moved != 0);
}

TEST(pm, timer_runs_at_its_rate)
{
	/* Expect: 3.579545 MHz by the PIT, give or take a sixteenth. */
	u64 start, ticks, want = 4 * 3579545ULL / 1000;
	u16 port = pm_timer_port();
	u32 first;

	if (!port)
		SKIP("no PM timer in ACPI tables, no PIIX4");
	if (!pit_ticks_per_ms())
		SKIP("no 8254 timer");
	start = rdtsc();
	first = in32(port);
	while (rdtsc() - start < 4 * pit_ticks_per_ms())
		cpu_pause();
	ticks = (in32(port) - first) & PM_MASK;
	EXPECT(ticks > want - want / 16);
	EXPECT(ticks < want + want / 16);
}

TEST(pm, timer_ignores_writes)
{
	/* Expect: a write does not set it. */
	u16 port = pm_timer_port();
	u32 before;

	if (!port)
		SKIP("no PM timer in ACPI tables, no PIIX4");
	before = in32(port);
	out32(port, before ^ 0x800000);
	EXPECT(((in32(port) - before) & PM_MASK) < 0x400000);
}
