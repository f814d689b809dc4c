/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of one L1 vCPU, in software and pure: time comes in as `now` (TSC ticks of the
 * host), what it wants done elsewhere goes out as data.
 *
 * Invariant: everything belongs to the CPU that runs the vCPU, except `inbox` (other CPUs post, the
 * owner collects) and `routing` (the owner publishes, other CPUs read). The register page has the
 * SDM's layout in every mode, so that it can be the VMCS's virtual-APIC page. No decision depends
 * on what the page held at the register being written: lapic_write() is right after an APIC-write
 * VM exit too, when the CPU has already stored the value.
 */
#ifndef VMX_LAPIC_H
#define VMX_LAPIC_H

#include "vmx/apic_message.h"
#include "vmx/lapic_regs.h"

#define LAPIC_NEVER        (~0ULL) /* no deadline */
#define LAPIC_NO_VECTOR    (-1)
#define LAPIC_DEFAULT_BASE 0xfee00000ULL

enum lapic_mode { LAPIC_DISABLED, LAPIC_XAPIC, LAPIC_X2APIC };

/* Latched events: bits of lapic.events and of the inbox. A SIPI's vector stands in bits 15:8. */
enum lapic_event {
	LAPIC_EVENT_NMI = 1,
	LAPIC_EVENT_INIT = 2,
	LAPIC_EVENT_SIPI = 4,
	LAPIC_EVENT_EXTINT = 8,     /* the 8259 pair is to be asked */
	LAPIC_EVENT_NMI_AGAIN = 16, /* beside LAPIC_EVENT_NMI: another one came */
};

/* What other CPUs write, in one cache line of its own. posted: something arrived since collect. */
struct lapic_inbox {
	u64 edge[4];
	u64 level[4];
	u32 events;
	u32 posted;
} __attribute__((aligned(64)));

/* The countdown: `count` ticks were loaded at `start`; 0: it does not run. */
struct lapic_timer {
	u64 start;
	u64 tsc_deadline; /* in L1's TSC; 0: not armed */
	u32 count;
	u32 initial; /* what a periodic timer loads again */
	u8 mode;     /* enum lapic_timer_mode */
	u8 shift;    /* divide configuration: a tick is tsc_per_tick << shift */
};

struct lapic {
	struct lapic_inbox inbox;
	u64 routing; /* written by the owner, read by senders: id apart, all that matching needs */
	u32 *page;
	u64 base;       /* IA32_APIC_BASE */
	u64 tsc_offset; /* L1's TSC − `now` */
	u32 id;         /* x2APIC id; the low 8 bits are the xAPIC id. Constant */
	u32 tsc_per_tick;
	u32 physical_bits;
	u32 events;       /* collected and not yet taken */
	u32 errors;       /* detected since ESR was last written */
	u8 pins;          /* asserted LINT pins */
	u8 remote_irr;    /* LINT pins whose level is in service, as in their local vectors */
	bool enabled;     /* by software: SVR bit 8 */
	bool tmr_changed; /* set with each change of TMR; who keeps a copy clears it */
	bool waits_for_sipi;
	struct lapic_timer timer;
};

/*
 * tsc_per_tick, 1 … 65535: TSC ticks per tick of the timer's input clock, before the divider. The
 * clock is so exactly TSC frequency / tsc_per_tick, what CPUID leaf 15h says with EAX = 1,
 * EBX = tsc_per_tick, ECX = that frequency: no rounding, no drift against the TSC.
 */
struct lapic_config {
	u32 *page; /* 4 KiB, page aligned, the lapic's alone */
	u32 id;
	u32 physical_bits; /* MAXPHYADDR that L1 sees */
	u32 tsc_per_tick;
	bool is_bsp;
};

enum lapic_effect_kind {
	LAPIC_NOTHING,   /* done; what is pending may have changed */
	LAPIC_SEND,      /* deliver `message` */
	LAPIC_EOI_LEVEL, /* tell the I/O APICs the end of level-triggered `vector` */
	LAPIC_TIMER,     /* the next deadline changed */
	LAPIC_MODE,      /* mode, address, SVR's enable bit: MMIO mapping, MSR bitmap, CPUID.1 */
	LAPIC_FAULT,     /* #GP(0), nothing changed */
};

struct lapic_effect {
	enum lapic_effect_kind kind;
	u8 vector;
	struct apic_message message;
};

/* Power-up: once, before another CPU can post. */
void lapic_create(struct lapic *lapic, const struct lapic_config *config);
/* As a PC's firmware leaves the boot CPU's ("virtual wire mode"): enabled, the 8259s' interrupts by
 * LINT0, NMI by LINT1. */
void lapic_wire_lint(struct lapic *lapic);

/* --- any CPU ---------------------------------------------------------------------------------- */

/* Whether this message is for this APIC. A lowest-priority message: for which one candidate of. */
bool lapic_matches(const struct lapic *lapic, const struct apic_message *message);
/* A candidate of lowest-priority arbitration must be enabled by software; its priority is a hint:
 * TPR and ISR may change meanwhile, by the CPU itself where that virtualizes them. */
bool lapic_is_candidate(const struct lapic *lapic, const struct apic_message *message);
u8 lapic_arbitration_priority(const struct lapic *lapic);
/* Put a message that matches into the inbox, by its delivery mode. True: the owner must be kicked
 * so that it collects; false: nothing to do, or someone else's kick is still under way. */
bool lapic_deliver(struct lapic *lapic, const struct apic_message *message);
bool lapic_post(struct lapic *lapic, u8 vector, enum apic_trigger trigger);
/* event: one of enum lapic_event; the vector counts for SIPI only. */
bool lapic_post_event(struct lapic *lapic, enum lapic_event event, u8 vector);

/* --- the owner: events and interrupts --------------------------------------------------------- */

/* Before each entry, and when kicked: inbox → IRR, TMR and events. Returns the events that wait. */
u32 lapic_collect(struct lapic *lapic);
bool lapic_take_nmi(struct lapic *lapic);
/* NMIs are blocked: the CPU holds one, no more. Otherwise the first of two is as good as taken. */
void lapic_merge_nmis(struct lapic *lapic);
bool lapic_take_extint(struct lapic *lapic);
/* True: an INIT was taken and the APIC is reset; reset the vCPU. It waits for a SIPI unless it is
 * the BSP (waits_for_sipi). Not to be called while L1 is in VMX operation: INIT stays latched. */
bool lapic_take_init(struct lapic *lapic);
/* An INIT that ends a guest of L1's instead: nothing is reset. */
void lapic_drop_init(struct lapic *lapic);
/* The vector of a SIPI that ends the wait, or LAPIC_NO_VECTOR. A SIPI that nobody waits for is
 * dropped. */
int lapic_take_sipi(struct lapic *lapic);

/* The vector that may be delivered now, or LAPIC_NO_VECTOR. Not with virtual-interrupt delivery. */
int lapic_pending_vector(struct lapic *lapic);
/* The CPU takes the interrupt: IRR → ISR. Returns the vector to deliver: the spurious one if this
 * one has become undeliverable since lapic_pending_vector(). */
u8 lapic_acknowledge(struct lapic *lapic, u8 vector);
/* Highest vector in IRR and ISR (RVI and SVI), or LAPIC_NO_VECTOR. */
int lapic_highest_irr(const struct lapic *lapic);
int lapic_highest_isr(const struct lapic *lapic);
/* Vectors whose EOI must reach us: the EOI-exit bitmap. */
void lapic_level_vectors(const struct lapic *lapic, u64 bitmap[4]);
/* After an EOI that the CPU did itself (EOI-induced exit): ISR is already cleared. */
struct lapic_effect lapic_eoi_done(struct lapic *lapic, u8 vector);
/* For the TPR shadow without virtual-interrupt delivery: below which TPR class to exit, or 0. */
u32 lapic_tpr_threshold(const struct lapic *lapic);
u64 lapic_cr8(const struct lapic *lapic);
void lapic_set_cr8(struct lapic *lapic, u64 value); /* value ≤ 15 */

/* --- the owner: registers --------------------------------------------------------------------- */

/* xAPIC: an aligned 32-bit access at a byte offset in the page. Reads all ones and ignores writes
 * in the other modes. */
u32 lapic_read(struct lapic *lapic, u32 offset, u64 now);
struct lapic_effect lapic_write(struct lapic *lapic, u32 offset, u32 value, u64 now);
/* x2APIC: MSRs 800h–8FFh. False: #GP(0). */
bool lapic_msr_read(struct lapic *lapic, u32 msr, u64 now, u64 *value);
struct lapic_effect lapic_msr_write(struct lapic *lapic, u32 msr, u64 value, u64 now);
/* An APIC-write exit: the CPU has stored into the page what was written at this offset. */
struct lapic_effect lapic_written(struct lapic *lapic, u32 offset, u64 now);
/* Whether RDMSR may take the page's word for it: the current count stands nowhere. */
bool lapic_msr_is_in_page(u32 msr);
/* IA32_APIC_BASE is read as lapic->base. */
struct lapic_effect lapic_write_base(struct lapic *lapic, u64 value);

static inline enum lapic_mode lapic_mode_of(u64 base)
{
	return base & BIT(11) ? (base & BIT(10) ? LAPIC_X2APIC : LAPIC_XAPIC) : LAPIC_DISABLED;
}

/* CPUID.1:EDX.APIC follows the enable bit. */
static inline bool lapic_is_in_cpuid(const struct lapic *lapic)
{
	return lapic_mode_of(lapic->base) != LAPIC_DISABLED;
}

/* The page that xAPIC accesses go to, or LAPIC_NEVER: the memory shows there. */
static inline u64 lapic_mmio_page(const struct lapic *lapic)
{
	return lapic_mode_of(lapic->base) == LAPIC_XAPIC ? lapic->base & BITS(51, 12) : LAPIC_NEVER;
}

/* --- the owner: pins, local vectors, timer ---------------------------------------------------- */

/* Whether the 8259 pair's INTR reaches the CPU: LINT0 is ExtINT, or there is no APIC. */
bool lapic_accepts_pic(const struct lapic *lapic);
/* The level of LINT0 or LINT1 (pin 0, 1), polarity taken into account. */
void lapic_set_lint(struct lapic *lapic, u32 pin, bool asserted);
/* A local source's interrupt: LAPIC_LVT_THERMAL, _COUNTERS. */
void lapic_local_interrupt(struct lapic *lapic, enum lapic_register lvt);

/* When lapic_timer_expire() is next due, in `now`'s ticks: may lie in the past; LAPIC_NEVER. */
u64 lapic_timer_deadline(const struct lapic *lapic, u64 now);
/* True when the timer was due; its interrupt is then in IRR unless masked. */
bool lapic_timer_expire(struct lapic *lapic, u64 now);
u64 lapic_tsc_deadline(struct lapic *lapic, u64 now); /* RDMSR IA32_TSC_DEADLINE */
struct lapic_effect lapic_set_tsc_deadline(struct lapic *lapic, u64 value, u64 now);
/* L1 wrote its TSC; an armed TSC deadline moves with it, the countdown does not. */
void lapic_set_tsc_offset(struct lapic *lapic, u64 offset, u64 now);

#endif
