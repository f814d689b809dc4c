/* SPDX-License-Identifier: MIT */
/*
 * Interrupts as counts. Between irq_begin() and irq_end() each vector from IRQ_FIRST to IRQ_LAST,
 * the spurious one, and NMI have a handler that counts, by CPU, runs the test's hook, and
 * acknowledges. Tests run with interrupts off; they come in where a test waits or opens a window.
 * Every wait is bounded by the time-stamp counter, so an interrupt that never comes is a failure
 * and no hang.
 */
#ifndef TESTS_GUEST_LIB_IRQ_H
#define TESTS_GUEST_LIB_IRQ_H

#include "hv/types.h"
#include "tests/guest/lib/trap.h"

#define IRQ_FIRST      0x20u
#define IRQ_LAST       0xefu
#define IRQ_WAIT_TICKS 20000000ULL /* far above what an interrupt takes, on any machine */
#define IRQ_QUIET      20000ULL    /* how long to listen for what must not come */
#define IRQ_ORDER_MAX  16

enum irq_ack { IRQ_ACK_APIC, IRQ_ACK_PIC, IRQ_ACK_NONE };
typedef void (*irq_hook)(struct trap_frame *frame);

void irq_begin(void);
void irq_end(void);
/* How a vector is acknowledged after its hook, which may be NULL. */
void irq_set(u8 vector, enum irq_ack ack, irq_hook hook);

u32 irq_count(u8 vector); /* on this CPU */
u32 irq_count_on(u32 cpu, u8 vector);
/* On all CPUs together. */
u32 irq_count_sum(u8 vector);
/* The i-th vector that CPU 0 took since irq_begin(); 0 for none. */
u8 irq_order(u32 i);

/* Let in what is pending: the instruction after STI is the only one with interrupts on. */
static inline void irq_window(void)
{
	__asm__ volatile("sti; nop; cli" ::: "memory");
}

/* Keep the window open for so many ticks. */
void irq_listen(u64 ticks);
/* Wait, interrupts on, until this CPU has counted a vector that often. False: it did not come. */
bool irq_wait(u8 vector, u32 count);
bool irq_wait_ticks(u8 vector, u32 count, u64 ticks);
/* Wait, interrupts as they are, until another CPU has. */
bool irq_wait_on(u32 cpu, u8 vector, u32 count);

#endif
