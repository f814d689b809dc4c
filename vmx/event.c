/* SPDX-License-Identifier: MIT */
/* What becomes of an event that an exit cut short. */
#include "vmx/event.h"

u32 inject_requeue_info(u32 idt_vectoring_info)
{
	if (!(idt_vectoring_info & INTR_INFO_VALID))
		return 0;
	return idt_vectoring_info & (u32)(INTR_INFO_VALID | BITS(11, 0)); /* bit 12 is undefined */
}
