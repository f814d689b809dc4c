/* SPDX-License-Identifier: MIT */
/* x2APIC: the registers as MSRs (SDM "x2APIC Register Address Space", "Reserved Bit Checking"). */
#include "hv/msr_index.h"
#include "vmx/lapic_private.h"

/* The register behind an MSR, or NULL: #GP. */
static const struct lapic_rule *msr_rule(const struct lapic *lapic, u32 msr)
{
	if (lapic_mode(lapic) != LAPIC_X2APIC || msr < MSR_X2APIC_FIRST || msr > MSR_X2APIC_LAST)
		return NULL;
	return lapic_rule((msr - MSR_X2APIC_FIRST) * LAPIC_STRIDE);
}

bool lapic_msr_is_in_page(u32 msr)
{
	u32 offset = (msr - MSR_X2APIC_FIRST) * LAPIC_STRIDE;
	const struct lapic_rule *rule = lapic_rule(offset);

	return rule && rule->msr_readable && offset != LAPIC_TMCCT;
}

bool lapic_msr_read(struct lapic *lapic, u32 msr, u64 now, u64 *value)
{
	const struct lapic_rule *rule = msr_rule(lapic, msr);

	if (!rule || !rule->msr_readable)
		return false;
	lapic_catch_up(lapic, now);
	*value = lapic_load_register(lapic, (msr - MSR_X2APIC_FIRST) * LAPIC_STRIDE, now);
	if (msr == MSR_X2APIC_ICR)
		*value |= (u64)lapic_reg(lapic, LAPIC_ICR + 4) << 32;
	return true;
}

/* The page holds the ICR's two halves side by side, as APIC-register virtualization reads them. */
static struct lapic_effect write_icr(struct lapic *lapic, u32 icr, u32 destination)
{
	lapic_set_reg(lapic, LAPIC_ICR, icr);
	lapic_set_reg(lapic, LAPIC_ICR + 4, destination);
	return lapic_send(lapic, icr, destination);
}

struct lapic_effect lapic_msr_write(struct lapic *lapic, u32 msr, u64 value, u64 now)
{
	const struct lapic_rule *rule = msr_rule(lapic, msr);
	u64 reserved;

	if (!rule || !rule->msr_writable)
		return lapic_effect(LAPIC_FAULT);
	reserved = ~(u64)(rule->kept | rule->ignored);
	if (msr == MSR_X2APIC_ICR)
		reserved = (u32)reserved;
	if (value & reserved)
		return lapic_effect(LAPIC_FAULT);
	lapic_catch_up(lapic, now);
	if (msr == MSR_X2APIC_ICR)
		return write_icr(lapic, (u32)value & rule->kept, (u32)(value >> 32));
	if (msr == MSR_X2APIC_FIRST + LAPIC_SELF_IPI / LAPIC_STRIDE)
		return lapic_send(lapic, (u32)value | (u32)APIC_TO_SELF << 18, 0);
	return lapic_store_register(lapic, (msr - MSR_X2APIC_FIRST) * LAPIC_STRIDE,
				    (u32)value & rule->kept, now);
}
