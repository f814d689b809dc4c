/* SPDX-License-Identifier: MIT */
/* Local vectors, the LINT pins and errors (SDM "Handling Local Interrupts", "Error Handling"). */
#include "vmx/lapic_private.h"

#define PINS 2u

static u32 lint_offset(u32 pin)
{
	return LAPIC_LVT_LINT0 + pin * LAPIC_STRIDE;
}

/* Deliver by the local vector's delivery mode; its mask was looked at. */
static void deliver(struct lapic *lapic, u32 lvt, enum apic_trigger trigger)
{
	switch ((enum apic_delivery)LVT_MODE(lvt)) {
	case APIC_FIXED:
		lapic_accept(lapic, lvt & 0xff, trigger);
		break;
	case APIC_NMI:
		lapic->events = lapic_combine_events(lapic->events, LAPIC_EVENT_NMI);
		break;
	case APIC_INIT:
		lapic->events = lapic_combine_events(lapic->events, LAPIC_EVENT_INIT);
		break;
	case APIC_EXTINT: /* a level that lapic_accepts_pic() lets through, no event */
	case APIC_SMI:
	case APIC_LOWEST:
	case APIC_RESERVED:
	case APIC_STARTUP:
		break;
	}
}

void lapic_local_interrupt(struct lapic *lapic, enum lapic_register lvt)
{
	u32 value = lapic_reg(lapic, lvt);

	if (!(value & LVT_MASKED))
		deliver(lapic, value, APIC_EDGE);
}

/*
 * An error interrupts once until ESR is written. The error vector itself may be illegal: that is
 * one error more, without another interrupt.
 */
void lapic_error(struct lapic *lapic, u32 esr_bit)
{
	u32 lvt = lapic_reg(lapic, LAPIC_LVT_ERROR);

	if (lapic->errors & esr_bit)
		return;
	lapic->errors |= esr_bit;
	if (lvt & LVT_MASKED)
		return;
	if ((lvt & 0xff) < FIRST_LEGAL_VECTOR)
		lapic->errors |= ESR_RECEIVE_VECTOR;
	else
		lapic_accept(lapic, lvt & 0xff, APIC_EDGE);
}

/* Only LINT0 knows level triggering, and only for fixed interrupts. */
static bool is_level(u32 pin, u32 lvt)
{
	return pin == 0 && (lvt & LVT_LEVEL) && LVT_MODE(lvt) == APIC_FIXED;
}

/* A level that nobody serves yet is accepted; remote IRR holds the next one back until the EOI. */
static void sample_level(struct lapic *lapic, u32 pin)
{
	u32 lvt = lapic_reg(lapic, lint_offset(pin));

	if (!is_level(pin, lvt) || !(lapic->pins & 1u << pin) ||
	    (lvt & (LVT_MASKED | LVT_REMOTE_IRR)))
		return;
	lapic->remote_irr |= (u8)(1u << pin);
	lapic_set_reg(lapic, lint_offset(pin), lvt | LVT_REMOTE_IRR);
	deliver(lapic, lvt, APIC_LEVEL);
}

void lapic_lint_eoi(struct lapic *lapic, u32 vector)
{
	for (u32 pin = 0; pin < PINS; pin++) {
		u32 lvt = lapic_reg(lapic, lint_offset(pin));

		if (!(lvt & LVT_REMOTE_IRR) || (lvt & 0xff) != vector)
			continue;
		lapic->remote_irr &= (u8) ~(1u << pin);
		lapic_set_reg(lapic, lint_offset(pin), lvt & ~LVT_REMOTE_IRR);
		sample_level(lapic, pin);
	}
}

void lapic_set_lint(struct lapic *lapic, u32 pin, bool asserted)
{
	u8 bit = (u8)(1u << pin);
	bool rises = asserted && !(lapic->pins & bit);
	u32 lvt = lapic_reg(lapic, lint_offset(pin));

	lapic->pins = (u8)(asserted ? lapic->pins | bit : lapic->pins & ~bit);
	if (lapic_mode(lapic) == LAPIC_DISABLED) { /* the pins are INTR and NMI */
		if (pin == 1 && rises)
			lapic->events = lapic_combine_events(lapic->events, LAPIC_EVENT_NMI);
		return;
	}
	if (is_level(pin, lvt))
		sample_level(lapic, pin);
	else if (rises && !(lvt & LVT_MASKED))
		deliver(lapic, lvt, APIC_EDGE);
}

/* While software has disabled the APIC the mask bits can't be cleared. */
void lapic_write_lvt(struct lapic *lapic, u32 offset, u32 value)
{
	u32 pin = (offset - LAPIC_LVT_LINT0) / LAPIC_STRIDE;

	if (!lapic->enabled)
		value |= LVT_MASKED;
	if (pin < PINS && (lapic->remote_irr & 1u << pin))
		value |= LVT_REMOTE_IRR;
	lapic_set_reg(lapic, offset, value);
	if (pin < PINS)
		sample_level(lapic, pin);
}

void lapic_mask_local_vectors(struct lapic *lapic)
{
	for (u32 lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += LAPIC_STRIDE)
		lapic_set_reg(lapic, lvt, lapic_reg(lapic, lvt) | LVT_MASKED);
}

void lapic_wire_lint(struct lapic *lapic)
{
	lapic_write(lapic, LAPIC_SVR, lapic_reg(lapic, LAPIC_SVR) | SVR_ENABLE, 0);
	lapic_write(lapic, LAPIC_LVT_LINT0, APIC_EXTINT << 8, 0);
	lapic_write(lapic, LAPIC_LVT_LINT1, APIC_NMI << 8, 0);
}

bool lapic_accepts_pic(const struct lapic *lapic)
{
	u32 lvt = lapic_reg(lapic, LAPIC_LVT_LINT0);

	return lapic_mode(lapic) == LAPIC_DISABLED ||
	       (!(lvt & LVT_MASKED) && LVT_MODE(lvt) == APIC_EXTINT);
}
