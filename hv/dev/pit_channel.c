/* SPDX-License-Identifier: MIT */
/* One counter of an 8254. */
#include "hv/dev/pit_channel.h"
#include "hv/dev/clock.h"

#define CONTROL_BCD    0x01
#define CONTROL_MODE   0x0e
#define CONTROL_ACCESS 0x30
#define STATUS_OUT     0x80
#define STATUS_NULL    0x40

static enum pit_mode mode_of(const struct pit_channel *ch)
{
	return (enum pit_mode)(ch->mode_bits > 5 ? ch->mode_bits - 4 : ch->mode_bits);
}

static bool is_periodic(const struct pit_channel *ch)
{
	return mode_of(ch) == PIT_RATE || mode_of(ch) == PIT_SQUARE;
}

static bool is_gate_triggered(const struct pit_channel *ch)
{
	return mode_of(ch) == PIT_ONE_SHOT || mode_of(ch) == PIT_GATED_STROBE;
}

/* Counting stands still. */
static bool is_held(const struct pit_channel *ch)
{
	return !ch->gate && !is_gate_triggered(ch);
}

/* Clocks since the load; negative before it. */
static s64 elapsed(const struct pit_channel *ch, u64 tick)
{
	return (s64)((is_held(ch) ? ch->held_since : tick) - ch->base);
}

/* A square wave's first half, counted from base: an odd count is high for one clock longer. */
static u32 first_half(const struct pit_channel *ch)
{
	return (ch->count + !ch->starts_low) / 2;
}

static u32 modulus(const struct pit_channel *ch)
{
	return ch->bcd ? 10000 : 65536;
}

static u32 from_bcd(u32 value)
{
	return (value & 15) + (value >> 4 & 15) * 10 + (value >> 8 & 15) * 100 +
	       (value >> 12) * 1000;
}

static u32 to_bcd(u32 value)
{
	return value % 10 | value / 10 % 10 << 4 | value / 100 % 10 << 8 | value / 1000 << 12;
}

void pit_channel_control(struct pit_channel *ch, u8 value)
{
	*ch = (struct pit_channel){
		.mode_bits = (u8)((value & CONTROL_MODE) >> 1),
		.access = (u8)((value & CONTROL_ACCESS) >> 4),
		.bcd = value & CONTROL_BCD,
		.gate = ch->gate,
		.count = 1,
	};
}

static void load(struct pit_channel *ch, u32 count, u64 tick)
{
	ch->count = count;
	ch->base = tick + 1;
	ch->held_since = ch->base;
	ch->starts_low = false;
	ch->counting = true;
	ch->next = 0;
}

void pit_channel_catch_up(struct pit_channel *ch, u64 tick)
{
	if (!ch->next || !is_periodic(ch) || tick < ch->next_at)
		return;
	ch->count = ch->next;
	ch->base = ch->next_at;
	ch->starts_low = ch->next_starts_low;
	ch->next = 0;
}

void pit_channel_set_gate(struct pit_channel *ch, bool gate, u64 tick)
{
	if (gate == ch->gate)
		return;
	if (is_gate_triggered(ch) && gate && (ch->next || ch->counting))
		load(ch, ch->next ? ch->next : ch->count, tick);
	else if (is_periodic(ch) && gate && ch->counting)
		load(ch, ch->next ? ch->next : ch->count, tick);
	else if (!is_gate_triggered(ch) && gate)
		ch->base += tick - ch->held_since; /* goes on where it stood */
	else if (!is_gate_triggered(ch))
		ch->held_since = tick;
	ch->gate = gate;
}

/* A new count for a periodic mode: at the end of the period, or of the half of a square wave. */
static void schedule(struct pit_channel *ch, u32 count, u64 tick)
{
	s64 e = elapsed(ch, tick);
	u64 place, half = first_half(ch);

	if (!ch->counting || is_held(ch) || e < 0) {
		load(ch, count, tick);
		return;
	}
	place = (u64)e % ch->count;
	ch->next = count;
	ch->next_at = tick - place + ch->count;
	ch->next_starts_low = ch->starts_low;
	if (mode_of(ch) == PIT_SQUARE && place < half) {
		ch->next_at = tick - place + half;
		ch->next_starts_low = !ch->starts_low;
	}
}

static void write_count(struct pit_channel *ch, u32 raw, u64 tick)
{
	u32 count = (ch->bcd ? from_bcd(raw) : raw) % modulus(ch);

	if (count == 0)
		count = modulus(ch);
	if (is_periodic(ch))
		schedule(ch, count, tick);
	else if (is_gate_triggered(ch))
		ch->next = count;
	else
		load(ch, count, tick);
}

void pit_channel_write(struct pit_channel *ch, u8 value, u64 tick)
{
	switch ((enum pit_access)ch->access) {
	case PIT_LATCH: /* no control word yet */
		break;
	case PIT_LOW:
		write_count(ch, value, tick);
		break;
	case PIT_HIGH:
		write_count(ch, (u32)value << 8, tick);
		break;
	case PIT_BOTH:
		if (ch->write_high)
			write_count(ch, (u32)value << 8 | ch->write_low, tick);
		else if (mode_of(ch) == PIT_TERMINAL_COUNT)
			ch->counting = false; /* the first byte stops counting, OUT falls */
		ch->write_low = value;
		ch->write_high = !ch->write_high;
		break;
	}
}

bool pit_channel_out(const struct pit_channel *ch, u64 tick)
{
	enum pit_mode mode = mode_of(ch);
	s64 e = elapsed(ch, tick);

	if (!ch->counting)
		return mode != PIT_TERMINAL_COUNT;
	switch (mode) {
	case PIT_TERMINAL_COUNT:
	case PIT_ONE_SHOT:
		return e >= (s64)ch->count;
	case PIT_RATE:
		return is_held(ch) || e < 0 || (u64)e % ch->count != ch->count - 1;
	case PIT_SQUARE:
		return is_held(ch) || e < 0 ||
		       ((u64)e % ch->count < first_half(ch)) != ch->starts_low;
	case PIT_STROBE:
	case PIT_GATED_STROBE:
		return e != (s64)ch->count;
	}
	return true;
}

/* The first multiple of a period, counted from a phase, after this tick. */
static u64 next_multiple(u64 phase, u64 period, u64 tick)
{
	return (s64)(tick - phase) < 0 ? phase : phase + ((tick - phase) / period + 1) * period;
}

static u64 next_periodic_rise(const struct pit_channel *ch, u64 tick)
{
	u64 rise;

	if (ch->count == 1 || is_held(ch))
		rise = CLOCK_NEVER;
	else if (ch->starts_low)
		rise = next_multiple(ch->base + first_half(ch), ch->count, tick);
	else
		rise = next_multiple(ch->base + ch->count, ch->count, tick);
	if (ch->next && !is_held(ch) && rise >= ch->next_at) {
		struct pit_channel later = *ch;
		/* The change itself is a rise when it ends a low time with a high one. */
		bool rises = !pit_channel_out(ch, ch->next_at - 1);

		pit_channel_catch_up(&later, ch->next_at);
		if (rises && pit_channel_out(&later, ch->next_at))
			return ch->next_at;
		return next_periodic_rise(&later, ch->next_at);
	}
	return rise;
}

u64 pit_channel_next_rise(const struct pit_channel *ch, u64 tick)
{
	enum pit_mode mode = mode_of(ch);
	s64 e = elapsed(ch, tick);
	u64 rise = ch->base + ch->count;

	if (!ch->counting)
		return CLOCK_NEVER;
	if (is_periodic(ch))
		return next_periodic_rise(ch, tick);
	if (mode == PIT_STROBE || mode == PIT_GATED_STROBE)
		rise++; /* OUT is low for the clock at zero */
	return is_held(ch) || e >= (s64)(rise - ch->base) ? CLOCK_NEVER : rise;
}

static u32 current_count(const struct pit_channel *ch, u64 tick)
{
	s64 e = elapsed(ch, tick);
	u64 clocks = ch->counting && e > 0 ? (u64)e : 0;
	u64 value, place = clocks % ch->count, half = first_half(ch);

	if (mode_of(ch) == PIT_RATE) {
		value = ch->count - place;
	} else if (mode_of(ch) == PIT_SQUARE) {
		/* Counts down by two, from an even number, once for each half. */
		value = (ch->count & ~1u) - 2 * (place < half ? place : place - half);
	} else {
		value = ch->count + modulus(ch) - clocks % modulus(ch);
	}
	value %= modulus(ch);
	return ch->bcd ? to_bcd((u32)value) : (u32)value;
}

void pit_channel_latch_count(struct pit_channel *ch, u64 tick)
{
	if (ch->latched)
		return; /* until the first one is read */
	ch->latch = (u16)current_count(ch, tick);
	ch->latched = true;
}

void pit_channel_latch_status(struct pit_channel *ch, u64 tick)
{
	bool null_count = !ch->counting || ch->next || (s64)(tick - ch->base) < 0;

	if (ch->status_latched)
		return;
	ch->status =
		(u8)((pit_channel_out(ch, tick) ? STATUS_OUT : 0) | (null_count ? STATUS_NULL : 0) |
		     ch->access << 4 | ch->mode_bits << 1 | ch->bcd);
	ch->status_latched = true;
}

u8 pit_channel_read(struct pit_channel *ch, u64 tick)
{
	u32 value = ch->latched ? ch->latch : current_count(ch, tick);
	bool high = ch->access == PIT_HIGH || (ch->access == PIT_BOTH && ch->read_high);

	if (ch->status_latched) {
		ch->status_latched = false;
		return ch->status;
	}
	if (ch->access == PIT_BOTH)
		ch->read_high = !ch->read_high;
	if (ch->access != PIT_BOTH || high)
		ch->latched = false;
	return (u8)(high ? value >> 8 : value);
}
