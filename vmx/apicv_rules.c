/* SPDX-License-Identifier: MIT */
/* Which parts of APIC virtualization are on, and when. Pure. */
#include "hv/msr_index.h"
#include "vmx/apicv.h"
#include "vmx/event.h"

#define FULL_CONTROLS ((u32)(CPU2_APIC_REGISTERS | CPU2_VIRTUAL_INTERRUPTS))
#define MSR_OF(reg)   (MSR_X2APIC_FIRST + (reg) / LAPIC_STRIDE)

enum apicv_level apicv_level_of(u32 cpu, u32 cpu2)
{
	if (!(cpu & CPU_TPR_SHADOW))
		return APICV_NONE;
	return (~cpu2 & APICV_CPU2_CONTROLS) ? APICV_TPR : APICV_FULL;
}

enum apicv_level apicv_level_now(enum apicv_level most, const struct lapic *lapic)
{
	bool on = lapic->enabled && lapic_mode_of(lapic->base) != LAPIC_DISABLED;

	return most == APICV_FULL && !on ? APICV_TPR : most;
}

bool apicv_page_is_at(const struct lapic *lapic)
{
	return lapic_mmio_page(lapic) == LAPIC_DEFAULT_BASE;
}

static u32 mode_control(const struct lapic *lapic)
{
	if (lapic_mode_of(lapic->base) == LAPIC_X2APIC)
		return CPU2_X2APIC_MODE;
	return apicv_page_is_at(lapic) ? CPU2_APIC_ACCESSES : 0;
}

u32 apicv_cpu2_controls(enum apicv_level level, const struct lapic *lapic, u32 allowed)
{
	if (level == APICV_NONE)
		return 0;
	return ((level == APICV_FULL ? FULL_CONTROLS : 0) | mode_control(lapic)) & allowed;
}

u32 apicv_cpu_controls(enum apicv_level level)
{
	return level == APICV_NONE ? CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING : CPU_TPR_SHADOW;
}

/* SDM "Virtualizing MSR-Based APIC Accesses". */
void apicv_msr_bitmap(struct msr_bitmap *bitmap, u32 cpu2)
{
	for (u32 i = 0; i < LAPIC_REGISTERS; i++) {
		u32 msr = MSR_X2APIC_FIRST + i;

		msr_bitmap_intercept(bitmap, msr, MSR_READ_WRITE);
		if ((cpu2 & CPU2_X2APIC_MODE) && (cpu2 & CPU2_APIC_REGISTERS) &&
		    lapic_msr_is_in_page(msr))
			msr_bitmap_pass(bitmap, msr, MSR_READ);
	}
	if (!(cpu2 & CPU2_X2APIC_MODE))
		return;
	msr_bitmap_pass(bitmap, MSR_OF(LAPIC_TPR), MSR_READ_WRITE);
	if (cpu2 & CPU2_VIRTUAL_INTERRUPTS) {
		msr_bitmap_pass(bitmap, MSR_OF(LAPIC_EOI), MSR_WRITE);
		msr_bitmap_pass(bitmap, MSR_OF(LAPIC_SELF_IPI), MSR_WRITE);
	}
}

u32 apicv_event_in_service(const struct lapic *lapic, u32 info)
{
	int svi = lapic_highest_isr(lapic);

	return svi < 0 ? info : INTR_INFO_VALID | (u32)INTR_EXTERNAL << 8 | (u32)svi;
}

u16 apicv_interrupt_status(const struct lapic *lapic)
{
	int rvi = lapic_highest_irr(lapic), svi = lapic_highest_isr(lapic);

	return (u16)((svi < 0 ? 0 : svi << 8) | (rvi < 0 ? 0 : rvi));
}
