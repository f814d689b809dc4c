/* SPDX-License-Identifier: MIT */
/* PCI configuration space (PCI Local Bus Specification, "Configuration Mechanism #1" and
 * "Configuration Space Decoding"). */
#ifndef HV_PCI_FORMAT_H
#define HV_PCI_FORMAT_H

#define PCI_ADDRESS           0xcf8 /* answers 32-bit accesses only */
#define PCI_DATA              0xcfc
#define PCI_DATA_LAST         (PCI_DATA + 3)
#define PCI_ADDRESS_ENABLE    0x80000000u

#define PCI_REG_ID            0x00u
#define PCI_REG_COMMAND       0x04u
#define PCI_REG_CLASS         0x08u
#define PCI_REG_HEADER        0x0cu
#define PCI_REG_BAR0          0x10u

#define PCI_CLASS_BRIDGE      0x06u
#define PCI_CLASS_HOST_BRIDGE 0x0600u

#define PCI_BUSES             256u
#define PCI_DEVICES           32u /* of a bus */
#define PCI_FUNCTIONS         8u  /* of a device */
#define PCI_BUS_FUNCTIONS     (PCI_DEVICES * PCI_FUNCTIONS)

#endif
