/* SPDX-License-Identifier: MIT */
/* The ways to configuration space, and that of the one function. */
#include "hv/dev/pci_host.h"

#define ADDRESS_FUNCTION(a) ((a) >> 8 & 0xffff) /* bus, device, function */
#define ADDRESS_REGISTER(a) ((a)&0xfc)
#define ADDRESS_WRITABLE    ((u32)(PCI_ADDRESS_ENABLE | BITS(23, 2)))
#define NO_DEVICE           0xffu
#define ECAM_FUNCTION(o)    ((u32)((o) >> 12))
#define ECAM_REGISTER(o)    ((u32)((o)&BITS(11, 0)))

/* The rest is 0: no interrupt, no BARs, no capabilities, one function. */
static const u32 host_bridge[] = {
	PCI_DEVICE << 16 | PCI_VENDOR,
	0, /* status and command: it decodes nothing and masters nothing */
	PCI_CLASS_HOST_BRIDGE << 16,
};

static u8 config_byte(u32 function, u32 reg)
{
	u32 dword = reg / 4 < ARRAY_SIZE(host_bridge) ? host_bridge[reg / 4] : 0;

	return (u8)(function == 0 ? dword >> (8 * (reg % 4)) : NO_DEVICE);
}

static u64 config_read(u32 function, u32 reg, u32 bytes)
{
	u64 value = 0;

	for (u32 i = 0; i < bytes; i++)
		value |= (u64)config_byte(function, reg + i) << (8 * i);
	return value;
}

u32 pci_host_read_address(const struct pci_host *host)
{
	return host->address;
}

void pci_host_write_address(struct pci_host *host, u32 value)
{
	host->address = value & ADDRESS_WRITABLE;
}

u32 pci_host_read_data(const struct pci_host *host, u32 offset, u32 bytes)
{
	u32 address = host->address;

	if (!(address & PCI_ADDRESS_ENABLE))
		return ~0u;
	return (u32)config_read(ADDRESS_FUNCTION(address), ADDRESS_REGISTER(address) + offset,
				bytes);
}

u64 pci_ecam_read(void *device, u64 offset, u32 bytes)
{
	(void)device;
	return config_read(ECAM_FUNCTION(offset), ECAM_REGISTER(offset), bytes);
}

void pci_ecam_write(void *device, u64 offset, u32 bytes, u64 value)
{
	(void)device;
	(void)offset;
	(void)bytes;
	(void)value;
}
