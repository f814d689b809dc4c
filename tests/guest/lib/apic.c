/* SPDX-License-Identifier: MIT */
/* One interface to both faces of the local APIC. */
#include "tests/guest/lib/apic.h"
#include "hv/cpuid.h"
#include "hv/msr_index.h"
#include "tests/guest/lib/cpu.h"

#define TOPOLOGY_LEAF    0xbu
#define IDLE_READS       1000
#define NMI_TURNS        1000
#define VECTOR_REGISTERS 8

static bool in_x2apic[CPUS_MAX];

bool apic_is_present(void)
{
	return (cpuid(1, 0).edx & CPUID_1_EDX_APIC) != 0;
}

bool apic_has_x2apic(void)
{
	return (cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC) != 0;
}

bool apic_has_deadline(void)
{
	return (cpuid(1, 0).ecx & CPUID_1_ECX_TSC_DEADLINE) != 0;
}

bool apic_is_x2apic(void)
{
	return in_x2apic[cpu_index()];
}

void apic_enter_x2apic(void)
{
	u64 base = rdmsr(MSR_IA32_APIC_BASE) | APIC_BASE_X2APIC;

	wrmsr(MSR_IA32_APIC_BASE, base);
	/* Bochs 2.7 computes the logical ID at the second write only. */
	wrmsr(MSR_IA32_APIC_BASE, base);
	in_x2apic[cpu_index()] = true;
}

void apic_find_mode(void)
{
	u32 cpu = cpu_index();

	in_x2apic[cpu] = (rdmsr(MSR_IA32_APIC_BASE) & APIC_BASE_X2APIC) != 0;
	/* An INIT keeps x2APIC mode (SDM, "x2APIC State Transitions"); Bochs 2.7 leaves it. */
	if (in_x2apic[0] && !in_x2apic[cpu])
		apic_enter_x2apic();
}

static volatile u32 *mmio(u32 reg)
{
	return (volatile u32 *)(APIC_DEFAULT_BASE + reg);
}

u32 apic_read(u32 reg)
{
	return apic_is_x2apic() ? (u32)rdmsr(MSR_X2APIC_FIRST + reg / 16) : *mmio(reg);
}

void apic_write(u32 reg, u32 value)
{
	if (apic_is_x2apic())
		wrmsr(MSR_X2APIC_FIRST + reg / 16, value);
	else
		*mmio(reg) = value;
}

bool apic_vector_bit(u32 reg, u8 vector)
{
	return (apic_read(reg + vector / 32 * 16u) & BIT(vector % 32)) != 0;
}

bool apic_is_clear(u32 reg)
{
	for (u32 i = 0; i < VECTOR_REGISTERS; i++) {
		if (apic_read(reg + 16 * i))
			return false;
	}
	return true;
}

u32 apic_id(void)
{
	return apic_is_x2apic() ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

u32 apic_initial_id(void)
{
	if (cpuid(0, 0).eax >= TOPOLOGY_LEAF && cpuid(TOPOLOGY_LEAF, 0).ebx)
		return cpuid(TOPOLOGY_LEAF, 0).edx;
	return cpuid(1, 0).ebx >> 24;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

void apic_send(u32 destination, u32 command)
{
	if (apic_is_x2apic()) {
		wrmsr(MSR_X2APIC_ICR, (u64)destination << 32 | command);
		return;
	}
	apic_write(APIC_ICR_HIGH, destination << 24);
	apic_write(APIC_ICR, command);
	for (u32 i = 0; i < IDLE_READS && (apic_read(APIC_ICR) & APIC_ICR_PENDING); i++)
		cpu_pause();
}

void apic_nmi_to_self(void)
{
	apic_send(apic_id(), APIC_ICR_NMI | APIC_ICR_ASSERT);
	for (u32 turn = 0; turn < NMI_TURNS; turn++)
		cpu_pause();
}

void apic_self_ipi(u8 vector)
{
	if (apic_is_x2apic())
		apic_write(APIC_SELF_IPI, vector);
	else
		apic_send(0, APIC_ICR_SELF | APIC_ICR_ASSERT | vector);
}

u32 apic_errors(void)
{
	apic_write(APIC_ESR, 0);
	return apic_read(APIC_ESR);
}

static u32 highest_lvt(void)
{
	return apic_read(APIC_VERSION) >> 16 & 0xff;
}

void apic_reset(void)
{
	apic_write(APIC_SVR, APIC_SVR_ENABLED | APIC_SPURIOUS);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
	apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
	apic_write(APIC_LVT_LINT1, APIC_LVT_MASKED);
	apic_write(APIC_LVT_ERROR, APIC_LVT_MASKED);
	if (highest_lvt() >= 4)
		apic_write(APIC_LVT_PERFMON, APIC_LVT_MASKED);
	if (highest_lvt() >= 5)
		apic_write(APIC_LVT_THERMAL, APIC_LVT_MASKED);
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	for (u32 i = 0; i < 256 && !apic_is_clear(APIC_ISR); i++)
		apic_eoi();
	apic_errors();
	apic_errors();
}
