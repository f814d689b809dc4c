/* SPDX-License-Identifier: MIT */
/* Starting the application processors: INIT, SIPI to a trampoline below 1 MiB,
 * straight to long mode on L0's page tables. */
#ifndef HV_SMP_H
#define HV_SMP_H

#include "hv/boot_info.h"
#include "hv/cpu.h"

/* Put the trampoline into its page. After paging_init,
 * while the firmware's page tables still map low memory. */
void smp_prepare(const struct boot_info *info);
/*
 * On L0's tables, after apic_init: start every CPU after the first, one by one. Each has its GDT,
 * IDT, stacks, GS base, APIC and the boot CPU's control registers, is online, and runs entry(cpu),
 * which must not return. A CPU that does not come up in time gets a log line and is left out.
 * Returns how many CPUs are online, the boot CPU included.
 */
u32 smp_start(void (*entry)(struct cpu *cpu));

#endif
