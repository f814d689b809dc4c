/* SPDX-License-Identifier: MIT */
/* Each CPU's GDT and TSS. The selectors are the same on all CPUs;
 * they are what a VMCS names as host state. */
#ifndef HV_SEGMENTS_H
#define HV_SEGMENTS_H

#include "hv/cpu.h"

#define SELECTOR_CODE 0x08u
#define SELECTOR_DATA 0x10u
#define SELECTOR_TSS  0x18u

/* Build and load this CPU's GDT and TSS, all segment registers, and GS base = cpu. */
void segments_load(struct cpu *cpu);

/* Host state for a VMCS of this CPU. */
u64 segments_gdt_base(u32 cpu_index);
u64 segments_tss_base(u32 cpu_index);

#endif
