/* SPDX-License-Identifier: MIT */
/* Ways to find the PM timer: ACPI tables in the BIOS area, and PCI function 8086:7113. */
#include "tests/guest/lib/pm_timer.h"
#include "hv/pci.h"
#include "tests/guest/lib/acpi.h"

#define PIIX4_POWER 0x71138086u
#define PIIX4_BASE  0x40u
#define PIIX4_MISC  0x80u
#define PIIX4_TIMER 8u

static u16 port_by_pci(void)
{
	for (u32 function = 0; function < PCI_BUS_FUNCTIONS; function++) {
		u32 base;

		if (pci_config_read(function, 0) != PIIX4_POWER)
			continue;
		base = pci_config_read(function, PIIX4_BASE) & 0xffc0;
		if (base && (pci_config_read(function, PIIX4_MISC) & 1))
			return (u16)(base + PIIX4_TIMER);
	}
	return 0;
}

u16 pm_timer_port(void)
{
	const struct acpi_fadt *fadt = acpi_fadt();

	return fadt ? (u16)fadt->pm_tmr_blk : port_by_pci();
}
