/* SPDX-License-Identifier: MIT */
/* Configuration mechanism #1 and the space of the one function. */
#include "hv/dev/pci_host.h"

#define ADDRESS_ENABLE      BIT(31)
#define ADDRESS_FUNCTION(a) ((a) >> 8 & 0xffff) /* bus, device, function */
#define ADDRESS_DWORD(a)    ((a) >> 2 & 0x3f)
#define ADDRESS_WRITABLE    ((u32)(ADDRESS_ENABLE | BITS(23, 2)))
#define CLASS_HOST_BRIDGE   0x0600u
#define NO_DEVICE           0xffffffffu

/* The rest is 0: no interrupt, no BARs, no capabilities, one function. */
static const u32 host_bridge[] = {
	PCI_DEVICE << 16 | PCI_VENDOR,
	0, /* status and command: it decodes nothing and masters nothing */
	CLASS_HOST_BRIDGE << 16,
};

u32 pci_host_read_address(const struct pci_host *host)
{
	return host->address;
}

void pci_host_write_address(struct pci_host *host, u32 value)
{
	host->address = value & ADDRESS_WRITABLE;
}

u32 pci_host_read_data(const struct pci_host *host, u32 offset)
{
	u32 dword = ADDRESS_DWORD(host->address);

	if (!(host->address & ADDRESS_ENABLE) || ADDRESS_FUNCTION(host->address) != 0)
		return NO_DEVICE;
	return dword < ARRAY_SIZE(host_bridge) ? host_bridge[dword] >> (8 * offset) : 0;
}
