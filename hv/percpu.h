/* SPDX-License-Identifier: MIT */
/* Access to this CPU's struct through GS: one instruction for a field.
 * Host tests have their own copy of this header. */
#ifndef HV_PERCPU_H
#define HV_PERCPU_H

#include "hv/cpu.h"

#define THIS_CPU_FIELD(field) (((struct cpu __seg_gs *)0)->field)

static inline struct cpu *this_cpu(void)
{
	return THIS_CPU_FIELD(self);
}

static inline void counter_add(enum counter counter, u64 n)
{
	/* One instruction, whatever the compiler thinks of adding up. */
	__asm__("addq %1, %0" : "+m"(THIS_CPU_FIELD(counters[counter])) : "re"(n) : "cc");
}

static inline void counter_inc(enum counter counter)
{
	counter_add(counter, 1);
}

#endif
