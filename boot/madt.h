/* SPDX-License-Identifier: MIT */
/* The ACPI tables as far as they tell of CPUs. */
#ifndef BOOT_MADT_H
#define BOOT_MADT_H

#include "hv/boot_info.h"

/* A list of APIC ids without duplicates. */
struct cpu_list {
	u32 apic_ids[BOOT_CPUS_MAX];
	u32 count;
	u32 dropped; /* that found no room */
};

void cpu_list_add(struct cpu_list *list, u32 apic_id);

/*
 * Add the enabled CPUs of the MADT in these bytes (ACPI "Multiple APIC Description Table"). 0;
 * -EINVAL where the length or checksum is wrong or an entry sticks out.
 */
int madt_parse(const u8 *table, size_t size, struct cpu_list *list);

#endif
