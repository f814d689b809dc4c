/* SPDX-License-Identifier: MIT */
/* Looks once at each 16-byte border ("Finding the RSDP on IA-PC Systems"); there is no EBDA. */
#include "tests/guest/lib/acpi.h"
#include "hv/string.h"

/* "AML Grammar Definition", from the letters of a name on, where its package is short. */
#define PACKAGE_OP      0x12
#define PACKAGE_ELEMENT 7
#define BYTE_PREFIX     0x0a

u64 acpi_rsdp(void)
{
	for (u64 at = ACPI_RSDP_START; at < ACPI_RSDP_END; at += ACPI_RSDP_STEP)
		if (memcmp((const void *)at, ACPI_RSDP_SIGNATURE, 8) == 0)
			return at;
	return 0;
}

const struct acpi_fadt *acpi_fadt(void)
{
	return (const void *)acpi_find(acpi_rsdp(), "FACP");
}

const struct acpi_header *acpi_madt(void)
{
	return acpi_find(acpi_rsdp(), "APIC");
}

const void *acpi_madt_find(enum acpi_madt_type type, u32 number)
{
	const struct acpi_madt_entry *entry = NULL;
	const struct acpi_header *madt = acpi_madt();

	while ((entry = acpi_madt_next(madt, entry)) != NULL)
		if (entry->type == type && number-- == 0)
			return entry;
	return NULL;
}

const struct acpi_header *acpi_dsdt(void)
{
	const struct acpi_fadt *fadt = acpi_fadt();

	return fadt ? (const void *)(u64)fadt->dsdt : NULL;
}

const u8 *acpi_dsdt_find(const void *bytes, u32 count)
{
	const struct acpi_header *dsdt = acpi_dsdt();

	for (u32 i = sizeof(*dsdt); dsdt && i + count <= dsdt->length; i++)
		if (memcmp((const u8 *)dsdt + i, bytes, count) == 0)
			return (const u8 *)dsdt + i;
	return NULL;
}

u32 acpi_s5_type(void)
{
	static const u8 name[] = { '_', 'S', '5', '_', PACKAGE_OP };
	const u8 *s5 = acpi_dsdt_find(name, sizeof(name));

	if (!s5)
		return ~0u;
	return s5[PACKAGE_ELEMENT] == BYTE_PREFIX ? s5[PACKAGE_ELEMENT + 1] : s5[PACKAGE_ELEMENT];
}
