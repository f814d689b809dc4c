/* SPDX-License-Identifier: MIT */
/* Measuring the TSC with channel 2 of the 8254, whose gate and output are on port 61h. */
#include "hv/tsc.h"
#include "hv/log.h"
#include "hv/x86.h"

#define PIT_HZ         1193182u
#define PIT_CHANNEL2   0x42
#define PIT_COMMAND    0x43
#define PIT_ONE_SHOT   0xb0 /* channel 2, low then high byte, mode 0 */
#define PORT_B         0x61
#define PORT_B_GATE2   0x01
#define PORT_B_SPEAKER 0x02
#define PORT_B_OUT2    0x20
#define MEASURE_COUNT  11932u /* 10 ms */
#define MEASURE_RUNS   3u
#define MEASURE_POLLS  100000000u
#define HZ_WITHOUT_PIT 1000000000ULL

static u64 hz = HZ_WITHOUT_PIT;

/* TSC ticks until the counter has run out; 0 where nothing counts. */
static u64 measure_once(void)
{
	u8 port_b = in8(PORT_B);
	u64 start;

	out8(PORT_B, (u8)((port_b & ~PORT_B_SPEAKER) | PORT_B_GATE2));
	out8(PIT_COMMAND, PIT_ONE_SHOT);
	out8(PIT_CHANNEL2, MEASURE_COUNT & 0xff);
	out8(PIT_CHANNEL2, MEASURE_COUNT >> 8);
	start = rdtsc();
	for (u32 i = 0; i < MEASURE_POLLS; i++) {
		if (in8(PORT_B) & PORT_B_OUT2) {
			u64 ticks = rdtsc() - start;

			out8(PORT_B, port_b);
			return ticks;
		}
	}
	out8(PORT_B, port_b);
	return 0;
}

/* What CPUID leaf 15h claims: crystal × ratio; 0 where it claims nothing. */
static u64 claimed_hz(void)
{
	struct cpuid_regs r;

	if (cpuid(0, 0).eax < 0x15)
		return 0;
	r = cpuid(0x15, 0);
	return r.eax ? (u64)r.ecx * r.ebx / r.eax : 0;
}

void tsc_measure(void)
{
	u64 best = ~0ULL;

	/* Whatever disturbs a run makes it longer: the shortest is the truest. */
	for (u32 i = 0; i < MEASURE_RUNS; i++) {
		u64 ticks = measure_once();

		if (ticks == 0)
			break;
		best = MIN(best, ticks);
	}
	if (best != ~0ULL)
		hz = tsc_scale(best, PIT_HZ, MEASURE_COUNT);
	else if (claimed_hz())
		hz = claimed_hz();
	log_line("tsc", "%llu kHz%s", (unsigned long long)(hz / 1000),
		 best == ~0ULL ? ", claimed: there is no timer to measure with" : ", measured");
}

u64 tsc_hz(void)
{
	return hz;
}
