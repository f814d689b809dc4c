/* SPDX-License-Identifier: MIT */
/* The I/O APIC by its index and data register (82093AA data sheet). Accesses are of 4 bytes only.
 */
#include "tests/guest/lib/ioapic.h"
#include "tests/guest/lib/apic.h"

#define IOAPIC_BASE        0xfec00000ULL
#define IOAPIC_DATA        0x10u
#define IOAPIC_REDIRECTION 0x10u

static volatile u32 *at(u64 offset)
{
	return (volatile u32 *)(IOAPIC_BASE + offset);
}

/* Nothing tells without ACPI: where a local APIC is, look for a plausible version. */
bool ioapic_is_present(void)
{
	u32 version;

	if (!apic_is_present())
		return false;
	version = ioapic_read(IOAPIC_VERSION);
	return (version & 0xff) >= 0x11 && (version & 0xff) <= 0x20;
}

u32 ioapic_read(u32 reg)
{
	*at(0) = reg;
	return *at(IOAPIC_DATA);
}

void ioapic_write(u32 reg, u32 value)
{
	*at(0) = reg;
	*at(IOAPIC_DATA) = value;
}

u32 ioapic_pins(void)
{
	return (ioapic_read(IOAPIC_VERSION) >> 16 & 0xff) + 1;
}

u64 ioapic_entry(u32 pin)
{
	return ioapic_read(IOAPIC_REDIRECTION + 2 * pin) |
	       (u64)ioapic_read(IOAPIC_REDIRECTION + 2 * pin + 1) << 32;
}

void ioapic_set(u32 pin, u32 destination, u64 bits)
{
	ioapic_write(IOAPIC_REDIRECTION + 2 * pin, (u32)IOAPIC_MASKED);
	ioapic_write(IOAPIC_REDIRECTION + 2 * pin + 1, destination << 24);
	ioapic_write(IOAPIC_REDIRECTION + 2 * pin, (u32)bits);
}

void ioapic_mask_all(void)
{
	for (u32 pin = 0; pin < ioapic_pins(); pin++)
		ioapic_set(pin, 0, IOAPIC_MASKED);
}
