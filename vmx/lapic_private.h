/* SPDX-License-Identifier: MIT */
/* What the files of the local APIC share and nobody else uses. */
#ifndef VMX_LAPIC_PRIVATE_H
#define VMX_LAPIC_PRIVATE_H

#include "vmx/lapic.h"

enum lapic_timer_mode { TIMER_ONE_SHOT, TIMER_PERIODIC, TIMER_TSC_DEADLINE, TIMER_RESERVED };

/* The routing word. */
#define ROUTING_LDR(r)   ((u8)((r) >> 8))
#define ROUTING_MODEL(r) ((u32)((r) >> 16) & 0xfu) /* DFR bits 31:28 */
#define ROUTING_MODE(r)  ((enum lapic_mode)((r) >> 20 & 3u))
#define ROUTING_ENABLED  BIT(22)

static inline u32 lapic_reg(const struct lapic *lapic, u32 offset)
{
	return lapic->page[offset / sizeof(u32)];
}

static inline void lapic_set_reg(struct lapic *lapic, u32 offset, u32 value)
{
	lapic->page[offset / sizeof(u32)] = value;
}

static inline enum lapic_mode lapic_mode(const struct lapic *lapic)
{
	return lapic_mode_of(lapic->base);
}

static inline struct lapic_effect lapic_effect(enum lapic_effect_kind kind)
{
	return (struct lapic_effect){ .kind = kind };
}

/* lapic.c: power-up state of all registers, in the mode that `base` says. */
void lapic_reset_registers(struct lapic *lapic);
/* xAPIC → x2APIC: what changes its format. */
void lapic_enter_x2apic(struct lapic *lapic);
/* Take what is due before an access, so that software sees it in order. */
void lapic_catch_up(struct lapic *lapic, u64 now);
/* A register of either mode, after the checks: value has only bits that can be stored. */
u32 lapic_load_register(struct lapic *lapic, u32 offset, u64 now);
struct lapic_effect lapic_store_register(struct lapic *lapic, u32 offset, u32 value, u64 now);

/* Which registers exist, and their bits. */
struct lapic_rule {
	u32 kept;    /* bits that a write stores */
	u32 ignored; /* read-only bits: no fault in x2APIC mode, where all others are reserved */
	bool exists; /* in xAPIC mode; if not: illegal register address */
	bool writable;
	bool msr_readable; /* x2APIC */
	bool msr_writable;
};

const struct lapic_rule *lapic_rule(u32 offset); /* NULL: no register */

/* lapic_irq.c */
void lapic_accept(struct lapic *lapic, u32 vector, enum apic_trigger trigger);
struct lapic_effect lapic_eoi(struct lapic *lapic);
void lapic_update_ppr(struct lapic *lapic);
/* Make what senders need visible to them. */
void lapic_publish(struct lapic *lapic);

/* lapic_icr.c: what a write to the ICR or to SELF IPI does. */
struct lapic_effect lapic_send(struct lapic *lapic, u32 icr, u32 destination);

/* lapic_inbox.c: a latched event follows an earlier one. */
u32 lapic_combine_events(u32 earlier, u32 later);

/* lapic_lvt.c */
void lapic_error(struct lapic *lapic, u32 esr_bit);
void lapic_write_lvt(struct lapic *lapic, u32 offset, u32 value);
void lapic_mask_local_vectors(struct lapic *lapic);
void lapic_lint_eoi(struct lapic *lapic, u32 vector);

/* lapic_timer.c */
void lapic_timer_reset(struct lapic *lapic);
void lapic_timer_set_mode(struct lapic *lapic, u32 mode);
void lapic_timer_set_count(struct lapic *lapic, u32 count, u64 now);
void lapic_timer_set_divide(struct lapic *lapic, u32 tdcr, u64 now);
u32 lapic_timer_count(const struct lapic *lapic, u64 now);

#endif
