/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of the CPU that asks, by MMIO (xAPIC) or by MSRs (x2APIC). All CPUs are in the
 * same mode; it goes from xAPIC to x2APIC only, and EN is never cleared: Bochs 2.7 has no way back.
 */
#ifndef TESTS_GUEST_LIB_APIC_H
#define TESTS_GUEST_LIB_APIC_H

#include "hv/types.h"

#define APIC_DEFAULT_BASE       0xfee00000ULL

/* Registers by their xAPIC offset; the MSR is 800h + offset / 16. */
#define APIC_ID                 0x20u
#define APIC_VERSION            0x30u
#define APIC_TPR                0x80u
#define APIC_PPR                0xa0u
#define APIC_EOI                0xb0u
#define APIC_LDR                0xd0u
#define APIC_DFR                0xe0u /* xAPIC only */
#define APIC_SVR                0xf0u
#define APIC_ISR                0x100u /* and seven more, as TMR and IRR */
#define APIC_TMR                0x180u
#define APIC_IRR                0x200u
#define APIC_ESR                0x280u
#define APIC_ICR                0x300u
#define APIC_ICR_HIGH           0x310u /* xAPIC only */
#define APIC_LVT_TIMER          0x320u
#define APIC_LVT_THERMAL        0x330u
#define APIC_LVT_PERFMON        0x340u
#define APIC_LVT_LINT0          0x350u
#define APIC_LVT_LINT1          0x360u
#define APIC_LVT_ERROR          0x370u
#define APIC_TIMER_INITIAL      0x380u
#define APIC_TIMER_CURRENT      0x390u
#define APIC_TIMER_DIVIDE       0x3e0u
#define APIC_SELF_IPI           0x3f0u /* x2APIC only */

#define APIC_SVR_ENABLED        0x100u
#define APIC_LVT_MASKED         0x10000u
#define APIC_LVT_EXTINT         0x700u
#define APIC_TIMER_ONE          0x00000u /* one-shot, periodic, TSC-deadline */
#define APIC_TIMER_PERIOD       0x20000u
#define APIC_TIMER_TSC          0x40000u
#define APIC_DIVIDE_BY_1        0xbu
#define APIC_DFR_FLAT           0xffffffffu
#define APIC_DFR_CLUSTER        0x0fffffffu

/* ICR: delivery mode, destination mode, level, shorthand. */
#define APIC_ICR_FIXED          0x000u
#define APIC_ICR_LOWEST         0x100u
#define APIC_ICR_NMI            0x400u
#define APIC_ICR_INIT           0x500u
#define APIC_ICR_SIPI           0x600u
#define APIC_ICR_LOGICAL        0x800u
#define APIC_ICR_PENDING        0x1000u /* delivery status, xAPIC only */
#define APIC_ICR_ASSERT         0x4000u
#define APIC_ICR_SELF           0x40000u
#define APIC_ICR_ALL            0x80000u
#define APIC_ICR_OTHERS         0xc0000u

#define APIC_ESR_SEND_VECTOR    0x20u
#define APIC_ESR_RECEIVE_VECTOR 0x40u
#define APIC_ESR_REGISTER       0x80u

#define APIC_SPURIOUS           0xffu /* the vector that apic_reset() gives */

bool apic_is_present(void);
bool apic_has_x2apic(void);
bool apic_has_deadline(void);
/* First of all, on each CPU: see which mode the APIC is in; take that of CPU 0. */
void apic_find_mode(void);
bool apic_is_x2apic(void);
/* Take x2APIC mode on this CPU; smp.h does it for all. */
void apic_enter_x2apic(void);

u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 value);
/* Is the bit of a vector set in APIC_IRR, APIC_ISR or APIC_TMR? */
bool apic_vector_bit(u32 reg, u8 vector);
/* No bit at all is set there. */
bool apic_is_clear(u32 reg);

u32 apic_id(void);         /* as the register has it */
u32 apic_initial_id(void); /* as CPUID has it */
void apic_eoi(void);
/* Write the ICR, and wait (not for ever) until it is idle. */
void apic_send(u32 destination, u32 command);
void apic_self_ipi(u8 vector);
/* One that comes meanwhile has come. */
void apic_nmi_to_self(void);
/* Write the ESR, which makes it show the errors since the last time, and read it. */
u32 apic_errors(void);

/* Software-enabled, priority 0, all local vectors masked, timer off, nothing in service. */
void apic_reset(void);

#endif
