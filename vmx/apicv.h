/* SPDX-License-Identifier: MIT */
/*
 * What the CPU does itself of L1's local APICs (SDM "APIC Virtualization and Virtual Interrupts").
 * The registers stay where vmx/lapic.h has them: their page is the virtual-APIC page. In root, all
 * of it belongs to vmx/lapic*.c; before an entry the VMCS is told what the page holds.
 *
 * A vCPU is at APICV_FULL while software has its APIC enabled, else at APICV_TPR: a disabled APIC
 * takes no interrupts, which the CPU would not know.
 */
#ifndef VMX_APICV_H
#define VMX_APICV_H

#include "vmx/controls.h"
#include "vmx/lapic.h"
#include "vmx/msr_bitmap.h"

enum apicv_level {
	APICV_NONE, /* every access exits */
	APICV_TPR,  /* TPR and CR8 are the page's; an exit tells when TPR falls below a threshold */
	APICV_FULL, /* reads come from the page, interrupts are delivered and ended by the CPU */
};

/* A vCPU's part. */
struct apicv {
	enum apicv_level level;
	u32 tpr_threshold; /* as in the VMCS */
	bool has_page;     /* the APIC-access page lies where its APIC is: it does not hide it */
};

/* Does the CPU deliver the interrupts itself? */
static inline bool apicv_delivers(const struct apicv *apicv)
{
	return apicv->level == APICV_FULL;
}

struct vcpu;
struct vm;

/* Once, before vCPUs run: what the CPUs can and the configuration allows. 0 or -ENOMEM. */
int apicv_init_vm(struct vm *vm);
/* vmcs01 is current and has its controls, the MSR bitmap its first bits. */
void apicv_create(struct vcpu *v);
/*
 * The APIC changed its mode or address, or software enabled or disabled it. May wait for other
 * vCPUs (mm/change.h). Events are to be delivered before the next entry.
 */
void apicv_mode_changed(struct vcpu *v);

/* Above APICV_NONE, when events are collected and injections decided: tell the VMCS, and wake the
 * vCPU where the CPU is going to deliver. */
void apicv_before_entry(struct vcpu *v);

/*
 * The event whose delivery this exit cut short, where IDT-vectoring information says `info`. Bochs
 * 2.7 does not record a virtual interrupt there: info then names the event before it. It is told by
 * what it left: its vector in service, and a guest that takes interrupts.
 */
u32 apicv_event_cut_short(const struct vcpu *v, u32 info);

/* --- decisions, pure -------------------------------------------------------------------------- */

/* The highest level for a CPU with these allowed-1 bits of the (primary, secondary) controls. */
enum apicv_level apicv_level_of(u32 cpu, u32 cpu2);
/* The level of an APIC now, where `most` is possible. */
enum apicv_level apicv_level_now(enum apicv_level most, const struct lapic *lapic);
/* Whether the APIC-access page lies at this APIC. */
bool apicv_page_is_at(const struct lapic *lapic);
#define APICV_CPU2_CONTROLS                                                  \
	((u32)(CPU2_APIC_ACCESSES | CPU2_X2APIC_MODE | CPU2_APIC_REGISTERS | \
	       CPU2_VIRTUAL_INTERRUPTS))
/* Secondary controls at a level, of those that the CPU has: among these. */
u32 apicv_cpu2_controls(enum apicv_level level, const struct lapic *lapic, u32 allowed);
/* The primary controls: instead of CR8 exits the shadow, or these. */
u32 apicv_cpu_controls(enum apicv_level level);
/* Let those x2APIC accesses through that the CPU virtualizes with these secondary controls. The
 * others would reach the physical APIC. */
void apicv_msr_bitmap(struct msr_bitmap *bitmap, u32 cpu2);
/* Guest interrupt status: SVI and RVI by what the page holds. */
u16 apicv_interrupt_status(const struct lapic *lapic);
/* The interrupt that is in service as an event, or `info` where none is. */
u32 apicv_event_in_service(const struct lapic *lapic, u32 info);

#endif
