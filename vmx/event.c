/* SPDX-License-Identifier: MIT */
/* What becomes of an event that an exit cut short, or took the place of. */
#include "vmx/event.h"

u32 inject_requeue_info(u32 idt_vectoring_info)
{
	if (!(idt_vectoring_info & INTR_INFO_VALID))
		return 0;
	return idt_vectoring_info & (u32)(INTR_INFO_VALID | BITS(11, 0)); /* bit 12 is undefined */
}

/* SDM "Debug Status Register (DR6)": bits 3:0 are of this #DB only, the others stay until software
 * clears them; two of them are active low. */
u64 debug_dr6_after(u64 dr6, u64 qualification)
{
	u64 low = qualification & (DEBUG_BUS_LOCK | DEBUG_RTM);
	u64 high = qualification & (DEBUG_BREAKPOINTS | DEBUG_REGISTER_ACCESS | DEBUG_SINGLE_STEP);

	return ((dr6 & ~(u64)DEBUG_BREAKPOINTS) | high) & ~low;
}
