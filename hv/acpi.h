/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables as the firmware left them (ACPI specification, "ACPI Software Programming Model").
 * They lie in firmware memory: to be read only while the firmware's page tables are in use. Lengths
 * and checksums are checked.
 */
#ifndef HV_ACPI_H
#define HV_ACPI_H

#include "hv/acpi_format.h"

/* The bytes' sum modulo 256: 0 over a table that is intact. */
u8 acpi_sum(const void *bytes, size_t count);

/* The first good table with this signature; NULL when there is none, or rsdp is 0. */
const struct acpi_header *acpi_find(u64 rsdp, const char *signature);

/* A MADT's entry after this one, the first after NULL; NULL at the end, or where one sticks out. */
const struct acpi_madt_entry *acpi_madt_next(const struct acpi_header *madt,
					     const struct acpi_madt_entry *entry);

/* The address of the n-th I/O APIC of a MADT; 0 when it has fewer. */
u64 acpi_io_apic(const struct acpi_header *madt, u32 number);

/* The reset register of the FADT, when it is an I/O port. */
struct acpi_reset {
	u16 port;
	u8 value;
};
bool acpi_reset_register(const struct acpi_header *table, struct acpi_reset *reset);

#endif
