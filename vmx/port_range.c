/* SPDX-License-Identifier: MIT */
/* Which device has a port: ranges in the order of their ports, never two at one port. */
#include "hv/panic.h"
#include "vmx/vm.h"

/* The first range that ends at or above this port; the number of ranges where none does. */
static u32 find(const struct vm *vm, u16 port)
{
	u32 low = 0, high = vm->port_ranges;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (port > vm->ports[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void vm_claim_ports(struct vm *vm, const struct port_range *range)
{
	u32 at = find(vm, range->first);

	ASSERT(vm->port_ranges < VM_PORT_RANGES && range->first <= range->last);
	ASSERT(at == vm->port_ranges || range->last < vm->ports[at].first);
	for (u32 i = vm->port_ranges++; i > at; i--)
		vm->ports[i] = vm->ports[i - 1];
	vm->ports[at] = *range;
}

enum port_claim vm_find_ports(const struct vm *vm, u16 port, u32 bytes,
			      const struct port_range **range)
{
	u32 last = port + bytes - 1, at = find(vm, port);

	*range = &vm->ports[at];
	if (at == vm->port_ranges || last < vm->ports[at].first)
		return PORTS_FREE;
	if (port >= vm->ports[at].first && last <= vm->ports[at].last)
		return PORTS_OF_ONE;
	return PORTS_OF_SEVERAL;
}
