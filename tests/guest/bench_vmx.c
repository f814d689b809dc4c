/* SPDX-License-Identifier: MIT */
/* What VMX costs a hypervisor: round trips, VMCSs, fields. docs/bench.md defines the rows. */
#include "hv/x86.h"
#include "tests/guest/lib/ept12.h"
#include "tests/guest/lib/vmx_bench.h"

/* A field that no hypervisor needs at each exit, so that nobody shadows it. */
#define COLD_FIELD VMCS_GUEST_LIMIT_LDTR

BENCH_L2_CODE(call, "1: vmcall; jmp 1b")
BENCH_L2_CODE(ask_cpuid, "1: cpuid; jmp 1b")
/* IA32_APIC_BASE, RDI times. */
BENCH_L2_CODE(read_msr, "mov $0x1b, %ecx\n"
			"1: rdmsr; dec %rdi; jnz 1b\n"
			"vmcall")

static inline void load_other(void)
{
	vmx_bench.current ^= 1;
	__asm__ volatile("vmptrld %0" ::"m"(vmx_bench.l2s[vmx_bench.current].vmcs)
			 : "cc", "memory");
}

BENCH_VMX(rt_vmcall_ept, 1000, call, true)
{
	vmx_bench_round_trips(iterations);
}

BENCH_VMX(rt_vmcall_noept, 1000, call, false)
{
	vmx_bench_round_trips(iterations);
}

/* What L1 writes before the loop is the same each time. */
BENCH_VMX(rt_timer_ept, 1000, call, true)
{
	bench_write(VMCS_PIN_CONTROLS, bench_read(VMCS_PIN_CONTROLS) | PIN_PREEMPTION_TIMER);
	bench_write(VMCS_EXIT_CONTROLS, bench_read(VMCS_EXIT_CONTROLS) | EXIT_CTL_SAVE_TIMER);
	bench_write(VMCS_PREEMPTION_TIMER, ~0u);
	vmx_bench_round_trips(iterations);
}

BENCH_VMX(rt_cpuid_ept, 1000, ask_cpuid, true)
{
	while (iterations--) {
		if (bench_resume(0, 0) != EXIT_CPUID)
			vmx_bench_wrong("L2 did not come back with CPUID");
		bench_write(VMCS_GUEST_RIP,
			    bench_read(VMCS_GUEST_RIP) + bench_read(VMCS_EXIT_INSN_LEN));
	}
}

BENCH_VMX(mux2_ept, 1000, call, true)
{
	while (iterations--) {
		load_other();
		if (bench_resume(0, 0) != EXIT_VMCALL)
			vmx_bench_wrong("an L2 did not come back with VMCALL");
	}
}

BENCH_VMX(vmptrld_alternate, 1000, call, true)
{
	while (iterations--)
		load_other();
}

BENCH_VMX(vmread_unshadowed, 1000, call, true)
{
	while (iterations--)
		bench_read(COLD_FIELD);
}

BENCH_VMX(vmwrite_unshadowed, 1000, call, true)
{
	for (; iterations; iterations--)
		bench_write(COLD_FIELD, iterations);
	if (bench_read(COLD_FIELD) != 1)
		vmx_bench_wrong("a field lost what was written");
}

BENCH_VMX(l2_rdmsr_l0, 1000, read_msr, true)
{
	bench_write(VMCS_GUEST_RIP, vmx_bench.start);
	if (bench_resume(iterations, 0) != EXIT_VMCALL)
		vmx_bench_wrong("L2 did not come back with VMCALL");
}

BENCH_VMX(invept_single, 1000, call, true)
{
	while (iterations--)
		ept12_invept(vmx_bench.eptp);
}
