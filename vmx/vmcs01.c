/* SPDX-License-Identifier: MIT */
/* Building vmcs01: controls from the table, host state from this CPU. */
#include "vmx/vmcs01.h"
#include "hv/errno.h"
#include "hv/idt.h"
#include "hv/msr_index.h"
#include "hv/segments.h"
#include "hv/x86.h"
#include "mm/ept01.h"
#include "mm/page.h"
#include "vmx/caps.h"
#include "vmx/control_regs.h"
#include "vmx/cpu_vmx.h"
#include "vmx/exit_msr.h"
#include "vmx/inject.h"
#include "vmx/ops.h"
#include "vmx/pml01.h"
#include "vmx/vm.h"

/* In TSC ticks: PAUSEs no further apart are one loop, which may last so long. */
#define PAUSE_LOOP_GAP    128
#define PAUSE_LOOP_WINDOW 4096

u64 vmcs01_hardware_cr0(u64 cr0)
{
	const struct vmx_caps *caps = vmx_caps();
	/* Unrestricted guest: PE and PG are free; CD and NW stay as L0 has them. */
	u64 fixed0 = caps->cr0_fixed0 & ~(u64)(CR0_PE | CR0_PG);

	return (cr0 & ~(u64)(CR0_CD | CR0_NW)) | fixed0;
}

u64 vmcs01_hardware_cr4(u64 cr4)
{
	return cr4 | CR4_L0_ON | vmx_caps()->cr4_fixed0;
}

void vmcs01_write_shadows(struct vcpu *v, u64 cr0, u64 cr4)
{
	v->kept.CR0_SHADOW = cr0;
	v->kept.CR4_SHADOW = cr4;
	vmcs_write(VMCS_CR0_SHADOW, cr0);
	vmcs_write(VMCS_CR4_SHADOW, cr4);
}

/* A vCPU that spins gives the CPU away to those that share it. */
static void write_pause_loop_exiting(const struct vcpu *v, u32 cpu2)
{
	if (!vm_shares_cpus(v->vm) || !vmx_has_controls(CONTROL_SET_CPU2, CPU2_PAUSE_LOOP_EXITING))
		return;
	vmcs_write(VMCS_CPU_CONTROLS2, cpu2 | CPU2_PAUSE_LOOP_EXITING);
	vmcs_write(VMCS_PLE_GAP, PAUSE_LOOP_GAP);
	vmcs_write(VMCS_PLE_WINDOW, PAUSE_LOOP_WINDOW);
}

static void write_controls(struct vcpu *v)
{
	u32 cpu2 = vmx_controls_for(CONTROL_SET_CPU2);

	v->vmcs01.pin_controls = vmx_controls_for(CONTROL_SET_PIN);
	vmcs_write(VMCS_PIN_CONTROLS, v->vmcs01.pin_controls);
	v->vmcs01.cpu_controls = vmx_controls_for(CONTROL_SET_CPU);
	vmcs_write(VMCS_CPU_CONTROLS, v->vmcs01.cpu_controls);
	vmcs_write(VMCS_CPU_CONTROLS2, cpu2);
	write_pause_loop_exiting(v, cpu2);
	vmcs_write(VMCS_EXIT_CONTROLS, vmx_controls_for(CONTROL_SET_EXIT));
	vmcs_write(VMCS_ENTRY_CONTROLS, vmx_controls_for(CONTROL_SET_ENTRY));
	vmcs_write(VMCS_EXCEPTION_BITMAP, VMCS01_EXCEPTION_BITMAP);
	vmcs_write(VMCS_PF_ERROR_MASK, 0);
	vmcs_write(VMCS_PF_ERROR_MATCH, 0);
	vmcs_write(VMCS_CR3_TARGET_COUNT, 0);
	vmcs_write(VMCS_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write(VMCS_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
	vmcs_write(VMCS_TSC_OFFSET, v->tsc_offset);
	vmcs_write(VMCS_MSR_BITMAP, page_to_hpa(v->msr_bitmap).raw);
	vmcs_write(VMCS_EPT_POINTER, ept01_pointer(v->vm->memory));
	vmcs_write(VMCS_LINK_POINTER, ~0ULL);
	/* VPID 0 is L0's own; each vCPU has one, since several may share a CPU. */
	v->vpid = cpu2 & CPU2_ENABLE_VPID ? (u16)(v->index + 1) : 0;
	if (v->vpid)
		vmcs_write(VMCS_VPID, v->vpid);
	if (cpu2 & CPU2_ENABLE_XSAVES)
		vmcs_write(VMCS_XSS_EXIT_BITMAP, 0);
}

void vmcs01_write_host_state(void)
{
	u32 cpu = this_cpu()->index;

	vmcs_write(VMCS_HOST_CR0, read_cr0());
	vmcs_write(VMCS_HOST_CR3, read_cr3());
	vmcs_write(VMCS_HOST_CR4, read_cr4());
	vmcs_write(VMCS_HOST_SEL_CS, SELECTOR_CODE);
	vmcs_write(VMCS_HOST_SEL_TR, SELECTOR_TSS);
	vmcs_write(VMCS_HOST_SEL_SS, SELECTOR_DATA);
	vmcs_write(VMCS_HOST_SEL_DS, SELECTOR_DATA);
	vmcs_write(VMCS_HOST_SEL_ES, SELECTOR_DATA);
	vmcs_write(VMCS_HOST_SEL_FS, 0);
	vmcs_write(VMCS_HOST_SEL_GS, 0);
	vmcs_write(VMCS_HOST_BASE_FS, 0);
	vmcs_write(VMCS_HOST_BASE_GS, (u64)this_cpu());
	vmcs_write(VMCS_HOST_BASE_TR, segments_tss_base(cpu));
	vmcs_write(VMCS_HOST_BASE_GDTR, segments_gdt_base(cpu));
	vmcs_write(VMCS_HOST_BASE_IDTR, idt_base());
	vmcs_write(VMCS_HOST_SYSENTER_CS, 0);
	vmcs_write(VMCS_HOST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_HOST_SYSENTER_EIP, 0);
	vmcs_write(VMCS_HOST_PAT, rdmsr(MSR_IA32_PAT));
	vmcs_write(VMCS_HOST_EFER, rdmsr(MSR_IA32_EFER));
	vmcs_write(VMCS_HOST_RIP, (u64)vcpu_exit_landing);
}

int vmcs01_create(struct vcpu *v)
{
	v->vmcs01.page = vmcs_alloc();
	v->vmcs = &v->vmcs01;
	v->msr_bitmap = page_alloc(0);
	if (!v->vmcs01.page || !v->msr_bitmap)
		return -ENOMEM;
	msr_bitmap_for_l1(v->msr_bitmap);
	vmcs_load_first(v->vmcs01.page);
	write_controls(v);
	apicv_create(v);
	vmcs01_write_host_state();
	return pml01_create(v);
}
