/* SPDX-License-Identifier: MIT */
/* The IDT, one for all CPUs. Exceptions end in a panic with a dump;
 * NMIs go to hv/nmi.c; interrupts are counted and ended. */
#ifndef HV_IDT_H
#define HV_IDT_H

#include "hv/types.h"

/* Load it on this CPU (the first call builds it).
 * #DF, NMI and #MC then run on stacks of their own. */
void idt_load(void);
/* Host state for a VMCS. */
u64 idt_base(void);

#endif
