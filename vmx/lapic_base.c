/* SPDX-License-Identifier: MIT */
/* IA32_APIC_BASE (SDM "Local APIC Status and Location", "x2APIC State Transitions"). */
#include "vmx/lapic_private.h"

#define BASE_BSP    BIT(8)
#define BASE_X2APIC BIT(10)
#define BASE_ENABLE BIT(11)

/* To x2APIC only from xAPIC, and from there only to disabled. */
static const bool allowed[3][3] = {
	[LAPIC_DISABLED] = { [LAPIC_DISABLED] = true, [LAPIC_XAPIC] = true },
	[LAPIC_XAPIC] = { true, true, true },
	[LAPIC_X2APIC] = { [LAPIC_DISABLED] = true, [LAPIC_X2APIC] = true },
};

static bool write_faults(const struct lapic *lapic, u64 value)
{
	u64 address = BITS(lapic->physical_bits - 1, 12);

	if (value & ~(address | BASE_BSP | BASE_X2APIC | BASE_ENABLE))
		return true;
	if ((value & BASE_X2APIC) && !(value & BASE_ENABLE))
		return true;
	return !allowed[lapic_mode(lapic)][lapic_mode_of(value)];
}

struct lapic_effect lapic_write_base(struct lapic *lapic, u64 value)
{
	u64 changed = value ^ lapic->base;
	enum lapic_mode from = lapic_mode(lapic), to = lapic_mode_of(value);

	if (write_faults(lapic, value))
		return lapic_effect(LAPIC_FAULT);
	lapic_collect(lapic); /* what came before the change meets the old mode */
	lapic->base = value;
	if (from != to && to == LAPIC_X2APIC)
		lapic_enter_x2apic(lapic);
	else if (from != to) /* a disabled APIC forgets all, and comes back as after power-up */
		lapic_reset_registers(lapic);
	return lapic_effect(changed & ~BASE_BSP ? LAPIC_MODE : LAPIC_NOTHING);
}
