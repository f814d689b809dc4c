/* SPDX-License-Identifier: MIT */
/* Finding ACPI tables, and the little that L0 wants from them.
 * Fields are read byte-wise: tables need not be aligned. */
#include "hv/acpi.h"
#include "hv/string.h"

#define RSDP_LENGTH        20u /* revision 0: what the first checksum covers */
#define RSDP_REVISION      15u
#define RSDP_RSDT          16u
#define RSDP_XSDT          24u
#define FADT_FLAGS         112u
#define FADT_RESET_SPACE   116u
#define FADT_RESET_ADDRESS 120u
#define FADT_RESET_VALUE   128u
#define FADT_RESET_MINIMUM 129u
#define FLAG_RESET         (1u << 10)
#define SPACE_IO           1u
#define MADT_ENTRIES       44u
#define MADT_IO_APIC       1u
#define IO_APIC_ADDRESS    4u
#define IO_APIC_BYTES      12u

_Static_assert(sizeof(struct acpi_header) == 36, "ACPI: System Description Table Header");

static const u8 *at(u64 address)
{
	return (const u8 *)(uintptr_t)address;
}

static u64 read_field(const void *table, u32 offset, u32 bytes)
{
	u64 value = 0;

	memcpy(&value, (const u8 *)table + offset, bytes);
	return value;
}

static bool sums_to_zero(const u8 *bytes, u32 length)
{
	u8 sum = 0;

	for (u32 i = 0; i < length; i++)
		sum = (u8)(sum + bytes[i]);
	return sum == 0;
}

static const struct acpi_header *good_table(u64 address, const char *signature)
{
	const struct acpi_header *table = (const void *)at(address);

	if (address == 0 || memcmp(table->signature, signature, sizeof(table->signature)) != 0)
		return NULL;
	if (table->length < sizeof(*table) || !sums_to_zero(at(address), table->length))
		return NULL;
	return table;
}

/* The root table: XSDT with 8-byte pointers where there is one, else RSDT with 4-byte pointers. */
static const struct acpi_header *root_table(u64 rsdp, u32 *pointer_bytes)
{
	const struct acpi_header *root = NULL;

	if (rsdp == 0 || memcmp(at(rsdp), "RSD PTR ", 8) != 0 ||
	    !sums_to_zero(at(rsdp), RSDP_LENGTH))
		return NULL;
	*pointer_bytes = 8;
	if (at(rsdp)[RSDP_REVISION] >= 2)
		root = good_table(read_field(at(rsdp), RSDP_XSDT, 8), "XSDT");
	if (root != NULL)
		return root;
	*pointer_bytes = 4;
	return good_table(read_field(at(rsdp), RSDP_RSDT, 4), "RSDT");
}

const struct acpi_header *acpi_find(u64 rsdp, const char *signature)
{
	u32 pointer_bytes;
	const struct acpi_header *root = root_table(rsdp, &pointer_bytes);

	if (root == NULL)
		return NULL;
	for (u32 at_byte = sizeof(*root); at_byte + pointer_bytes <= root->length;
	     at_byte += pointer_bytes) {
		const struct acpi_header *table =
			good_table(read_field(root, at_byte, pointer_bytes), signature);

		if (table != NULL)
			return table;
	}
	return NULL;
}

u64 acpi_io_apic(const struct acpi_header *madt, u32 number)
{
	u32 bytes;

	for (u32 at_byte = MADT_ENTRIES; madt && at_byte + 2 <= madt->length; at_byte += bytes) {
		bytes = (u32)read_field(madt, at_byte + 1, 1);
		if (bytes < 2 || bytes > madt->length - at_byte)
			return 0;
		if (read_field(madt, at_byte, 1) == MADT_IO_APIC && bytes >= IO_APIC_BYTES &&
		    number-- == 0)
			return read_field(madt, at_byte + IO_APIC_ADDRESS, 4);
	}
	return 0;
}

bool acpi_reset_register(const struct acpi_header *fadt, struct acpi_reset *reset)
{
	if (fadt == NULL || fadt->length < FADT_RESET_MINIMUM)
		return false;
	if (!(read_field(fadt, FADT_FLAGS, 4) & FLAG_RESET) ||
	    read_field(fadt, FADT_RESET_SPACE, 1) != SPACE_IO)
		return false;
	reset->port = (u16)read_field(fadt, FADT_RESET_ADDRESS, 2);
	reset->value = (u8)read_field(fadt, FADT_RESET_VALUE, 1);
	return true;
}
