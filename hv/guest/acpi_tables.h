/* SPDX-License-Identifier: MIT */
/*
 * L1's ACPI tables: one block, all in its place whatever the number of CPUs, with the RSDP first.
 * They say what hv/dev wires (board.h, pm_timer.h); the DSDT arrives compiled. Pure.
 */
#ifndef HV_GUEST_ACPI_TABLES_H
#define HV_GUEST_ACPI_TABLES_H

#include "hv/acpi_format.h"
#include "mm/addr.h"
#include "vmx/vm.h"

#define ACPI_DSDT_MAX     1024u
#define ACPI_OVERRIDES    2
#define ACPI_ROOT_ENTRIES 3 /* FADT, MADT, MCFG */

/* The MADT; local APICs last, so that it ends behind as many as there are. */
struct l1_madt {
	struct acpi_madt fixed;
	struct acpi_madt_io_apic io_apic;
	struct acpi_madt_override overrides[ACPI_OVERRIDES];
	struct acpi_madt_local_apic_nmi nmi;
	struct acpi_madt_local_apic local_apics[VCPUS_MAX];
} ACPI_PACKED;

#define ACPI_ALIGNED(bytes) __attribute__((aligned(bytes)))

struct acpi_tables {
	struct acpi_rsdp rsdp;
	struct acpi_facs facs ACPI_ALIGNED(ACPI_FACS_ALIGN);
	struct acpi_rsdt {
		struct acpi_header header;
		u32 entries[ACPI_ROOT_ENTRIES];
	} ACPI_PACKED rsdt ACPI_ALIGNED(16);
	struct acpi_xsdt {
		struct acpi_header header;
		u64 entries[ACPI_ROOT_ENTRIES];
	} ACPI_PACKED xsdt ACPI_ALIGNED(16);
	struct acpi_fadt fadt ACPI_ALIGNED(16);
	struct l1_madt madt ACPI_ALIGNED(16);
	struct acpi_mcfg mcfg ACPI_ALIGNED(16);
	u8 dsdt[ACPI_DSDT_MAX] ACPI_ALIGNED(16);
};

struct acpi_setup {
	l1_gpa_t base; /* where the tables will lie: on a 64-byte border, below 4 GiB */
	u32 vcpus;     /* APIC ids from 0 */
	const u8 *dsdt, *dsdt_end;
};

void acpi_tables_build(struct acpi_tables *tables, const struct acpi_setup *setup);

#endif
