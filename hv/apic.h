/* SPDX-License-Identifier: MIT */
/*
 * The physical local APIC, in x2APIC mode where the CPU has it, else memory-mapped.
 * L0 takes no interrupts from it: every local vector is masked, CPUs reach each other by NMI.
 * IA32_APIC_BASE stays enabled for ever.
 */
#ifndef HV_APIC_H
#define HV_APIC_H

#include "hv/types.h"

#define APIC_WAKE_VECTOR     0xf0u /* ends another CPU's idle */
#define APIC_TIMER_VECTOR    0xf1u /* ends this CPU's idle */
#define APIC_SPURIOUS_VECTOR 0xffu

/* The page of a memory-mapped local APIC; 0 when x2APIC mode is used. */
u64 apic_mmio_base(void);
/* Once on each CPU, on L0's page tables: mode, spurious vector, local vectors masked. */
void apic_init(void);
/* The APIC id that CPUID gives: right in every mode, before apic_init too. */
u32 apic_id(void);
void apic_eoi(void);

/*
 * This CPU's timer, for idle only: APIC_TIMER_VECTOR at the latest shortly after the TSC reaches
 * deadline (all ones: never).
 */
void apic_timer_start(u64 deadline);
void apic_timer_stop(void);
/* How fast the timer counts where it has no TSC-deadline mode; on the boot CPU, once, after
 * tsc_measure(). */
void apic_timer_measure(void);

/* By physical APIC id. */
void apic_send_init(u32 id);
void apic_send_startup(u32 id, u64 page); /* page: below 1 MiB */
void apic_send_nmi(u32 id);
void apic_send_fixed(u32 id, u32 vector);

#endif
