/* SPDX-License-Identifier: MIT */
/* The physical local APIC (SDM "Advanced Programmable Interrupt Controller (APIC)"). */
#include "hv/apic.h"
#include "hv/cpuid.h"
#include "hv/msr_index.h"
#include "hv/tsc.h"
#include "hv/x86.h"

enum {
	APIC_VERSION = 0x30,
	APIC_TASK_PRIORITY = 0x80,
	APIC_EOI = 0xb0,
	APIC_SPURIOUS = 0xf0,
	APIC_LVT_CMCI = 0x2f0,
	APIC_ICR_LOW = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_THERMAL = 0x330,
	APIC_LVT_COUNTERS = 0x340,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

#define SPURIOUS_ENABLE 0x100u
#define LVT_MASKED      0x10000u
#define ICR_FIXED       0x4000u /* asserted, edge, physical destination */
#define ICR_NMI         0x4400u
#define ICR_INIT        0x4500u
#define ICR_STARTUP     0x4600u
#define ICR_PENDING     0x1000u
#define ICR_WAIT_POLLS  1000000u
#define BASE_ADDRESS    BITS(51, 12)
#define TIMER_DEADLINE  (2u << 17)
#define DIVIDE_BY_1     0xbu
#define MEASURE_TICKS   200000ULL /* of the TSC */

/* Local vectors, and from which "max LVT entry" of the version register on they exist. */
static const struct {
	u16 offset;
	u8 max_lvt;
} local_vectors[] = {
	{ APIC_LVT_TIMER, 0 }, { APIC_LVT_LINT0, 0 },    { APIC_LVT_LINT1, 0 },
	{ APIC_LVT_ERROR, 3 }, { APIC_LVT_COUNTERS, 4 }, { APIC_LVT_THERMAL, 5 },
	{ APIC_LVT_CMCI, 6 },
};

static bool has_x2apic(void)
{
	return cpuid(1, 0).ecx & BIT(21);
}

u64 apic_mmio_base(void)
{
	return has_x2apic() ? 0 : rdmsr(MSR_IA32_APIC_BASE) & BASE_ADDRESS;
}

static volatile u32 *mmio_register(u32 offset)
{
	return (volatile u32 *)(uintptr_t)(apic_mmio_base() + offset);
}

static u32 apic_read(u32 offset)
{
	if (has_x2apic())
		return (u32)rdmsr(MSR_X2APIC_FIRST + (offset >> 4));
	return *mmio_register(offset);
}

static void apic_write(u32 offset, u32 value)
{
	if (has_x2apic())
		wrmsr(MSR_X2APIC_FIRST + (offset >> 4), value);
	else
		*mmio_register(offset) = value;
}

/* Writing the base twice does no harm, and Bochs computes
 * the logical id only at the second write in x2APIC mode. */
static void enable_x2apic(void)
{
	u64 base = rdmsr(MSR_IA32_APIC_BASE) | APIC_BASE_ENABLED | APIC_BASE_X2APIC;

	wrmsr(MSR_IA32_APIC_BASE, base);
	wrmsr(MSR_IA32_APIC_BASE, base);
}

void apic_init(void)
{
	u32 max_lvt;

	if (has_x2apic())
		enable_x2apic();
	apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | APIC_SPURIOUS_VECTOR);
	max_lvt = apic_read(APIC_VERSION) >> 16 & 0xff;
	for (size_t i = 0; i < ARRAY_SIZE(local_vectors); i++) {
		u32 offset = local_vectors[i].offset;

		if (local_vectors[i].max_lvt <= max_lvt)
			apic_write(offset, apic_read(offset) | LVT_MASKED);
	}
	apic_write(APIC_TASK_PRIORITY, 0);
}

u32 apic_id(void)
{
	if (cpuid(0, 0).eax >= 0xb) {
		struct cpuid_regs topology = cpuid(0xb, 0);

		if (topology.ebx != 0)
			return topology.edx;
	}
	return cpuid(1, 0).ebx >> 24;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

static void wait_until_sent(void)
{
	for (u32 i = 0; i < ICR_WAIT_POLLS && apic_read(APIC_ICR_LOW) & ICR_PENDING; i++)
		cpu_pause();
}

static void send(u32 id, u32 command)
{
	if (has_x2apic()) {
		/* WRMSR to the ICR is not ordered behind earlier stores. */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC_ICR, (u64)id << 32 | command);
		return;
	}
	wait_until_sent();
	apic_write(APIC_ICR_HIGH, id << 24);
	apic_write(APIC_ICR_LOW, command);
	wait_until_sent();
}

void apic_send_init(u32 id)
{
	send(id, ICR_INIT);
}

void apic_send_startup(u32 id, u64 page)
{
	send(id, ICR_STARTUP | (u32)(page >> PAGE_SHIFT));
}

void apic_send_nmi(u32 id)
{
	send(id, ICR_NMI);
}

void apic_send_fixed(u32 id, u32 vector)
{
	send(id, ICR_FIXED | vector);
}

static u64 timer_hz; /* 0: TSC-deadline mode */

static bool has_tsc_deadline(void)
{
	return cpuid(CPUID_LEAF_FEATURES, 0).ecx & CPUID_1_ECX_TSC_DEADLINE;
}

void apic_timer_measure(void)
{
	u64 start, elapsed;

	if (has_tsc_deadline())
		return;
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_TIMER_INITIAL, ~0u);
	start = rdtsc();
	while ((elapsed = rdtsc() - start) < MEASURE_TICKS)
		cpu_pause();
	timer_hz = tsc_scale(~0u - apic_read(APIC_TIMER_CURRENT), tsc_hz(), elapsed);
	apic_write(APIC_TIMER_INITIAL, 0);
}

void apic_timer_start(u64 deadline)
{
	u64 now, ticks;

	if (deadline == ~0ULL)
		return;
	if (!timer_hz) {
		apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | APIC_TIMER_VECTOR);
		wrmsr(MSR_IA32_TSC_DEADLINE, MAX(deadline, 1));
		return;
	}
	now = rdtsc();
	ticks = deadline > now ? tsc_scale(deadline - now, timer_hz, tsc_hz()) : 0;
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, APIC_TIMER_VECTOR);
	apic_write(APIC_TIMER_INITIAL, (u32)MIN(MAX(ticks, 1), (u64)~0u));
}

void apic_timer_stop(void)
{
	apic_write(APIC_LVT_TIMER, LVT_MASKED | APIC_TIMER_VECTOR);
	if (timer_hz)
		apic_write(APIC_TIMER_INITIAL, 0);
	else
		wrmsr(MSR_IA32_TSC_DEADLINE, 0);
}
