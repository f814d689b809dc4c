/* SPDX-License-Identifier: MIT */
/* Switching what no VMCS switches. */
#include "vmx/guest_registers.h"
#include "hv/cpuid.h"
#include "hv/errno.h"
#include "hv/msr_index.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "hv/string.h"
#include "hv/x86.h"
#include "mm/page.h"
#include "vmx/caps.h"
#include "vmx/vm.h"

#define FCW_AT_INIT   0x037f
#define MXCSR_AT_INIT 0x1f80

/* The head of the area that FXSAVE and XSAVE share (SDM "Legacy Region of an XSAVE Area"). */
struct fpu_area {
	u16 fcw, fsw;
	u32 tag_and_opcode;
	u64 fip, fdp;
	u32 mxcsr, mxcsr_mask;
};

/* Those of the MSRs that pass by the bitmap which VM entry and exit do not switch. IA32_XSS is 0
 * for every vCPU. */
static const u32 switched_msrs[GUEST_MSRS] = {
	MSR_IA32_STAR,  MSR_IA32_LSTAR,          MSR_IA32_CSTAR,
	MSR_IA32_FMASK, MSR_IA32_KERNEL_GS_BASE, MSR_IA32_TSC_AUX,
};

static bool has_xsave(void)
{
	return read_cr4() & CR4_OSXSAVE;
}

/* TSC_AUX comes last in the table: without RDTSCP there is none. */
static u32 msr_count(void)
{
	return GUEST_MSRS - !(vmx_controls_for(CONTROL_SET_CPU2) & CPU2_ENABLE_RDTSCP);
}

int guest_registers_create(struct vcpu *v)
{
	struct guest_registers *registers = &v->registers;
	struct fpu_area *area;

	ASSERT(!has_xsave() || cpuid(CPUID_LEAF_XSTATE, 0).ecx <= PAGE_SIZE);
	area = page_alloc(0);
	if (!area)
		return -ENOMEM;
	area->fcw = FCW_AT_INIT;
	area->mxcsr = MXCSR_AT_INIT;
	*registers = (struct guest_registers){ .fpu = area, .dr6 = DR6_AT_RESET };
	return 0;
}

/* All that any vCPU may have enabled: XCR0 goes up to that for the time of the transfer. */
static void store_fpu(const struct vcpu *v)
{
	u64 mask = v->vm->cpuid.xcr0;

	if (!has_xsave()) {
		fxsave(v->registers.fpu);
		return;
	}
	xsetbv(0, mask);
	xsave(v->registers.fpu, mask);
}

static void load_fpu(const struct vcpu *v)
{
	u64 mask = v->vm->cpuid.xcr0;

	if (!has_xsave()) {
		fxrstor(v->registers.fpu);
		return;
	}
	xsetbv(0, mask);
	xrstor(v->registers.fpu, mask);
	xsetbv(0, v->cpuid.xcr0);
}

void guest_registers_store(struct vcpu *v)
{
	struct guest_registers *registers = &v->registers;

	for (u32 i = 0; i < ARRAY_SIZE(registers->dr); i++)
		registers->dr[i] = read_breakpoint_address(i);
	registers->dr6 = read_dr6();
	registers->cr2 = read_cr2();
	for (u32 i = 0; i < msr_count(); i++)
		registers->msrs[i] = rdmsr(switched_msrs[i]);
	counter_add(CTR_MSR_ACCESS, msr_count());
	store_fpu(v);
}

static void load_debug_and_cr2(const struct guest_registers *registers)
{
	for (u32 i = 0; i < ARRAY_SIZE(registers->dr); i++)
		write_breakpoint_address(i, registers->dr[i]);
	write_dr6(registers->dr6);
	write_cr2(registers->cr2);
}

void guest_registers_init(struct vcpu *v)
{
	struct guest_registers *registers = &v->registers;

	memset(registers->dr, 0, sizeof(registers->dr));
	registers->dr6 = DR6_AT_RESET;
	registers->cr2 = 0;
	if (this_cpu()->guest == v)
		load_debug_and_cr2(registers);
}

void guest_registers_load(const struct vcpu *v)
{
	const struct guest_registers *registers = &v->registers;

	load_debug_and_cr2(registers);
	for (u32 i = 0; i < msr_count(); i++)
		wrmsr(switched_msrs[i], registers->msrs[i]);
	counter_add(CTR_MSR_ACCESS, msr_count());
	load_fpu(v);
}
