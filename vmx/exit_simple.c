/* SPDX-License-Identifier: MIT */
/* Exits that take a few lines each. */
#include "hv/apic.h"
#include "hv/cpuid.h"
#include "hv/msr_index.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "hv/x86.h"
#include "vmx/control_regs.h"
#include "vmx/events.h"
#include "vmx/exit.h"
#include "vmx/inject.h"
#include "vmx/ops.h"
#include "vmx/request.h"
#include "vmx/segment.h"
#include "vmx/vm.h"

enum exit_action exit_external_interrupt(struct vcpu *v)
{
	/* The vector was acknowledged by the exit.
	 * No device of L0 raises any: a left-over of the firmware. */
	v->exit->detail = vmcs_read(VMCS_EXIT_INTR_INFO);
	apic_eoi();
	return EXIT_RESUME;
}

enum exit_action exit_cpuid(struct vcpu *v)
{
	struct cpuid_regs r;
	u32 leaf = (u32)v->regs[GPR_RAX];

	v->exit->detail = leaf;
	if (leaf == CPUID_LEAF_FEATURES || leaf == CPUID_LEAF_FEATURES7)
		v->cpuid.cr4 = vmcs_read(
			VMCS_GUEST_CR4); /* OSXSAVE and OSPKE mirror bits that L1 sets freely */
	r = cpuid_policy_answer(&v->vm->cpuid, &v->cpuid, leaf, (u32)v->regs[GPR_RCX]);
	v->regs[GPR_RAX] = r.eax;
	v->regs[GPR_RBX] = r.ebx;
	v->regs[GPR_RCX] = r.ecx;
	v->regs[GPR_RDX] = r.edx;
	return EXIT_SKIP_INSN;
}

/* The guest is behind its HLT when it wakes; what waits already wakes it at once. A debug trap that
 * is due at its end (SDM, "HLT": a debug exception resumes) does not let it begin. */
enum exit_action exit_hlt(struct vcpu *v)
{
	bool trap_due = (vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF) ||
			is_debug_trap(vmcs_read(VMCS_GUEST_PENDING_DEBUG));

	if (unlikely(trap_due))
		return EXIT_SKIP_INSN;
	v->activity = VCPU_HALTED;
	vcpu_request(v, REQUEST_EVENT);
	return EXIT_SKIP_INSN;
}

enum exit_action exit_window(struct vcpu *v)
{
	vcpu_request(v, REQUEST_EVENT);
	return EXIT_RESUME;
}

enum exit_action exit_preemption_timer(struct vcpu *v)
{
	u64 now = v->exit->tsc;

	if (now >= v->timer_due)
		events_timer(v);
	return now >= v->slice_end ? EXIT_LEAVE : EXIT_RESUME;
}

/* The guest spins for something that another vCPU does: one that may wait for this CPU. */
enum exit_action exit_pause(struct vcpu *v)
{
	(void)v;
	return EXIT_LEAVE; /* it pauses once more when it is back */
}

enum exit_action exit_undefined(struct vcpu *v)
{
	inject_exception(v, VECTOR_UD);
	return EXIT_RESUME;
}

/* INVD would drop L0's dirty lines as well;
 * its promise to the guest is kept by doing nothing, as WBINVD's is. */
enum exit_action exit_nothing(struct vcpu *v)
{
	(void)v;
	return EXIT_SKIP_INSN;
}

/* L1's CPUID has no performance counters, so no counter number is valid. */
enum exit_action exit_rdpmc(struct vcpu *v)
{
	inject_exception_error(v, VECTOR_GP, 0);
	return EXIT_RESUME;
}

/* SDM "XSETBV": #GP for CPL > 0, ECX ≠ 0, or a value that the processor does not allow. */
enum exit_action exit_xsetbv(struct vcpu *v)
{
	u64 value = vcpu_edx_eax(v);

	v->exit->detail = value;
	if (segment_cpl() || (u32)v->regs[GPR_RCX] || !xcr0_is_valid(value, v->vm->cpuid.xcr0)) {
		inject_exception_error(v, VECTOR_GP, 0);
		return EXIT_RESUME;
	}
	v->cpuid.xcr0 = value;
	xsetbv(0, value);
	return EXIT_SKIP_INSN;
}

enum exit_action exit_entry_failure(struct vcpu *v)
{
	vm_stop_l1(v, "VM entry failed: %s, qualification %llu",
		   exit_reason_name(v->exit->reason & 0xffff),
		   (unsigned long long)exit_qualification(v));
	return EXIT_STOP;
}

/* The machine check is the machine's, as one that comes while L1 runs. */
enum exit_action exit_entry_machine_check(struct vcpu *v)
{
	panic("machine check at an entry of L1 at 0x%llx", (unsigned long long)v->exit->rip);
}

/*
 * SDM "Exit Qualification for Task Switches". Hardware switches no tasks in a guest, and L0 does
 * not do it in its stead.
 */
enum exit_action exit_task_switch(struct vcpu *v)
{
	static const char *const sources[] = { "CALL", "IRET", "JMP", "a task gate in the IDT" };
	u64 q = exit_qualification(v);

	vm_stop_l1(v, "task switch to selector 0x%x by %s, which is not emulated",
		   (u32)(q & 0xffff), sources[q >> 30 & 3]);
	return EXIT_STOP;
}
