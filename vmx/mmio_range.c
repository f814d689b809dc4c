/* SPDX-License-Identifier: MIT */
/* Which device has an address: few ranges, in no order, never two at one address. */
#include "hv/panic.h"
#include "vmx/vm.h"

static u64 last_byte(const struct mmio_range *range)
{
	return range->first.raw + range->bytes - 1;
}

void vm_claim_mmio(struct vm *vm, const struct mmio_range *range)
{
	ASSERT(vm->mmio_ranges < VM_MMIO_RANGES);
	ASSERT(range->bytes > 0 && last_byte(range) >= range->first.raw);
	for (u32 i = 0; i < vm->mmio_ranges; i++)
		ASSERT(last_byte(range) < vm->mmio[i].first.raw ||
		       range->first.raw > last_byte(&vm->mmio[i]));
	vm->mmio[vm->mmio_ranges++] = *range;
}

const struct mmio_range *vm_find_mmio(const struct vm *vm, l1_gpa_t gpa)
{
	for (u32 i = 0; i < vm->mmio_ranges; i++) {
		const struct mmio_range *range = &vm->mmio[i];

		if (gpa.raw >= range->first.raw && gpa.raw <= last_byte(range))
			return range;
	}
	return NULL;
}
