/* SPDX-License-Identifier: MIT */
/* PCI configuration mechanism 1: devices that the firmware set
 * going must not write into memory that changed hands. */
#include "hv/pci.h"

#define COMMAND_BUS_MASTER (1u << 2)
#define HEADER_MANY        (1u << 23)

/* The status half is written as zeros: its bits are cleared by ones only. */
static void config_write_command(u32 function, u32 command)
{
	out32(PCI_ADDRESS, PCI_ADDRESS_ENABLE | function << 8 | PCI_REG_COMMAND);
	out32(PCI_DATA, command & 0xffff);
}

static bool is_present(u32 function)
{
	return (pci_config_read(function, PCI_REG_ID) & 0xffff) != 0xffff;
}

static bool stop_function(u32 function)
{
	u32 command = pci_config_read(function, PCI_REG_COMMAND);

	if (pci_config_read(function, PCI_REG_CLASS) >> 24 == PCI_CLASS_BRIDGE ||
	    !(command & COMMAND_BUS_MASTER))
		return false;
	config_write_command(function, command & ~COMMAND_BUS_MASTER);
	return true;
}

u32 pci_stop_bus_masters(void)
{
	u32 stopped = 0;

	for (u32 device = 0; device < PCI_BUSES * PCI_DEVICES; device++) {
		u32 first = device * PCI_FUNCTIONS;
		u32 functions;

		if (!is_present(first))
			continue;
		functions =
			pci_config_read(first, PCI_REG_HEADER) & HEADER_MANY ? PCI_FUNCTIONS : 1;
		for (u32 function = first; function < first + functions; function++)
			if (is_present(function) && stop_function(function))
				stopped++;
	}
	return stopped;
}
