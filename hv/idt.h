/* SPDX-License-Identifier: MIT */
/* The IDT, one for all CPUs. Exceptions end in a panic with a dump;
 * NMIs go to hv/nmi.c; interrupts are counted and ended. */
#ifndef HV_IDT_H
#define HV_IDT_H

#include "hv/types.h"

/* Load it on this CPU (the first call builds it).
 * #DF, NMI and #MC then run on stacks of their own. */
void idt_load(void);
/*
 * A region of code that an NMI restarts: when it interrupts RIP in [begin, end), it returns to
 * landing instead. One region, set once before it is first run.
 */
struct nmi_restart {
	u64 begin, end, landing;
};
void idt_set_nmi_restart(const struct nmi_restart *restart);
/* Host state for a VMCS. */
u64 idt_base(void);

#endif
