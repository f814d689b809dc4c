/* SPDX-License-Identifier: MIT */
/* Finding ACPI tables, and the little that L0 wants from them. */
#include "hv/acpi.h"
#include "hv/string.h"

/* A FADT that is shorter has no reset register. */
#define FADT_RESET_MINIMUM offsetof(struct acpi_fadt, arm_boot_arch)

static const u8 *at(u64 address)
{
	return (const u8 *)(uintptr_t)address;
}

u8 acpi_sum(const void *bytes, size_t count)
{
	u8 sum = 0;

	for (size_t i = 0; i < count; i++)
		sum = (u8)(sum + ((const u8 *)bytes)[i]);
	return sum;
}

static const struct acpi_header *good_table(u64 address, const char *signature)
{
	const struct acpi_header *table = (const void *)at(address);

	if (address == 0 || memcmp(table->signature, signature, sizeof(table->signature)) != 0)
		return NULL;
	if (table->length < sizeof(*table) || acpi_sum(table, table->length) != 0)
		return NULL;
	return table;
}

/* The root table: XSDT with 8-byte pointers where there is one, else RSDT with 4-byte pointers. */
static const struct acpi_header *root_table(u64 address, u32 *pointer_bytes)
{
	const struct acpi_rsdp *rsdp = (const void *)at(address);
	const struct acpi_header *root = NULL;

	if (address == 0 ||
	    memcmp(rsdp->signature, ACPI_RSDP_SIGNATURE, sizeof(rsdp->signature)) != 0 ||
	    acpi_sum(rsdp, ACPI_RSDP_BYTES_0) != 0)
		return NULL;
	*pointer_bytes = 8;
	if (rsdp->revision >= 2)
		root = good_table(rsdp->xsdt_address, "XSDT");
	if (root != NULL)
		return root;
	*pointer_bytes = 4;
	return good_table(rsdp->rsdt_address, "RSDT");
}

const struct acpi_header *acpi_find(u64 rsdp, const char *signature)
{
	u32 pointer_bytes;
	const struct acpi_header *root = root_table(rsdp, &pointer_bytes);

	if (root == NULL)
		return NULL;
	for (u32 at_byte = sizeof(*root); at_byte + pointer_bytes <= root->length;
	     at_byte += pointer_bytes) {
		const struct acpi_header *table;
		u64 address = 0;

		memcpy(&address, (const u8 *)root + at_byte, pointer_bytes);
		table = good_table(address, signature);
		if (table != NULL)
			return table;
	}
	return NULL;
}

const struct acpi_madt_entry *acpi_madt_next(const struct acpi_header *madt,
					     const struct acpi_madt_entry *entry)
{
	const u8 *start = (const u8 *)madt;
	size_t next = sizeof(struct acpi_madt);

	if (madt == NULL)
		return NULL;
	if (entry != NULL)
		next = (size_t)((const u8 *)entry - start) + entry->length;
	if (next + sizeof(*entry) > madt->length)
		return NULL;
	entry = (const void *)(start + next);
	return entry->length >= sizeof(*entry) && entry->length <= madt->length - next ? entry
										       : NULL;
}

u64 acpi_io_apic(const struct acpi_header *madt, u32 number)
{
	const struct acpi_madt_entry *entry = NULL;

	while ((entry = acpi_madt_next(madt, entry)) != NULL) {
		const struct acpi_madt_io_apic *io_apic = (const void *)entry;

		if (entry->type == ACPI_MADT_IO_APIC && entry->length >= sizeof(*io_apic) &&
		    number-- == 0)
			return io_apic->io_apic_address;
	}
	return 0;
}

bool acpi_reset_register(const struct acpi_header *table, struct acpi_reset *reset)
{
	const struct acpi_fadt *fadt = (const void *)table;

	if (table == NULL || table->length < FADT_RESET_MINIMUM)
		return false;
	if (!(fadt->flags & ACPI_FADT_RESET_REG_SUP) ||
	    fadt->reset_reg.address_space_id != ACPI_SPACE_IO)
		return false;
	reset->port = (u16)fadt->reset_reg.address;
	reset->value = fadt->reset_value;
	return true;
}
