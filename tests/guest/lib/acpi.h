/* SPDX-License-Identifier: MIT */
/* ACPI tables as an old kernel finds them: by scanning the BIOS area. */
#ifndef TESTS_GUEST_LIB_ACPI_H
#define TESTS_GUEST_LIB_ACPI_H

#include "hv/acpi.h"

/* The RSDP's address; 0: none there (UEFI firmware tells it otherwise). */
u64 acpi_rsdp(void);
/* NULL without such a table. */
const struct acpi_fadt *acpi_fadt(void);
const struct acpi_header *acpi_madt(void);
const struct acpi_header *acpi_dsdt(void);
/* Where these bytes stand in the DSDT; NULL: nowhere. */
const u8 *acpi_dsdt_find(const void *bytes, u32 count);
/* What \_S5 has for SLP_TYPa; ~0 without \_S5. */
u32 acpi_s5_type(void);
/* The MADT's n-th entry of a type. */
const void *acpi_madt_find(enum acpi_madt_type type, u32 number);

#endif
