/* SPDX-License-Identifier: MIT */
/* Host double of hv/percpu.h: one struct cpu, by thread, that the test may point elsewhere. */
#ifndef HV_PERCPU_H
#define HV_PERCPU_H

#include "hv/cpu.h"

extern __thread struct cpu *host_cpu;

#define THIS_CPU_FIELD(field) (host_cpu->field)

static inline struct cpu *this_cpu(void)
{
	return host_cpu;
}

static inline void counter_add(enum counter counter, u64 n)
{
	THIS_CPU_FIELD(counters[counter]) += n;
}

static inline void counter_inc(enum counter counter)
{
	counter_add(counter, 1);
}

#endif
