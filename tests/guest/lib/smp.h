/* SPDX-License-Identifier: MIT */
/*
 * The other CPUs. CPU 0 is the one that booted; the rest are numbered as they first answer to
 * INIT and SIPI. Between jobs they stand in HLT with interrupts on, so they count interrupts there.
 */
#ifndef TESTS_GUEST_LIB_SMP_H
#define TESTS_GUEST_LIB_SMP_H

#include "hv/types.h"
#include "tests/guest/lib/descriptors.h"

#define SMP_WAKE_VECTOR 0xf1u /* not one of irq.h's */
#define SMP_START_PAGES 2

typedef void (*smp_job)(void *argument);

/* What a CPU found in its local APIC when it started. */
struct smp_first_look {
	u32 svr, tpr, lvt_timer;
	u64 apic_base;
};

/* How many CPUs there are; starts them at the first call. 1 without a local APIC. */
u32 smp_count(void);
u32 smp_apic_id(u32 cpu);

/* Have a job done by another CPU, interrupts off, and wait for its end; false: it did not answer.
 */
bool smp_run(u32 cpu, smp_job job, void *argument);
/* The two halves of it. */
void smp_start(u32 cpu, smp_job job, void *argument);
bool smp_finish(u32 cpu);
/* x2APIC mode for all CPUs. */
bool smp_enter_x2apic(void);

/* INIT, which stops a CPU until its next SIPI; SIPI to the n-th start page; both, and wait. */
void smp_send_init(u32 cpu);
void smp_send_sipi(u32 cpu, u32 start_page);
bool smp_restart(u32 cpu, u32 start_page);
/* How often a CPU has come through a start page, from which address the last time, what it saw. */
u32 smp_starts(u32 cpu);
u64 smp_started_at(u32 cpu);
struct smp_first_look smp_first_look(u32 cpu);
u64 smp_start_page(u32 start_page);
bool smp_wait_starts(u32 cpu, u32 starts);

#endif
