/* SPDX-License-Identifier: MIT */
/* Which of DR0 to DR3 an access of L0's meets, and the trap that is due then. */
#include "vmx/debug_access.h"
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "vmx/event.h"

void debug_check_access(u64 dr7, enum access_kind kind, u64 address, u32 bytes)
{
	struct breakpoints points = { .dr7 = dr7 };
	u32 hits;

	if (kind == ACCESS_PORT && !(vmcs_read(VMCS_GUEST_CR4) & CR4_DE))
		return;
	for (u32 i = 0; i < BREAKPOINTS; i++)
		points.address[i] = read_breakpoint_address(i);
	hits = breakpoint_hits(&points, kind, address, bytes);
	if (hits)
		vmcs_write(VMCS_GUEST_PENDING_DEBUG,
			   vmcs_read(VMCS_GUEST_PENDING_DEBUG) | hits | PENDING_DEBUG_ENABLED);
}
