/* SPDX-License-Identifier: MIT */
/* MSRs that the VMCS holds, that the CPU holds, and that L0 answers for: one way to all of them. */
#include "vmx/msr_access.h"
#include "hv/msr_index.h"
#include "hv/msr_safe.h"
#include "hv/x86.h"
#include "vmx/canonical.h"
#include "vmx/exit_msr.h"
#include "vmx/ops.h"

static bool accept_any(u64 value)
{
	return value == (u32)value;
}

static bool accept_canonical(u64 value)
{
	return is_canonical(value, LINEAR_BITS);
}

static bool accept_pat(u64 value)
{
	for (u32 i = 0; i < 64; i += 8) {
		u64 type = value >> i & 0xff;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

/* LME only where paging is off; LMA follows CR0.PG and is not written. */
static bool accept_efer(u64 value)
{
	u64 now = vmcs_read(VMCS_GUEST_EFER);

	if (value & ~(u64)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))
		return false;
	return !((value ^ now) & EFER_LME) || !(vmcs_read(VMCS_GUEST_CR0) & CR0_PG);
}

/* Switched by VM entries and exits. */
static const struct {
	u32 msr;
	enum vmcs_field field;
	bool (*accepts)(u64 value);
} in_vmcs[] = {
	{ MSR_IA32_SYSENTER_CS, VMCS_GUEST_SYSENTER_CS, accept_any },
	{ MSR_IA32_SYSENTER_ESP, VMCS_GUEST_SYSENTER_ESP, accept_canonical },
	{ MSR_IA32_SYSENTER_EIP, VMCS_GUEST_SYSENTER_EIP, accept_canonical },
	{ MSR_IA32_PAT, VMCS_GUEST_PAT, accept_pat },
	{ MSR_IA32_EFER, VMCS_GUEST_EFER, accept_efer },
	{ MSR_IA32_FS_BASE, VMCS_GUEST_BASE_FS, accept_canonical },
	{ MSR_IA32_GS_BASE, VMCS_GUEST_BASE_GS, accept_canonical },
};

/* In the CPU, whoever runs. */
static const u32 in_cpu[] = { MSR_IA32_STAR,  MSR_IA32_LSTAR,          MSR_IA32_CSTAR,
			      MSR_IA32_FMASK, MSR_IA32_KERNEL_GS_BASE, MSR_IA32_TSC_AUX };

static bool is_in_cpu(u32 msr)
{
	for (u32 i = 0; i < ARRAY_SIZE(in_cpu); i++)
		if (in_cpu[i] == msr)
			return true;
	return false;
}

bool msr_read(struct vcpu *v, u32 msr, u64 *value)
{
	for (u32 i = 0; i < ARRAY_SIZE(in_vmcs); i++) {
		if (in_vmcs[i].msr == msr) {
			*value = vmcs_read(in_vmcs[i].field);
			return true;
		}
	}
	if (msr == MSR_IA32_TSC) {
		*value = rdtsc() + v->tsc_offset; /* an exit stores the time of L1 */
		return true;
	}
	return is_in_cpu(msr) ? rdmsr_safe(msr, value) : msr_row_read(v, msr, value);
}

bool msr_write(struct vcpu *v, u32 msr, u64 value)
{
	for (u32 i = 0; i < ARRAY_SIZE(in_vmcs); i++) {
		if (in_vmcs[i].msr != msr)
			continue;
		if (!in_vmcs[i].accepts(value))
			return false;
		if (msr == MSR_IA32_EFER)
			value = (value & ~(u64)EFER_LMA) | (vmcs_read(VMCS_GUEST_EFER) & EFER_LMA);
		vmcs_write(in_vmcs[i].field, value);
		return true;
	}
	return is_in_cpu(msr) ? wrmsr_safe(msr, value) : msr_row_write(v, msr, value);
}
