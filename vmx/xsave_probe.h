/* SPDX-License-Identifier: MIT */
/* Whether this CPU's compacted form of XSAVE areas can be offered. */
#ifndef VMX_XSAVE_PROBE_H
#define VMX_XSAVE_PROBE_H

#include "hv/types.h"

/*
 * Whether XSAVEC stores a component where the SDM has it ("Compacted Format of the Extended Region
 * of an XSAVE Area"). Bochs 2.7 has it 160 bytes lower, over the header, and XRSTOR takes the
 * header for contents: a thread loses the upper halves of YMM6 to YMM9. Once, at boot: the FPU's
 * registers and XCR0 are lost.
 */
bool xsave_compacts(void);

#endif
