/* SPDX-License-Identifier: MIT */
/* PCI's configuration space by mechanism #1, and what L0 does to devices: nothing but taking them
 * off the bus as masters. */
#ifndef HV_PCI_H
#define HV_PCI_H

#include "hv/pci_format.h"
#include "hv/x86.h"

/* A register of a function, which is its bus, device and function number: 8, 5 and 3 bits. */
static inline u32 pci_config_read(u32 function, u32 reg)
{
	out32(PCI_ADDRESS, PCI_ADDRESS_ENABLE | function << 8 | reg);
	return in32(PCI_DATA);
}

/* Clear bus mastering in every function that is not a bridge; returns how many had it on. */
u32 pci_stop_bus_masters(void);

#endif
