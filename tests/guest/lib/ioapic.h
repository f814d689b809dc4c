/* SPDX-License-Identifier: MIT */
/* The I/O APIC: pins to vectors. Pin 2 is the PIT's, pin n else ISA IRQ n. */
#ifndef TESTS_GUEST_LIB_IOAPIC_H
#define TESTS_GUEST_LIB_IOAPIC_H

#include "hv/types.h"

#define IOAPIC_ID         0u
#define IOAPIC_VERSION    1u
#define IOAPIC_PIN_TIMER  2u
#define IOAPIC_PIN_COM1   4u
#define IOAPIC_PIN_RTC    8u

#define IOAPIC_NMI        (4ULL << 8)
#define IOAPIC_LOGICAL    BIT(11)
#define IOAPIC_PENDING    BIT(12)
#define IOAPIC_REMOTE_IRR BIT(14)
#define IOAPIC_LEVEL      BIT(15)
#define IOAPIC_MASKED     BIT(16)

bool ioapic_is_present(void);
u32 ioapic_read(u32 reg);
void ioapic_write(u32 reg, u32 value);
u32 ioapic_pins(void);
u64 ioapic_entry(u32 pin);
/* The low half, with the mask, last. */
void ioapic_set(u32 pin, u32 destination, u64 bits);
void ioapic_mask_all(void);

#endif
