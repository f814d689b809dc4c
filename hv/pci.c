/* SPDX-License-Identifier: MIT */
/* PCI configuration mechanism 1: devices that the firmware set
 * going must not write into memory that changed hands. */
#include "hv/pci.h"
#include "hv/x86.h"

#define PORT_ADDRESS       0xcf8u
#define PORT_DATA          0xcfcu
#define ADDRESS_ENABLE     (1u << 31)
#define REG_ID             0x00u
#define REG_COMMAND        0x04u
#define REG_CLASS          0x08u
#define REG_HEADER         0x0cu
#define COMMAND_BUS_MASTER (1u << 2)
#define CLASS_BRIDGE       0x06u
#define HEADER_MANY        (1u << 23)
#define BUSES              256u
#define DEVICES            32u
#define FUNCTIONS          8u

static u32 config_read(u32 function, u32 reg)
{
	out32(PORT_ADDRESS, ADDRESS_ENABLE | function << 8 | reg);
	return in32(PORT_DATA);
}

/* The status half is written as zeros: its bits are cleared by ones only. */
static void config_write_command(u32 function, u32 command)
{
	out32(PORT_ADDRESS, ADDRESS_ENABLE | function << 8 | REG_COMMAND);
	out32(PORT_DATA, command & 0xffff);
}

static bool is_present(u32 function)
{
	return (config_read(function, REG_ID) & 0xffff) != 0xffff;
}

static bool stop_function(u32 function)
{
	u32 command = config_read(function, REG_COMMAND);

	if (config_read(function, REG_CLASS) >> 24 == CLASS_BRIDGE ||
	    !(command & COMMAND_BUS_MASTER))
		return false;
	config_write_command(function, command & ~COMMAND_BUS_MASTER);
	return true;
}

u32 pci_stop_bus_masters(void)
{
	u32 stopped = 0;

	for (u32 device = 0; device < BUSES * DEVICES; device++) {
		u32 first = device * FUNCTIONS;
		u32 functions;

		if (!is_present(first))
			continue;
		functions = config_read(first, REG_HEADER) & HEADER_MANY ? FUNCTIONS : 1;
		for (u32 function = first; function < first + functions; function++)
			if (is_present(function) && stop_function(function))
				stopped++;
	}
	return stopped;
}
