/* SPDX-License-Identifier: MIT */
/* What L0 does to PCI devices: nothing but taking them off the bus as masters. */
#ifndef HV_PCI_H
#define HV_PCI_H

#include "hv/types.h"

/* Clear bus mastering in every function that is not a bridge; returns how many had it on. */
u32 pci_stop_bus_masters(void);

#endif
