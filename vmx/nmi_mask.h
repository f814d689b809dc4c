/* SPDX-License-Identifier: MIT */
/*
 * Bochs 2.7's virtual-NMI blocking: it is the CPU's there, not the VMCS's. An entry sets it where
 * the VMCS says so, but only an IRET in a guest clears it (tests/guest/vmx_nmi.c shows it). So
 * where one VMCS was left blocked and another is entered that is not, a guest of L0's own executes
 * the IRET. On hardware that is not needed and does no harm.
 */
#ifndef VMX_NMI_MASK_H
#define VMX_NMI_MASK_H

#include "hv/percpu.h"

/* On each CPU, in VMX root operation: the memory of its guest. 0 or -ENOMEM. */
int nmi_mask_create(void);

/* The current VMCS was left, perhaps for another one, or is about to lose its blocking. */
void nmi_mask_note(void);
/* The same by who knows whether it was left blocked. */
static inline void nmi_mask_note_blocked(bool blocked)
{
	THIS_CPU_FIELD(nmis_may_be_masked) = blocked;
}

/* Take the blocking off this CPU, unless the current VMCS has it too. */
void nmi_mask_take_off(void);
/* The current VMCS, which stays current, is about to be entered. */
static inline void nmi_mask_apply(void)
{
	if (unlikely(THIS_CPU_FIELD(nmis_may_be_masked)))
		nmi_mask_take_off();
}

#endif
