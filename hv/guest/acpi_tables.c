/* SPDX-License-Identifier: MIT */
/* What L1's ACPI tables say, as constants; addresses, CPUs and checksums are filled in. */
#include "hv/guest/acpi_tables.h"
#include "hv/acpi.h"
#include "hv/dev/board.h"
#include "hv/panic.h"
#include "hv/string.h"
#include "vmx/lapic.h"

#define REVISION_RSDP    2
#define REVISION_ROOT    1
#define REVISION_MADT    3
#define REVISION_FADT    6
#define REVISION_MCFG    1
#define VERSION_FACS     2
#define LATENCY_NO_STATE 0xffff /* "P_LVL2_LAT", "P_LVL3_LAT": there is no such C-state */
#define LINT1            1
#define OEM_ID           "NESTOR"
#define VENDOR           "Nestor"
#define ENTRY(number, name)                                         \
	{                                                           \
		ACPI_MADT_##number, sizeof(struct acpi_madt_##name) \
	}
#define PORT(bits, access, port)                                   \
	{                                                          \
		ACPI_SPACE_IO, bits, 0, ACPI_ACCESS_##access, port \
	}

_Static_assert(VCPUS_MAX <= 255, "APIC ids that a local APIC's entry can tell");

static const struct acpi_fadt l1_fadt = {
	.sci_int = BOARD_IRQ_SCI,
	.pm1a_evt_blk = PM1A_EVENT,
	.pm1a_cnt_blk = PM1A_CONTROL,
	.pm_tmr_blk = PM_TIMER,
	.pm1_evt_len = 4,
	.pm1_cnt_len = 2,
	.pm_tmr_len = 4,
	.p_lvl2_lat = LATENCY_NO_STATE,
	.p_lvl3_lat = LATENCY_NO_STATE,
	.century = RTC_CENTURY,
	.iapc_boot_arch = ACPI_IAPC_LEGACY_DEVICES | ACPI_IAPC_VGA_NOT_PRESENT,
	.flags = ACPI_FADT_WBINVD | ACPI_FADT_PROC_C1 | ACPI_FADT_PWR_BUTTON |
		 ACPI_FADT_SLP_BUTTON | ACPI_FADT_FIX_RTC | ACPI_FADT_TMR_VAL_EXT |
		 ACPI_FADT_RESET_REG_SUP | ACPI_FADT_HEADLESS,
	.reset_reg = PORT(8, BYTE, PM_RESET),
	.reset_value = PM_RESET_VALUE,
	.x_pm1a_evt_blk = PORT(32, WORD, PM1A_EVENT),
	.x_pm1a_cnt_blk = PORT(16, WORD, PM1A_CONTROL),
	.x_pm_tmr_blk = PORT(32, DWORD, PM_TIMER),
	.hypervisor_vendor_identity = VENDOR,
};

static const struct l1_madt l1_madt = {
	.fixed = { .local_interrupt_controller_address = (u32)LAPIC_DEFAULT_BASE,
		   .flags = ACPI_MADT_PCAT_COMPAT },
	.io_apic = { .entry = ENTRY(IO_APIC, io_apic), .io_apic_address = (u32)IOAPIC_BASE },
	.overrides = {
		{ .entry = ENTRY(OVERRIDE, override),
		  .source = BOARD_IRQ_TIMER,
		  .global_system_interrupt = BOARD_PIN_TIMER },
		{ .entry = ENTRY(OVERRIDE, override),
		  .source = BOARD_IRQ_SCI,
		  .global_system_interrupt = BOARD_IRQ_SCI,
		  .flags = ACPI_INTI_ACTIVE_HIGH | ACPI_INTI_LEVEL },
	},
	.nmi = { .entry = ENTRY(LOCAL_APIC_NMI, local_apic_nmi),
		 .acpi_processor_uid = ACPI_MADT_ALL_CPUS,
		 .local_apic_lint = LINT1 },
};

/* The header last: its checksum is over the whole table. */
static void put_header(void *table, const char *signature, u8 revision, size_t bytes)
{
	struct acpi_header header = {
		.length = (u32)bytes,
		.revision = revision,
		.oemid = OEM_ID,
		.oem_table_id = "L1",
		.oem_revision = 1,
		.creator_id = "NEST",
		.creator_revision = 1,
	};

	memcpy(header.signature, signature, sizeof(header.signature));
	memcpy(table, &header, sizeof(header));
	header.checksum = (u8)-acpi_sum(table, bytes);
	memcpy(table, &header, sizeof(header));
}

static void put_rsdp(struct acpi_rsdp *rsdp, u64 rsdt, u64 xsdt)
{
	*rsdp = (struct acpi_rsdp){
		.signature = ACPI_RSDP_SIGNATURE,
		.oemid = OEM_ID,
		.revision = REVISION_RSDP,
		.rsdt_address = (u32)rsdt,
		.length = sizeof(*rsdp),
		.xsdt_address = xsdt,
	};
	rsdp->checksum = (u8)-acpi_sum(rsdp, ACPI_RSDP_BYTES_0);
	rsdp->extended_checksum = (u8)-acpi_sum(rsdp, sizeof(*rsdp));
}

/* Below 4 GiB the 64-bit fields hold the same; "X_FIRMWARE_CTRL" is for a FACS above. */
static void put_fadt(struct acpi_fadt *fadt, u64 facs, u64 dsdt)
{
	*fadt = l1_fadt;
	fadt->firmware_ctrl = (u32)facs;
	fadt->dsdt = (u32)dsdt;
	fadt->x_dsdt = dsdt;
	put_header(fadt, "FACP", REVISION_FADT, sizeof(*fadt));
}

static void put_madt(struct l1_madt *madt, u32 vcpus)
{
	*madt = l1_madt;
	for (u32 i = 0; i < vcpus; i++)
		madt->local_apics[i] = (struct acpi_madt_local_apic){
			.entry = ENTRY(LOCAL_APIC, local_apic),
			.acpi_processor_uid = (u8)i,
			.apic_id = (u8)i,
			.flags = ACPI_MADT_CPU_ENABLED,
		};
	put_header(madt, "APIC", REVISION_MADT,
		   offsetof(struct l1_madt, local_apics) + vcpus * sizeof(madt->local_apics[0]));
}

void acpi_tables_build(struct acpi_tables *tables, const struct acpi_setup *setup)
{
	const u64 base = setup->base.raw;
	const u64 found[ACPI_ROOT_ENTRIES] = { base + offsetof(struct acpi_tables, fadt),
					       base + offsetof(struct acpi_tables, madt),
					       base + offsetof(struct acpi_tables, mcfg) };
	size_t dsdt_bytes = (size_t)(setup->dsdt_end - setup->dsdt);

	ASSERT(IS_ALIGNED(base, ACPI_FACS_ALIGN) && base + sizeof(*tables) <= 4 * GIB);
	ASSERT(setup->vcpus <= VCPUS_MAX && dsdt_bytes <= sizeof(tables->dsdt));
	memset(tables, 0, sizeof(*tables));
	memcpy(tables->dsdt, setup->dsdt, dsdt_bytes);
	tables->facs = (struct acpi_facs){ .signature = "FACS",
					   .length = sizeof(tables->facs),
					   .version = VERSION_FACS };
	put_fadt(&tables->fadt, base + offsetof(struct acpi_tables, facs),
		 base + offsetof(struct acpi_tables, dsdt));
	put_madt(&tables->madt, setup->vcpus);
	tables->mcfg = (struct acpi_mcfg){ .base_address = PCI_ECAM_BASE };
	put_header(&tables->mcfg, "MCFG", REVISION_MCFG, sizeof(tables->mcfg));
	for (u32 i = 0; i < ARRAY_SIZE(found); i++) {
		tables->rsdt.entries[i] = (u32)found[i];
		tables->xsdt.entries[i] = found[i];
	}
	put_header(&tables->rsdt, "RSDT", REVISION_ROOT, sizeof(tables->rsdt));
	put_header(&tables->xsdt, "XSDT", REVISION_ROOT, sizeof(tables->xsdt));
	put_rsdp(&tables->rsdp, base + offsetof(struct acpi_tables, rsdt),
		 base + offsetof(struct acpi_tables, xsdt));
}
