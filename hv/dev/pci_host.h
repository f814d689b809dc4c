/* SPDX-License-Identifier: MIT */
/*
 * L1's PCI: a host bridge, alone on bus 0, so that kernels find the bus that each PC has. There are
 * two ways to its configuration space: two ports (PCI Local Bus Specification, "Configuration
 * Mechanism #1") and memory (PCI Express Base Specification, "PCI Express Enhanced Configuration
 * Access Mechanism"). It cannot be changed, as there is nothing in it to set up; what there is no
 * device for reads all ones.
 *
 * All functions need the board's lock.
 */
#ifndef HV_DEV_PCI_HOST_H
#define HV_DEV_PCI_HOST_H

#include "hv/pci_format.h"
#include "hv/types.h"

/* Nobody has given Nestor a vendor id. This one is nobody's either; emulators use it for devices of
 * their own make. */
#define PCI_VENDOR       0x1234
#define PCI_DEVICE       0x4e45

/* For the DSDT: addresses that devices could have, where no memory begins with and no device is. */
#define PCI_MEMORY_FIRST 0xc0000000
#define PCI_MEMORY_LAST  0xfe9fffff
#define PCI_MEMORY_BYTES 0x3ea00000

/* For DSDT and MCFG: bus 0, 4 KiB for each function. */
#define PCI_ECAM_BASE    0xfea00000
#define PCI_ECAM_BYTES   0x100000

struct pci_host {
	u32 address;
};

u32 pci_host_read_address(const struct pci_host *host);
void pci_host_write_address(struct pci_host *host, u32 value);
/* The data register from this byte on. */
u32 pci_host_read_data(const struct pci_host *host, u32 offset, u32 bytes);

u64 pci_ecam_read(void *device, u64 offset, u32 bytes);
void pci_ecam_write(void *device, u64 offset, u32 bytes, u64 value);

#endif
