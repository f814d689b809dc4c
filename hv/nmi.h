/* SPDX-License-Identifier: MIT */
/*
 * NMIs between CPUs: to kick one (make it leave its guest) and to stop all others for good. An NMI
 * that no one announced is counted, and reported later from a place where locks may be taken.
 */
#ifndef HV_NMI_H
#define HV_NMI_H

#include "hv/cpu.h"

/* Make this CPU leave its guest soon. What it shall do then is said elsewhere, before this call. */
void nmi_kick(struct cpu *cpu);
/* An NMI arrived here: called by the trap handler and for a VM exit by NMI.
 * Takes no lock; halts when all shall stop. */
void nmi_arrived(void);
/* Log NMIs that nothing explains, if there are new ones. */
void nmi_report(void);
/* Stop every other CPU that runs L0; bounded wait. */
void nmi_stop_others(void);
/* Stop here, and say so to who waits in nmi_stop_others. */
_Noreturn void nmi_stop_here(void);

#endif
