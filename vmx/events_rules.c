/* SPDX-License-Identifier: MIT */
/* Decisions about event delivery. Pure. */
#include "hv/msr_index.h"
#include "vmx/event.h"
#include "vmx/events.h"

bool may_take_interrupt(u64 rflags, u64 interruptibility)
{
	return (rflags & RFLAGS_IF) && !(interruptibility & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
}

/* STI blocks NMIs on some CPUs; injecting one is allowed by all only without it. */
bool may_take_nmi(u64 interruptibility)
{
	return !(interruptibility & (BLOCKED_BY_NMI | BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
}

u32 preemption_timer_value(u64 deadline, u64 now, u32 shift)
{
	u64 ticks = deadline > now ? ((deadline - 1) >> shift) + 1 - (now >> shift) : 0;

	return ticks > ~0u ? ~0u : (u32)ticks;
}

u64 preemption_timer_deadline(u32 value, u64 now, u32 shift)
{
	return ((now >> shift) + value) << shift;
}
