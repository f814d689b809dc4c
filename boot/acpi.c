/* SPDX-License-Identifier: MIT */
/* Finds ACPI tables: RSDP → XSDT (or RSDT) → table. Lengths and checksums are checked before they
 * are believed. */
#include "boot/acpi.h"
#include "boot/madt.h"
#include "hv/string.h"

#define RSDP_V1_BYTES 20u
#define RSDP_V2_BYTES 36u
#define HEADER_BYTES  36u
#define TABLE_MAX     (1u << 20)

static EFI_GUID acpi1_guid = ACPI_TABLE_GUID;
static EFI_GUID acpi2_guid = ACPI_20_TABLE_GUID;

static u64 configuration_table(const EFI_SYSTEM_TABLE *system, const EFI_GUID *guid)
{
	for (UINTN i = 0; i < system->NumberOfTableEntries; i++) {
		const EFI_CONFIGURATION_TABLE *entry = &system->ConfigurationTable[i];

		if (memcmp(&entry->VendorGuid, guid, sizeof(*guid)) == 0)
			return (u64)entry->VendorTable;
	}
	return 0;
}

u64 acpi_find_rsdp(const EFI_SYSTEM_TABLE *system)
{
	u64 rsdp = configuration_table(system, &acpi2_guid);

	return rsdp ? rsdp : configuration_table(system, &acpi1_guid);
}

/* The table at this address with its length, when its header is sound. */
static const u8 *table_at(u64 address, u32 *length)
{
	const u8 *table = (const u8 *)address;

	if (!table)
		return NULL;
	memcpy(length, table + 4, sizeof(*length));
	if (*length < HEADER_BYTES || *length > TABLE_MAX || !acpi_checksum_ok(table, *length))
		return NULL;
	return table;
}

/* The root table; *pointer_bytes = size of its pointers. */
static const u8 *root_table(u64 rsdp_address, u32 *length, u32 *pointer_bytes)
{
	const u8 *rsdp = (const u8 *)rsdp_address;
	u64 address = 0;

	if (!rsdp || memcmp(rsdp, "RSD PTR ", 8) != 0 || !acpi_checksum_ok(rsdp, RSDP_V1_BYTES))
		return NULL;
	if (rsdp[15] >= 2 && acpi_checksum_ok(rsdp, RSDP_V2_BYTES))
		memcpy(&address, rsdp + 24, 8);
	*pointer_bytes = 8;
	if (!address) {
		memcpy(&address, rsdp + 16, 4);
		*pointer_bytes = 4;
	}
	return table_at(address, length);
}

const u8 *acpi_find_table(u64 rsdp, const char *signature, u32 *length)
{
	u32 root_length, pointer_bytes;
	const u8 *root = root_table(rsdp, &root_length, &pointer_bytes);

	if (!root)
		return NULL;
	for (u32 at = HEADER_BYTES; at + pointer_bytes <= root_length; at += pointer_bytes) {
		const u8 *table;
		u64 address = 0;

		memcpy(&address, root + at, pointer_bytes);
		table = table_at(address, length);
		if (table && memcmp(table, signature, 4) == 0)
			return table;
	}
	return NULL;
}
