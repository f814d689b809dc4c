/* SPDX-License-Identifier: MIT */
/* Breakpoints of the guest's that an access hits which L0 makes in its place. */
#ifndef VMX_DEBUG_ACCESS_H
#define VMX_DEBUG_ACCESS_H

#include "vmx/breakpoints.h"
#include "vmx/ops.h"

/* An access that breakpoints may meet, of which some are enabled. */
void debug_check_access(u64 dr7, enum access_kind kind, u64 address, u32 bytes);

/* A breakpoint that this access hits is a trap behind the instruction (SDM "Data Breakpoint"). The
 * address is a port's, or linear. */
static inline void debug_note_access(enum access_kind kind, u64 address, u32 bytes)
{
	u64 dr7 = vmcs_read(VMCS_GUEST_DR7);

	if (unlikely(dr7 & DR7_ENABLED))
		debug_check_access(dr7, kind, address, bytes);
}

#endif
