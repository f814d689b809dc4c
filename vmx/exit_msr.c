/* SPDX-License-Identifier: MIT */
/*
 * RDMSR and WRMSR exits. One table says for each MSR who answers;
 * a number without a row does not exist for L1: #GP(0), and it is counted.
 * What the hardware keeps for L1 has no exits at all (kept_in_hardware).
 */
#include "vmx/exit_msr.h"
#include "hv/msr_index.h"
#include "hv/msr_safe.h"
#include "hv/percpu.h"
#include "hv/x86.h"
#include "vmx/caps.h"
#include "vmx/events.h"
#include "vmx/exit.h"
#include "vmx/guest_mtrr.h"
#include "vmx/inject.h"
#include "vmx/msr_bitmap.h"
#include "vmx/nested_calls.h"
#include "vmx/ops.h"
#include "vmx/vm.h"

/* How an access ends: done, or as on a CPU where it faults. */
enum msr_result { MSR_DONE, MSR_FAULTS };

struct msr_row {
	u32 first;
	u32 last;
	enum msr_result (*read)(struct vcpu *v, u32 msr, u64 *value);
	enum msr_result (*write)(struct vcpu *v, u32 msr, u64 value);
};

/* MSRs that no code of L0 uses, or that VM entry and exit switch.
 * TSC: reads come with vmcs01's offset. */
static const struct {
	u32 msr;
	enum msr_access access;
} kept_in_hardware[] = {
	{ MSR_IA32_TSC, MSR_READ },
	{ MSR_IA32_SYSENTER_CS, MSR_READ_WRITE },
	{ MSR_IA32_SYSENTER_ESP, MSR_READ_WRITE },
	{ MSR_IA32_SYSENTER_EIP, MSR_READ_WRITE },
	{ MSR_IA32_PAT, MSR_READ_WRITE },
	{ MSR_IA32_EFER, MSR_READ_WRITE },
	{ MSR_IA32_STAR, MSR_READ_WRITE },
	{ MSR_IA32_LSTAR, MSR_READ_WRITE },
	{ MSR_IA32_CSTAR, MSR_READ_WRITE },
	{ MSR_IA32_FMASK, MSR_READ_WRITE },
	{ MSR_IA32_FS_BASE, MSR_READ_WRITE },
	{ MSR_IA32_GS_BASE, MSR_READ_WRITE },
	{ MSR_IA32_KERNEL_GS_BASE, MSR_READ_WRITE },
	{ MSR_IA32_TSC_AUX, MSR_READ_WRITE },
};

void msr_bitmap_for_l1(struct msr_bitmap *bitmap)
{
	msr_bitmap_intercept_all(bitmap);
	for (u32 i = 0; i < ARRAY_SIZE(kept_in_hardware); i++)
		msr_bitmap_pass(bitmap, kept_in_hardware[i].msr, kept_in_hardware[i].access);
}

static void set_tsc_offset(struct vcpu *v, u64 offset)
{
	v->tsc_offset = offset;
	vmcs_write(VMCS_TSC_OFFSET, offset + v->l2_tsc_offset);
	lapic_set_tsc_offset(&v->lapic, offset, v->exit->tsc);
	events_new_deadline(v);
}

static enum msr_result write_tsc(struct vcpu *v, u32 msr, u64 value)
{
	(void)msr;
	set_tsc_offset(v, value - rdtsc());
	return MSR_DONE;
}

/* IA32_TSC_ADJUST is the offset: both begin at 0, and each change of the counter changes both. */
static enum msr_result read_tsc_adjust(struct vcpu *v, u32 msr, u64 *value)
{
	(void)msr;
	*value = v->tsc_offset;
	return MSR_DONE;
}

static enum msr_result write_tsc_adjust(struct vcpu *v, u32 msr, u64 value)
{
	(void)msr;
	set_tsc_offset(v, value);
	return MSR_DONE;
}

/* What a write to the local APIC leads to elsewhere. */
static enum msr_result apply(struct vcpu *v, struct lapic_effect effect)
{
	return lapic_apply(v, &effect) ? MSR_DONE : MSR_FAULTS;
}

static enum msr_result read_apic_base(struct vcpu *v, u32 msr, u64 *value)
{
	(void)msr;
	*value = v->lapic.base;
	return MSR_DONE;
}

static enum msr_result write_apic_base(struct vcpu *v, u32 msr, u64 value)
{
	(void)msr;
	return apply(v, lapic_write_base(&v->lapic, value));
}

static enum msr_result read_x2apic(struct vcpu *v, u32 msr, u64 *value)
{
	return lapic_msr_read(&v->lapic, msr, v->exit->tsc, value) ? MSR_DONE : MSR_FAULTS;
}

static enum msr_result write_x2apic(struct vcpu *v, u32 msr, u64 value)
{
	return apply(v, lapic_msr_write(&v->lapic, msr, value, v->exit->tsc));
}

static enum msr_result read_tsc_deadline(struct vcpu *v, u32 msr, u64 *value)
{
	(void)msr;
	*value = lapic_tsc_deadline(&v->lapic, v->exit->tsc);
	return MSR_DONE;
}

static enum msr_result write_tsc_deadline(struct vcpu *v, u32 msr, u64 value)
{
	(void)msr;
	return apply(v, lapic_set_tsc_deadline(&v->lapic, value, v->exit->tsc));
}

static enum msr_result read_misc_enable(struct vcpu *v, u32 msr, u64 *value)
{
	(void)msr;
	*value = v->misc_enable;
	return MSR_DONE;
}

/* Only "limit CPUID maxval" and fast strings are software's to change;
 * neither has an effect here. */
static enum msr_result write_misc_enable(struct vcpu *v, u32 msr, u64 value)
{
	(void)msr;
	if ((value ^ v->misc_enable) & ~(BIT(0) | BIT(22)))
		return MSR_FAULTS;
	v->misc_enable = value;
	return MSR_DONE;
}

static enum msr_result read_zero(struct vcpu *v, u32 msr, u64 *value)
{
	(void)v;
	(void)msr;
	*value = 0;
	return MSR_DONE;
}

static enum msr_result write_zero(struct vcpu *v, u32 msr, u64 value)
{
	(void)v;
	(void)msr;
	return value ? MSR_FAULTS : MSR_DONE;
}

/* IA32_XSS exists where L1 has XSAVES; no state component of it is offered. */
static bool has_xss(void)
{
	return vmx_controls_for(CONTROL_SET_CPU2) & CPU2_ENABLE_XSAVES;
}

static enum msr_result read_xss(struct vcpu *v, u32 msr, u64 *value)
{
	return has_xss() ? read_zero(v, msr, value) : MSR_FAULTS;
}

static enum msr_result write_xss(struct vcpu *v, u32 msr, u64 value)
{
	return has_xss() ? write_zero(v, msr, value) : MSR_FAULTS;
}

/*
 * L1 has no last branch records, so LBR is reserved for it. BTF exists where the CPU has the
 * register (Bochs 2.7 has not) and entries and exits switch it; L0 itself never writes it.
 */
static u64 debugctl_allowed(void)
{
	bool switched = (vmx_controls_for(CONTROL_SET_ENTRY) & ENTRY_CTL_LOAD_DEBUG) &&
			(vmx_controls_for(CONTROL_SET_EXIT) & EXIT_CTL_SAVE_DEBUG);
	u64 value;

	return switched && rdmsr_safe(MSR_IA32_DEBUGCTL, &value) ? DEBUGCTL_BTF : 0;
}

static enum msr_result read_debugctl(struct vcpu *v, u32 msr, u64 *value)
{
	(void)v;
	(void)msr;
	*value = vmcs_read(VMCS_GUEST_DEBUGCTL);
	return MSR_DONE;
}

static enum msr_result write_debugctl(struct vcpu *v, u32 msr, u64 value)
{
	(void)msr;
	if (value && (value & ~debugctl_allowed()))
		return MSR_FAULTS;
	vmcs_write(VMCS_GUEST_DEBUGCTL, value);
	if (vcpu_is_in_l2(v))
		v->l2_wrote_debugctl = true;
	else
		v->kept.GUEST_DEBUGCTL = value;
	return MSR_DONE;
}

static enum msr_result read_mtrrcap(struct vcpu *v, u32 msr, u64 *value)
{
	(void)v;
	(void)msr;
	*value = GUEST_MTRRCAP;
	return MSR_DONE;
}

static enum msr_result read_mtrr(struct vcpu *v, u32 msr, u64 *value)
{
	*value = *guest_mtrr_find(&v->mtrrs, msr);
	return MSR_DONE;
}

static enum msr_result write_mtrr(struct vcpu *v, u32 msr, u64 value)
{
	if (guest_mtrr_write_faults(msr, value, vmx_caps()->physical_bits))
		return MSR_FAULTS;
	*guest_mtrr_find(&v->mtrrs, msr) = value;
	return MSR_DONE;
}

static enum msr_result read_vmx(struct vcpu *v, u32 msr, u64 *value)
{
	return nested_msr_read(v, msr, value) ? MSR_DONE : MSR_FAULTS;
}

static enum msr_result write_vmx(struct vcpu *v, u32 msr, u64 value)
{
	return nested_msr_write(v, msr, value) ? MSR_DONE : MSR_FAULTS;
}

/* In order of their numbers. A side without a function faults. */
static const struct msr_row msr_rows[] = {
	{ MSR_IA32_TSC, MSR_IA32_TSC, NULL, write_tsc },
	{ MSR_IA32_APIC_BASE, MSR_IA32_APIC_BASE, read_apic_base, write_apic_base },
	{ MSR_IA32_FEATURE_CONTROL, MSR_IA32_FEATURE_CONTROL, read_vmx, write_vmx },
	{ MSR_IA32_TSC_ADJUST, MSR_IA32_TSC_ADJUST, read_tsc_adjust, write_tsc_adjust },
	{ MSR_IA32_BIOS_SIGN_ID, MSR_IA32_BIOS_SIGN_ID, read_zero, write_zero },
	{ MSR_IA32_MTRRCAP, MSR_IA32_MTRRCAP, read_mtrrcap, NULL },
	{ MSR_IA32_MCG_CAP, MSR_IA32_MCG_CAP, read_zero, NULL },
	{ MSR_IA32_MCG_STATUS, MSR_IA32_MCG_STATUS, read_zero, write_zero },
	{ MSR_IA32_MISC_ENABLE, MSR_IA32_MISC_ENABLE, read_misc_enable, write_misc_enable },
	{ MSR_IA32_DEBUGCTL, MSR_IA32_DEBUGCTL, read_debugctl, write_debugctl },
	{ MSR_IA32_MTRR_PHYSBASE0, MSR_IA32_MTRR_PHYSBASE0 + 2 * MTRR_VARIABLE - 1, read_mtrr,
	  write_mtrr },
	{ MSR_IA32_MTRR_FIX64K_00000, MSR_IA32_MTRR_FIX64K_00000, read_mtrr, write_mtrr },
	{ MSR_IA32_MTRR_FIX16K_80000, MSR_IA32_MTRR_FIX16K_A0000, read_mtrr, write_mtrr },
	{ MSR_IA32_MTRR_FIX4K_C0000, MSR_IA32_MTRR_FIX4K_C0000 + 7, read_mtrr, write_mtrr },
	{ MSR_IA32_MTRR_DEF_TYPE, MSR_IA32_MTRR_DEF_TYPE, read_mtrr, write_mtrr },
	{ MSR_IA32_VMX_BASIC, MSR_IA32_VMX_VMFUNC, read_vmx, NULL },
	{ MSR_IA32_TSC_DEADLINE, MSR_IA32_TSC_DEADLINE, read_tsc_deadline, write_tsc_deadline },
	{ MSR_X2APIC_FIRST, MSR_X2APIC_LAST, read_x2apic, write_x2apic },
	{ MSR_IA32_XSS, MSR_IA32_XSS, read_xss, write_xss },
};

static const struct msr_row *find_row(u32 msr)
{
	u32 low = 0, high = ARRAY_SIZE(msr_rows);

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (msr > msr_rows[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ARRAY_SIZE(msr_rows) && msr >= msr_rows[low].first ? &msr_rows[low] : NULL;
}

bool msr_row_read(struct vcpu *v, u32 msr, u64 *value)
{
	const struct msr_row *row = find_row(msr);

	return row && row->read && row->read(v, msr, value) == MSR_DONE;
}

bool msr_row_write(struct vcpu *v, u32 msr, u64 value)
{
	const struct msr_row *row = find_row(msr);

	return row && row->write && row->write(v, msr, value) == MSR_DONE;
}

/* A guest that accesses an MSR often does so again. */
static inline const struct msr_row *row_of(struct vcpu *v, u32 msr)
{
	const struct msr_row *row = v->msr_row;

	if (likely(row && msr >= row->first && msr <= row->last))
		return row;
	row = find_row(msr);
	v->msr_row = row;
	return row;
}

static enum exit_action finish(struct vcpu *v, const struct msr_row *row, enum msr_result result)
{
	if (likely(result == MSR_DONE))
		return EXIT_SKIP_INSN;
	if (!row)
		counter_inc(CTR_MSR_UNCLAIMED);
	inject_exception_error(v, VECTOR_GP, 0);
	return EXIT_RESUME;
}

enum exit_action exit_rdmsr(struct vcpu *v)
{
	u32 msr = (u32)v->regs[GPR_RCX];
	const struct msr_row *row = row_of(v, msr);
	enum msr_result result = MSR_FAULTS;
	u64 value = 0;

	v->exit->detail = msr;
	if (likely(row && row->read))
		result = row->read(v, msr, &value);
	if (likely(result == MSR_DONE))
		vcpu_set_edx_eax(v, value);
	return finish(v, row, result);
}

enum exit_action exit_wrmsr(struct vcpu *v)
{
	u32 msr = (u32)v->regs[GPR_RCX];
	const struct msr_row *row = row_of(v, msr);
	enum msr_result result = MSR_FAULTS;

	v->exit->detail = msr;
	if (likely(row && row->write))
		result = row->write(v, msr, vcpu_edx_eax(v));
	return finish(v, row, result);
}
