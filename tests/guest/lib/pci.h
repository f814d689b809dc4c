/* SPDX-License-Identifier: MIT */
/* PCI configuration space by mechanism #1. */
#ifndef TESTS_GUEST_LIB_PCI_H
#define TESTS_GUEST_LIB_PCI_H

#include "hv/x86.h"

#define PCI_ADDRESS       0xcf8u
#define PCI_DATA          0xcfcu
#define PCI_ENABLE        0x80000000u
#define PCI_BUS_FUNCTIONS 256u

/* A function is its bus, device and function number: 8, 5 and 3 bits. */
static inline u32 pci_read(u32 function, u32 reg)
{
	out32(PCI_ADDRESS, PCI_ENABLE | function << 8 | reg);
	return in32(PCI_DATA);
}

#endif
