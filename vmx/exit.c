/* SPDX-License-Identifier: MIT */
/* Which handler an exit reason has: the table, and nothing else. */
#include "vmx/exit.h"
#include "vmx/ops.h"

const struct exit_row exit_table[EXIT_REASONS_MAX] = {
	[EXIT_EXCEPTION_NMI] = { exit_exception_nmi, true },
	[EXIT_EXTERNAL_INTERRUPT] = { exit_external_interrupt, false },
	[EXIT_TRIPLE_FAULT] = { exit_triple_fault, false },
	[EXIT_INTERRUPT_WINDOW] = { exit_window, false },
	[EXIT_NMI_WINDOW] = { exit_window, false },
	[EXIT_PREEMPTION_TIMER] = { exit_preemption_timer, false },
	[EXIT_PAUSE] = { exit_pause, false },
	[EXIT_CPUID] = { exit_cpuid, false },
	[EXIT_HLT] = { exit_hlt, false },
	[EXIT_INVD] = { exit_nothing, false },
	[EXIT_WBINVD] = { exit_nothing, false },
	[EXIT_RDPMC] = { exit_rdpmc, false },
	[EXIT_VMCALL] = { exit_vmcall, false },
	[EXIT_CR_ACCESS] = { exit_cr_access, false },
	[EXIT_IO] = { exit_io, false },
	[EXIT_RDMSR] = { exit_rdmsr, false },
	[EXIT_WRMSR] = { exit_wrmsr, false },
	[EXIT_ENTRY_GUEST_STATE] = { exit_entry_failure, false },
	[EXIT_ENTRY_MSR_LOAD] = { exit_entry_failure, false },
	[EXIT_ENTRY_MACHINE_CHECK] = { exit_entry_machine_check, false },
	[EXIT_TASK_SWITCH] = { exit_task_switch, false },
	[EXIT_TPR_BELOW_THRESHOLD] = { exit_window, false },
	[EXIT_APIC_ACCESS] = { exit_apic_access, true },
	[EXIT_VIRTUALIZED_EOI] = { exit_virtualized_eoi, false },
	[EXIT_EPT_VIOLATION] = { exit_ept_violation, true },
	[EXIT_PML_FULL] = { exit_pml_full, true },
	[EXIT_XSETBV] = { exit_xsetbv, false },
	[EXIT_APIC_WRITE] = { exit_apic_write, false },
	[EXIT_VMCLEAR] = { exit_vmclear, false },
	[EXIT_VMLAUNCH] = { exit_vmlaunch, false },
	[EXIT_VMPTRLD] = { exit_vmptrld, false },
	[EXIT_VMPTRST] = { exit_vmptrst, false },
	[EXIT_VMREAD] = { exit_vmread, false },
	[EXIT_VMRESUME] = { exit_vmresume, false },
	[EXIT_VMWRITE] = { exit_vmwrite, false },
	[EXIT_VMXOFF] = { exit_vmxoff, false },
	[EXIT_VMXON] = { exit_vmxon, false },
	[EXIT_INVEPT] = { exit_invept, false },
	[EXIT_INVVPID] = { exit_invvpid, false },

	/* L1's CPUID offers none of these, so they do not exist for it. */
	[EXIT_GETSEC] = { exit_undefined, false },
	[EXIT_MWAIT] = { exit_undefined, false },
	[EXIT_MONITOR] = { exit_undefined, false },
};

u64 exit_qualification(struct vcpu *v)
{
	if (!(v->exit->vcpu & EXIT_RECORD_QUALIFIED)) {
		v->exit->qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
		v->exit->vcpu |= EXIT_RECORD_QUALIFIED;
	}
	return v->exit->qualification;
}
