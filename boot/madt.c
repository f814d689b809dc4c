/* SPDX-License-Identifier: MIT */
/* CPUs from the MADT. Pure: the table arrives as bytes. */
#include "boot/madt.h"
#include "hv/errno.h"
#include "hv/string.h"

#define MADT_ENTRIES 44u /* offset of the first entry */
#define ENTRY_LAPIC  0u
#define ENTRY_X2APIC 9u
#define CPU_ENABLED  1u

static u32 read32(const u8 *at)
{
	return (u32)at[0] | (u32)at[1] << 8 | (u32)at[2] << 16 | (u32)at[3] << 24;
}

void cpu_list_add(struct cpu_list *list, u32 apic_id)
{
	for (u32 i = 0; i < list->count; i++) {
		if (list->apic_ids[i] == apic_id)
			return;
	}
	if (list->count == BOOT_CPUS_MAX)
		list->dropped++;
	else
		list->apic_ids[list->count++] = apic_id;
}

static void add_entry(struct cpu_list *list, const u8 *entry, u32 bytes)
{
	if (entry[0] == ENTRY_LAPIC && bytes >= 8 && (read32(entry + 4) & CPU_ENABLED))
		cpu_list_add(list, entry[3]);
	if (entry[0] == ENTRY_X2APIC && bytes >= 16 && (read32(entry + 8) & CPU_ENABLED))
		cpu_list_add(list, read32(entry + 4));
}

int madt_parse(const u8 *table, size_t size, struct cpu_list *list)
{
	u32 length;

	if (size < MADT_ENTRIES || memcmp(table, "APIC", 4) != 0)
		return -EINVAL;
	length = read32(table + 4);
	if (length < MADT_ENTRIES || length > size)
		return -EINVAL;
	for (u32 at = MADT_ENTRIES; at + 2 <= length;) {
		u32 bytes = table[at + 1];

		if (bytes < 2 || bytes > length - at)
			return -EINVAL;
		add_entry(list, table + at, bytes);
		at += bytes;
	}
	return 0;
}
