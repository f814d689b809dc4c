/* SPDX-License-Identifier: MIT */
/* Looks once at each 16-byte border ("Finding the RSDP on IA-PC Systems"); there is no EBDA. */
#include "tests/guest/lib/acpi.h"
#include "hv/string.h"

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
