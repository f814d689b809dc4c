/* SPDX-License-Identifier: MIT */
/* NMIs between CPUs. cpu->kicked pairs one announcement with one NMI:
 * none is sent while one is under way. */
#include "hv/nmi.h"
#include "hv/apic.h"
#include "hv/log.h"
#include "hv/percpu.h"
#include "hv/x86.h"

#define STOP_WAIT_POLLS 10000000u

static u32 stopping; /* set with release before the NMIs, read with acquire where they arrive */
static u32 stopped;  /* CPUs that have halted */

void nmi_kick(struct cpu *cpu)
{
	if (__atomic_exchange_n(&cpu->kicked, 1, __ATOMIC_ACQ_REL) == 0) {
		counter_inc(CTR_KICKS);
		apic_send_nmi(cpu->apic_id);
	}
}

void nmi_arrived(void)
{
	if (__atomic_load_n(&stopping, __ATOMIC_ACQUIRE))
		nmi_stop_here();
	if (__atomic_exchange_n(&THIS_CPU_FIELD(self)->kicked, 0, __ATOMIC_ACQ_REL) == 0)
		counter_inc(CTR_NMI_UNEXPLAINED);
}

void nmi_report(void)
{
	u64 seen = THIS_CPU_FIELD(counters[CTR_NMI_UNEXPLAINED]);

	if (likely(seen == THIS_CPU_FIELD(nmi_reported)))
		return;
	log_line("nmi", "%llu NMIs that no kick explains",
		 (unsigned long long)(seen - THIS_CPU_FIELD(nmi_reported)));
	THIS_CPU_FIELD(nmi_reported) = seen;
}

void nmi_stop_others(void)
{
	u32 others = 0;

	if (cpu_count() == 0 || __atomic_exchange_n(&stopping, 1, __ATOMIC_ACQ_REL))
		return;
	for (u32 i = 0; i < cpu_count(); i++) {
		struct cpu *cpu = cpu_get(i);

		if (cpu == this_cpu() || !__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
			continue;
		others++;
		apic_send_nmi(cpu->apic_id);
	}
	for (u32 i = 0; i < STOP_WAIT_POLLS; i++) {
		if (__atomic_load_n(&stopped, __ATOMIC_ACQUIRE) >= others)
			return;
		cpu_pause();
	}
}

_Noreturn void nmi_stop_here(void)
{
	__atomic_fetch_add(&stopped, 1, __ATOMIC_RELEASE);
	halt_forever();
}
