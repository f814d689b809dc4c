/* SPDX-License-Identifier: MIT */
/* CPUs by the MADT; where the firmware publishes no ACPI tables,
 * by the EFI MP services; else the boot CPU alone. */
#include "boot/cpus.h"
#include "boot/madt.h"
#include "boot/mp_services.h"
#include "hv/acpi.h"
#include "hv/log.h"
#include "hv/string.h"
#include "hv/x86.h"

static EFI_GUID mp_services_guid = EFI_MP_SERVICES_PROTOCOL_GUID;
static const EFI_GUID acpi1_guid = ACPI_TABLE_GUID;
static const EFI_GUID acpi2_guid = ACPI_20_TABLE_GUID;

static u64 configuration_table(const EFI_SYSTEM_TABLE *system, const EFI_GUID *guid)
{
	for (UINTN i = 0; i < system->NumberOfTableEntries; i++) {
		const EFI_CONFIGURATION_TABLE *entry = &system->ConfigurationTable[i];

		if (memcmp(&entry->VendorGuid, guid, sizeof(*guid)) == 0)
			return (u64)entry->VendorTable;
	}
	return 0;
}

static u64 find_rsdp(const EFI_SYSTEM_TABLE *system)
{
	u64 rsdp = configuration_table(system, &acpi2_guid);

	return rsdp ? rsdp : configuration_table(system, &acpi1_guid);
}

/* SDM "Extended Topology Enumeration Leaf" where there is one,
 * else the initial APIC id of leaf 1. */
static u32 own_apic_id(void)
{
	if (cpuid(0, 0).eax >= 0xb && cpuid(0xb, 0).ebx)
		return cpuid(0xb, 0).edx;
	return cpuid(1, 0).ebx >> 24;
}

static const char *find_by_madt(struct boot *boot, struct cpu_list *list)
{
	const struct acpi_header *madt = acpi_find(boot->info->rsdp, "APIC");
	struct cpu_list found = *list;

	if (!madt || madt_parse((const u8 *)madt, madt->length, &found))
		return NULL;
	*list = found;
	return "the MADT";
}

static const char *find_by_mp_services(struct boot *boot, struct cpu_list *list)
{
	EFI_MP_SERVICES_PROTOCOL *mp;
	EFI_PROCESSOR_INFORMATION cpu;
	UINTN count, enabled;

	if (EFI_ERROR(boot->services->LocateProtocol(&mp_services_guid, NULL, (void **)&mp)) ||
	    EFI_ERROR(mp->GetNumberOfProcessors(mp, &count, &enabled)))
		return NULL;
	for (UINTN i = 0; i < count; i++) {
		if (!EFI_ERROR(mp->GetProcessorInfo(mp, i, &cpu)) &&
		    (cpu.StatusFlag & PROCESSOR_ENABLED_BIT))
			cpu_list_add(list, (u32)cpu.ProcessorId);
	}
	return "the EFI MP services";
}

int cpus_find(struct boot *boot)
{
	struct boot_info *info = boot->info;
	struct cpu_list list = { .count = 0 };
	const char *source;

	info->rsdp = find_rsdp(boot->system);
	cpu_list_add(&list, own_apic_id());
	source = find_by_madt(boot, &list);
	if (!source)
		source = find_by_mp_services(boot, &list);
	if (info->config.cpus > list.count)
		return boot_refuse(boot, "cpus = %u, and the machine has %u; set a smaller 'cpus'",
				   info->config.cpus, list.count);
	if (list.dropped)
		log_line("boot", "%u CPUs beyond the first %u are not used", list.dropped,
			 BOOT_CPUS_MAX);
	memcpy(info->apic_ids, list.apic_ids, sizeof(info->apic_ids));
	info->cpu_count = info->config.cpus ? info->config.cpus : list.count;
	log_line("boot", "%u of %u CPUs, found by %s", info->cpu_count, list.count,
		 source ? source : "CPUID alone");
	return 0;
}
