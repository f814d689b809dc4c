/* SPDX-License-Identifier: MIT */
/* I/O APIC: pins, redirection entries, messages. */
#include "hv/dev/ioapic.h"

#define MMIO_SELECT       0x00
#define MMIO_WINDOW       0x10

#define REG_ID            0x00
#define REG_VERSION       0x01
#define REG_ARBITRATION   0x02
#define REG_ENTRIES       0x10

#define ENTRY_VECTOR(e)   ((u8)(e))
#define ENTRY_DELIVERY(e) ((u8)((e) >> 8 & 7))
#define ENTRY_LOGICAL     BIT(11)
#define ENTRY_REMOTE_IRR  BIT(14)
#define ENTRY_LEVEL       BIT(15)
#define ENTRY_MASKED      BIT(16)
#define ENTRY_DEST(e)     ((u8)((e) >> 56))
/* Delivery status (bit 12, always idle: a message is delivered at once) and remote IRR are
 * read-only; bits 55:17 are reserved. */
#define ENTRY_WRITABLE    (BITS(63, 56) | BITS(16, 15) | BIT(13) | BITS(11, 0))

/* The trigger mode counts for these two only: the data sheet has the others as edges. */
static bool is_level(u64 entry)
{
	return (entry & ENTRY_LEVEL) && ENTRY_DELIVERY(entry) <= IOAPIC_LOWEST_PRIORITY;
}

static bool is_reserved_delivery(u64 entry)
{
	return ENTRY_DELIVERY(entry) == 3 || ENTRY_DELIVERY(entry) == 6;
}

static void send(struct ioapic *ioapic, u32 pin)
{
	u64 entry = ioapic->entries[pin];
	const struct ioapic_message message = {
		.vector = ENTRY_VECTOR(entry),
		.delivery = ENTRY_DELIVERY(entry),
		.destination = ENTRY_DEST(entry),
		.logical = entry & ENTRY_LOGICAL,
		.level = is_level(entry),
	};

	if (is_reserved_delivery(entry))
		return;
	if (message.level)
		ioapic->entries[pin] |= ENTRY_REMOTE_IRR;
	if (ioapic->sink.send)
		ioapic->sink.send(ioapic->sink.context, &message);
}

/* Send a level that stands, is not masked and not in service yet. */
static void service_level(struct ioapic *ioapic, u32 pin)
{
	u64 entry = ioapic->entries[pin];

	if (is_level(entry) && (ioapic->lines & BIT(pin)) &&
	    !(entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR)))
		send(ioapic, pin);
}

void ioapic_init(struct ioapic *ioapic, struct ioapic_sink sink)
{
	*ioapic = (struct ioapic){ .sink = sink };
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++)
		ioapic->entries[pin] = ENTRY_MASKED;
}

void ioapic_set_pin(struct ioapic *ioapic, u32 pin, bool asserted)
{
	u32 bit = 1u << pin;
	bool rises = asserted && !(ioapic->lines & bit);

	ioapic->lines = asserted ? ioapic->lines | bit : ioapic->lines & ~bit;
	if (is_level(ioapic->entries[pin]))
		service_level(ioapic, pin);
	else if (rises && !(ioapic->entries[pin] & ENTRY_MASKED))
		send(ioapic, pin); /* an edge on a masked pin is lost (82093AA, "Interrupt Mask") */
}

void ioapic_eoi(struct ioapic *ioapic, u8 vector)
{
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++) {
		u64 *entry = &ioapic->entries[pin];

		if (!(*entry & ENTRY_REMOTE_IRR) || ENTRY_VECTOR(*entry) != vector)
			continue;
		*entry &= ~ENTRY_REMOTE_IRR;
		service_level(ioapic, pin);
	}
}

static void write_entry(struct ioapic *ioapic, u32 reg, u32 value)
{
	u32 pin = (reg - REG_ENTRIES) / 2;
	u32 shift = reg % 2 * 32;
	u64 writable = ENTRY_WRITABLE & ((u64)~0u << shift);
	u64 *entry = &ioapic->entries[pin];

	*entry = (*entry & ~writable) | (((u64)value << shift) & writable);
	if (!is_level(*entry))
		*entry &= ~ENTRY_REMOTE_IRR;
	service_level(ioapic, pin);
}

static u32 read_register(const struct ioapic *ioapic, u32 reg)
{
	if (reg >= REG_ENTRIES && reg < REG_ENTRIES + 2 * IOAPIC_PINS)
		return (u32)(ioapic->entries[(reg - REG_ENTRIES) / 2] >> (reg % 2 * 32));
	switch (reg) {
	case REG_ID:
	case REG_ARBITRATION:
		return (u32)ioapic->id << 24;
	case REG_VERSION:
		return (IOAPIC_PINS - 1) << 16 | IOAPIC_VERSION;
	default:
		return 0;
	}
}

static void write_register(struct ioapic *ioapic, u32 reg, u32 value)
{
	if (reg == REG_ID)
		ioapic->id = value >> 24 & 0xf;
	else if (reg >= REG_ENTRIES && reg < REG_ENTRIES + 2 * IOAPIC_PINS)
		write_entry(ioapic, reg, value);
}

u64 ioapic_mmio_read(void *device, u64 offset, u32 bytes)
{
	const struct ioapic *ioapic = device;

	if (bytes == 4 && offset == MMIO_SELECT)
		return ioapic->select;
	if (bytes == 4 && offset == MMIO_WINDOW)
		return read_register(ioapic, ioapic->select);
	return ~0ULL;
}

void ioapic_mmio_write(void *device, u64 offset, u32 bytes, u64 value)
{
	struct ioapic *ioapic = device;

	if (bytes == 4 && offset == MMIO_SELECT)
		ioapic->select = (u8)value;
	else if (bytes == 4 && offset == MMIO_WINDOW)
		write_register(ioapic, ioapic->select, (u32)value);
}
