/* SPDX-License-Identifier: MIT */
/*
 * Ways to find the PM timer: Nestor's place (docs/abi.md), ACPI tables in the BIOS area, and PCI
 * function 8086:7113.
 */
#include "tests/guest/lib/pm_timer.h"
#include "hv/string.h"
#include "hv/x86.h"
#include "tests/guest/lib/nestor.h"

#define RSDP_START      0xe0000ULL
#define RSDP_END        0x100000ULL
#define RSDP_RSDT       16
#define TABLE_LENGTH    4
#define TABLE_HEADER    36
#define FADT_PM_TIMER   76
#define PCI_ADDRESS     0xcf8u
#define PCI_DATA        0xcfcu
#define PCI_FUNCTIONS   256u /* of bus 0 */
#define PIIX4_POWER     0x71138086u
#define PIIX4_BASE      0x40u
#define PIIX4_MISC      0x80u
#define PIIX4_TIMER     8u
#define NESTOR_PM_TIMER 0x608u

static u32 read_at(u64 address)
{
	u32 value;

	memcpy(&value, (const void *)address, sizeof(value));
	return value;
}

static u16 port_by_acpi(void)
{
	for (u64 at = RSDP_START; at < RSDP_END; at += 16) {
		u64 rsdt;

		if (memcmp((const void *)at, "RSD PTR ", 8) != 0)
			continue;
		rsdt = read_at(at + RSDP_RSDT);
		for (u64 i = TABLE_HEADER; i < read_at(rsdt + TABLE_LENGTH); i += 4) {
			u64 table = read_at(rsdt + i);

			if (memcmp((const void *)table, "FACP", 4) == 0)
				return (u16)read_at(table + FADT_PM_TIMER);
		}
	}
	return 0;
}

static u32 pci_read(u32 function, u32 reg)
{
	out32(PCI_ADDRESS, 0x80000000u | function << 8 | reg);
	return in32(PCI_DATA);
}

static u16 port_by_pci(void)
{
	for (u32 function = 0; function < PCI_FUNCTIONS; function++) {
		u32 base;

		if (pci_read(function, 0) != PIIX4_POWER)
			continue;
		base = pci_read(function, PIIX4_BASE) & 0xffc0;
		if (base && (pci_read(function, PIIX4_MISC) & 1))
			return (u16)(base + PIIX4_TIMER);
	}
	return 0;
}

u16 pm_timer_port(void)
{
	u16 port;

	if (nestor_is_present())
		return NESTOR_PM_TIMER;
	port = port_by_acpi();
	return port ? port : port_by_pci();
}
