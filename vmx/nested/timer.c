/* SPDX-License-Identifier: MIT */
/* L1's VMX-preemption timer (SDM "VMX-Preemption Timer"): a deadline in TSC ticks while L2 runs. */
#include "vmx/caps.h"
#include "vmx/events.h"
#include "vmx/nested/nested.h"

static u32 shift(void)
{
	return VMX_MISC_TIMER_SHIFT(vmx_caps()->misc);
}

void l2_timer_start(struct vcpu *v, const struct vmcs12 *v12)
{
	u64 now = v->exit->tsc;

	v->l2_timer_start = now;
	events_set_l2_timer(v, preemption_timer_deadline((u32)v12->PREEMPTION_TIMER, now, shift()));
}

void l2_timer_stop(struct vcpu *v, struct vmcs12 *v12, u64 left_at)
{
	if (v12->EXIT_CONTROLS & EXIT_CTL_SAVE_TIMER)
		v12->PREEMPTION_TIMER = preemption_timer_value(v->l2_timer_due, left_at, shift());
	events_set_l2_timer(v, LAPIC_NEVER);
}
