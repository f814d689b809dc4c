/* SPDX-License-Identifier: MIT */
/*
 * The APIC timer (SDM "APIC Timer"). Nothing ticks: counts follow from `now`. A countdown's product
 * of count (32 bits), divider (7) and tsc_per_tick (16) fits 64 bits; `now` is taken never to wrap.
 */
#include "vmx/lapic_private.h"

static bool counts_down(const struct lapic_timer *timer)
{
	return timer->mode == TIMER_ONE_SHOT || timer->mode == TIMER_PERIODIC;
}

/* TSC ticks in so many counts. */
static u64 duration(const struct lapic *lapic, u32 counts)
{
	return (u64)counts * lapic->tsc_per_tick << lapic->timer.shift;
}

/* Divide configuration 0, 1, 2, 3, 8, 9, Ah, Bh: by 2, 4, 8, 16, 32, 64, 128, 1. */
static u8 divide_shift(u32 tdcr)
{
	return (u8)(((tdcr & 3) + (tdcr >> 1 & 4) + 1) & 7);
}

static void disarm(struct lapic *lapic)
{
	lapic->timer.count = 0;
	lapic->timer.initial = 0;
	lapic->timer.tsc_deadline = 0;
	lapic_set_reg(lapic, LAPIC_TMICT, 0);
}

void lapic_timer_reset(struct lapic *lapic)
{
	disarm(lapic);
	lapic->timer.mode = TIMER_ONE_SHOT;
	lapic->timer.shift = divide_shift(0);
}

/* Between one-shot and periodic the count runs on; to and from the deadline all is disarmed. */
void lapic_timer_set_mode(struct lapic *lapic, u32 mode)
{
	struct lapic_timer *timer = &lapic->timer;
	bool counted = counts_down(timer);

	if (mode == timer->mode)
		return;
	timer->mode = (u8)mode;
	if (!counted || !counts_down(timer))
		disarm(lapic);
}

void lapic_timer_set_count(struct lapic *lapic, u32 count, u64 now)
{
	struct lapic_timer *timer = &lapic->timer;

	if (!counts_down(timer)) {
		lapic_set_reg(lapic, LAPIC_TMICT, 0);
		return;
	}
	lapic_set_reg(lapic, LAPIC_TMICT, count);
	timer->start = now;
	timer->count = count;
	timer->initial = count;
}

/* The count so far stands; what is left of it runs at the new pace. */
void lapic_timer_set_divide(struct lapic *lapic, u32 tdcr, u64 now)
{
	struct lapic_timer *timer = &lapic->timer;

	timer->count = lapic_timer_count(lapic, now);
	timer->start = now;
	timer->shift = divide_shift(tdcr);
	lapic_set_reg(lapic, LAPIC_TDCR, tdcr);
}

u32 lapic_timer_count(const struct lapic *lapic, u64 now)
{
	const struct lapic_timer *timer = &lapic->timer;
	u64 gone;

	if (timer->count == 0)
		return 0;
	gone = now > timer->start ? (now - timer->start) / duration(lapic, 1) : 0;
	if (gone < timer->count)
		return timer->count - (u32)gone;
	if (timer->mode != TIMER_PERIODIC)
		return 0;
	return timer->initial - (u32)((gone - timer->count) % timer->initial);
}

/* When L1's TSC reaches the deadline. */
static u64 deadline_of_tsc(const struct lapic *lapic, u64 now)
{
	u64 guest_now = now + lapic->tsc_offset;
	u64 deadline = lapic->timer.tsc_deadline;

	if (deadline == 0)
		return LAPIC_NEVER;
	if (guest_now >= deadline)
		return now;
	return deadline - guest_now > LAPIC_NEVER - now ? LAPIC_NEVER
							: now + (deadline - guest_now);
}

u64 lapic_timer_deadline(const struct lapic *lapic, u64 now)
{
	const struct lapic_timer *timer = &lapic->timer;

	if (timer->mode == TIMER_TSC_DEADLINE)
		return deadline_of_tsc(lapic, now);
	return timer->count ? timer->start + duration(lapic, timer->count) : LAPIC_NEVER;
}

/* Periods that passed unseen are one interrupt; the phase stays. */
static void reload(struct lapic *lapic, u64 now)
{
	struct lapic_timer *timer = &lapic->timer;
	u64 expired = timer->start + duration(lapic, timer->count);

	timer->start = now - (now - expired) % duration(lapic, timer->initial);
	timer->count = timer->initial;
}

bool lapic_timer_expire(struct lapic *lapic, u64 now)
{
	struct lapic_timer *timer = &lapic->timer;

	if (likely(lapic_timer_deadline(lapic, now) > now))
		return false;
	if (timer->mode == TIMER_PERIODIC)
		reload(lapic, now);
	else
		timer->count = 0;
	timer->tsc_deadline = 0;
	lapic_local_interrupt(lapic, LAPIC_LVT_TIMER);
	return true;
}

u64 lapic_tsc_deadline(struct lapic *lapic, u64 now)
{
	lapic_timer_expire(lapic, now);
	return lapic->timer.tsc_deadline;
}

/* In the other modes the write is ignored, and the MSR reads 0. */
struct lapic_effect lapic_set_tsc_deadline(struct lapic *lapic, u64 value, u64 now)
{
	if (lapic->timer.mode != TIMER_TSC_DEADLINE)
		return lapic_effect(LAPIC_NOTHING);
	lapic_timer_expire(lapic, now);
	lapic->timer.tsc_deadline = value;
	return lapic_effect(LAPIC_TIMER);
}

void lapic_set_tsc_offset(struct lapic *lapic, u64 offset, u64 now)
{
	lapic_timer_expire(lapic, now);
	lapic->tsc_offset = offset;
}
