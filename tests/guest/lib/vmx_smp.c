/* SPDX-License-Identifier: MIT */
/* What each CPU had before VMX operation, and what of an L2's host state is the CPU's own. */
#include "tests/guest/lib/vmx_smp.h"
#include "hv/msr_index.h"
#include "hv/x86.h"
#include "tests/guest/lib/report.h"

static struct {
	u64 region, cr0, cr4;
} cpus[CPUS_MAX];

static void on(void *region)
{
	u64 control = rdmsr(MSR_IA32_FEATURE_CONTROL), pointer = (u64)region;
	u32 cpu = cpu_index();
	bool fails;

	if (!(control & FEATURE_CONTROL_LOCKED))
		wrmsr(MSR_IA32_FEATURE_CONTROL,
		      control | FEATURE_CONTROL_VMXON | FEATURE_CONTROL_LOCKED);
	cpus[cpu].cr0 = read_cr0();
	cpus[cpu].cr4 = read_cr4();
	write_cr0(cpus[cpu].cr0 | rdmsr(MSR_IA32_VMX_CR0_FIXED0));
	write_cr4(cpus[cpu].cr4 | rdmsr(MSR_IA32_VMX_CR4_FIXED0));
	__asm__ volatile("vmxon %1" : "=@ccbe"(fails) : "m"(pointer) : "memory");
	if (fails)
		report_fatal("CPU %u: vmxon of 0x%llx failed", cpu, (unsigned long long)pointer);
}

static void off(void *unused)
{
	u32 cpu = cpu_index();

	(void)unused;
	__asm__ volatile("vmxoff" ::: "cc", "memory");
	write_cr4(cpus[cpu].cr4);
	write_cr0(cpus[cpu].cr0);
}

bool vmx_smp_on(u32 cpu)
{
	u64 region = vmx_page();

	*(u32 *)region = (u32)rdmsr(MSR_IA32_VMX_BASIC) & 0x7fffffff;
	return smp_run(cpu, on, (void *)region);
}

bool vmx_smp_off(u32 cpu)
{
	return smp_run(cpu, off, NULL);
}

void l2_clear(struct l2 *l2)
{
	bool fails;

	__asm__ volatile("vmclear %1" : "=@ccbe"(fails) : "m"(l2->vmcs) : "memory");
	if (fails)
		report_fatal("vmclear of 0x%llx failed", (unsigned long long)l2->vmcs);
	l2->launched = 0;
}

void l2_arrive(const struct l2 *l2)
{
	l2_load(l2);
	vmx_write(VMCS_HOST_CR0, read_cr0());
	vmx_write(VMCS_HOST_CR4, read_cr4());
	vmx_write(VMCS_HOST_SEL_TR, TSS_SELECTOR + 16 * cpu_index());
	vmx_write(VMCS_HOST_BASE_TR, vmx_tss_base());
}
