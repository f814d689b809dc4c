/* SPDX-License-Identifier: MIT */
/* IRR, ISR, TMR and the priorities (SDM "Interrupt, Task, and Processor Priority", "Interrupt
 * Acceptance for Fixed Interrupts", "Signaling Interrupt Servicing Completion"). */
#include "vmx/lapic_private.h"

static u32 word_offset(u32 bitmap, u32 vector)
{
	return bitmap + vector / 32 * LAPIC_STRIDE;
}

static bool test(const struct lapic *lapic, u32 bitmap, u32 vector)
{
	return lapic_reg(lapic, word_offset(bitmap, vector)) >> vector % 32 & 1;
}

static void set(struct lapic *lapic, u32 bitmap, u32 vector)
{
	u32 offset = word_offset(bitmap, vector);

	lapic_set_reg(lapic, offset, lapic_reg(lapic, offset) | 1u << vector % 32);
}

static void clear(struct lapic *lapic, u32 bitmap, u32 vector)
{
	u32 offset = word_offset(bitmap, vector);

	lapic_set_reg(lapic, offset, lapic_reg(lapic, offset) & ~(1u << vector % 32));
}

static int highest(const struct lapic *lapic, u32 bitmap)
{
	for (u32 i = 8; i-- > 0;) {
		u32 word = lapic_reg(lapic, bitmap + i * LAPIC_STRIDE);

		if (word)
			return (int)(i * 32 + 31 - (u32)__builtin_clz(word));
	}
	return LAPIC_NO_VECTOR;
}

int lapic_highest_irr(const struct lapic *lapic)
{
	return highest(lapic, LAPIC_IRR);
}

int lapic_highest_isr(const struct lapic *lapic)
{
	return highest(lapic, LAPIC_ISR);
}

/* As the CPU's own PPR virtualization computes it where classes are equal. */
u8 lapic_arbitration_priority(const struct lapic *lapic)
{
	int isr = lapic_highest_isr(lapic);
	u32 service = isr < 0 ? 0 : (u32)isr & 0xf0;
	u32 tpr = lapic_reg(lapic, LAPIC_TPR) & 0xff;

	return (u8)((tpr & 0xf0) >= service ? tpr : service);
}

void lapic_update_ppr(struct lapic *lapic)
{
	lapic_set_reg(lapic, LAPIC_PPR, lapic_arbitration_priority(lapic));
}

/* One word, so that senders see id, mode and destinations of one moment. */
void lapic_publish(struct lapic *lapic)
{
	u64 routing = (lapic_reg(lapic, LAPIC_LDR) >> 24) << 8 |
		      (lapic_reg(lapic, LAPIC_DFR) >> 28) << 16 | (u32)lapic_mode(lapic) << 20 |
		      (lapic->enabled ? ROUTING_ENABLED : 0);

	if (routing != lapic->routing)
		__atomic_store_n(&lapic->routing, routing, __ATOMIC_RELEASE);
}

void lapic_accept(struct lapic *lapic, u32 vector, enum apic_trigger trigger)
{
	if (!lapic->enabled)
		return;
	if (vector < FIRST_LEGAL_VECTOR) {
		lapic_error(lapic, ESR_RECEIVE_VECTOR);
		return;
	}
	set(lapic, LAPIC_IRR, vector);
	if (likely(test(lapic, LAPIC_TMR, vector) == (trigger == APIC_LEVEL)))
		return;
	if (trigger == APIC_LEVEL)
		set(lapic, LAPIC_TMR, vector);
	else
		clear(lapic, LAPIC_TMR, vector);
	lapic->tmr_changed = true;
}

int lapic_pending_vector(struct lapic *lapic)
{
	int vector = lapic_highest_irr(lapic);

	if (likely(vector < 0))
		return LAPIC_NO_VECTOR;
	lapic_update_ppr(lapic);
	return ((u32)vector & 0xf0) > (lapic_reg(lapic, LAPIC_PPR) & 0xf0) ? vector
									   : LAPIC_NO_VECTOR;
}

u8 lapic_acknowledge(struct lapic *lapic, u8 vector)
{
	if (lapic_pending_vector(lapic) != vector)
		return (u8)lapic_reg(lapic, LAPIC_SVR);
	clear(lapic, LAPIC_IRR, vector);
	set(lapic, LAPIC_ISR, vector);
	lapic_update_ppr(lapic);
	return vector;
}

struct lapic_effect lapic_eoi_done(struct lapic *lapic, u8 vector)
{
	struct lapic_effect effect = { .kind = LAPIC_NOTHING, .vector = vector };

	if (test(lapic, LAPIC_TMR, vector)) {
		effect.kind = LAPIC_EOI_LEVEL;
		lapic_lint_eoi(lapic, vector);
	}
	return effect;
}

struct lapic_effect lapic_eoi(struct lapic *lapic)
{
	int vector = lapic_highest_isr(lapic);

	if (vector < 0)
		return lapic_effect(LAPIC_NOTHING);
	clear(lapic, LAPIC_ISR, (u32)vector);
	lapic_update_ppr(lapic);
	return lapic_eoi_done(lapic, (u8)vector);
}

void lapic_level_vectors(const struct lapic *lapic, u64 bitmap[4])
{
	for (u32 i = 0; i < 4; i++) {
		u32 low = LAPIC_TMR + 2 * i * LAPIC_STRIDE;

		bitmap[i] = (u64)lapic_reg(lapic, low + LAPIC_STRIDE) << 32 | lapic_reg(lapic, low);
	}
}

/* The highest interrupt waits for TPR alone: an exit is due when TPR falls below its class. */
u32 lapic_tpr_threshold(const struct lapic *lapic)
{
	u32 tpr_class = (lapic_reg(lapic, LAPIC_TPR) & 0xff) >> 4;
	u32 class, service;
	int irr, isr;

	if (likely(tpr_class == 0)) /* holds nothing */
		return 0;
	irr = lapic_highest_irr(lapic);
	isr = lapic_highest_isr(lapic);
	class = irr < 0 ? 0 : (u32)irr >> 4;
	service = isr < 0 ? 0 : (u32)isr >> 4;
	return class > service && tpr_class >= class ? class : 0;
}

u64 lapic_cr8(const struct lapic *lapic)
{
	return (lapic_reg(lapic, LAPIC_TPR) & 0xff) >> 4;
}

void lapic_set_cr8(struct lapic *lapic, u64 value)
{
	lapic_set_reg(lapic, LAPIC_TPR, (u32)(value & 0xf) << 4);
	lapic_update_ppr(lapic);
}
