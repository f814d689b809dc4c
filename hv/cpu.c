/* SPDX-License-Identifier: MIT */
/* The list of CPUs, made once at boot. */
#include "hv/cpu.h"
#include "hv/boot_info.h"
#include "hv/errno.h"
#include "hv/log.h"
#include "hv/msr_index.h"
#include "hv/panic.h"
#include "hv/x86.h"

static struct cpu *cpus[BOOT_CPUS_MAX];
static u32 cpus_made;

int cpu_init(const struct boot_info *info, page_source *source)
{
	ASSERT(info->cpu_count >= 1 && info->cpu_count <= BOOT_CPUS_MAX);
	for (u32 i = 0; i < info->cpu_count; i++) {
		struct cpu *cpu = source(page_order(sizeof(*cpu)));

		if (cpu == NULL)
			return -ENOMEM;
		cpu->self = cpu;
		cpu->index = i;
		cpu->apic_id = info->apic_ids[i];
		cpus[cpus_made++] = cpu;
	}
	wrmsr(MSR_IA32_GS_BASE, (uintptr_t)cpus[0]);
	__atomic_store_n(&cpus[0]->online, 1, __ATOMIC_RELEASE);
	log_use_cpu_numbers();
	return 0;
}

struct cpu *cpu_get(u32 index)
{
	ASSERT(index < cpus_made);
	return cpus[index];
}

u32 cpu_count(void)
{
	return cpus_made;
}

u32 cpu_online_count(void)
{
	u32 count = 0;

	while (count < cpus_made && __atomic_load_n(&cpus[count]->online, __ATOMIC_ACQUIRE))
		count++;
	return count;
}
