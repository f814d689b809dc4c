/* SPDX-License-Identifier: MIT */
/* ACPI tables in the firmware's memory. */
#ifndef BOOT_ACPI_H
#define BOOT_ACPI_H

#include "boot/boot.h"

/* The RSDP's address, 0 where the firmware publishes none. */
u64 acpi_find_rsdp(const EFI_SYSTEM_TABLE *system);
/* The table with this signature (4 characters), its length checked for plausibility; NULL where
 * there is none. */
const u8 *acpi_find_table(u64 rsdp, const char *signature, u32 *length);

#endif
