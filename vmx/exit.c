/* SPDX-License-Identifier: MIT */
/* Which handler an exit reason has: the table, and nothing else. */
#include "vmx/exit.h"
#include "vmx/inject.h"
#include "vmx/ops.h"
#include "vmx/vm.h"

struct exit_row {
	exit_handler handle;
	bool during_delivery; /* can cut the delivery of an event short, which then is due again */
};

static const struct exit_row exit_table[EXIT_REASONS_MAX] = {
	[EXIT_EXCEPTION_NMI] = { exit_exception_nmi, true },
	[EXIT_EXTERNAL_INTERRUPT] = { exit_external_interrupt, false },
	[EXIT_TRIPLE_FAULT] = { exit_triple_fault, false },
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
	[EXIT_EPT_VIOLATION] = { exit_ept_violation, true },
	[EXIT_XSETBV] = { exit_xsetbv, false },

	/* L1's CPUID offers none of these, so they do not exist for it. */
	[EXIT_GETSEC] = { exit_undefined, false },
	[EXIT_VMCLEAR] = { exit_undefined, false },
	[EXIT_VMLAUNCH] = { exit_undefined, false },
	[EXIT_VMPTRLD] = { exit_undefined, false },
	[EXIT_VMPTRST] = { exit_undefined, false },
	[EXIT_VMREAD] = { exit_undefined, false },
	[EXIT_VMRESUME] = { exit_undefined, false },
	[EXIT_VMWRITE] = { exit_undefined, false },
	[EXIT_VMXOFF] = { exit_undefined, false },
	[EXIT_VMXON] = { exit_undefined, false },
	[EXIT_INVEPT] = { exit_undefined, false },
	[EXIT_INVVPID] = { exit_undefined, false },
	[EXIT_MWAIT] = { exit_undefined, false },
	[EXIT_MONITOR] = { exit_undefined, false },
};

static const struct exit_row *row_of(u32 reason)
{
	u32 basic = reason & 0xffff;

	return basic < EXIT_REASONS_MAX ? &exit_table[basic] : NULL;
}

enum exit_action exit_dispatch(struct vcpu *v)
{
	const struct exit_row *row = row_of(v->exit->reason);

	if (unlikely(!row || !row->handle)) {
		vm_stop_l1(v, "exit that nothing handles: %s (reason 0x%x)",
			   exit_reason_name(v->exit->reason & 0xffff), v->exit->reason);
		return EXIT_STOP;
	}
	if (unlikely(row->during_delivery))
		inject_requeue(v);
	return row->handle(v);
}

u64 exit_qualification(struct vcpu *v)
{
	if (!(v->exit->flags & EXIT_RECORD_HAS_QUALIFICATION)) {
		v->exit->qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
		v->exit->flags |= EXIT_RECORD_HAS_QUALIFICATION;
	}
	return v->exit->qualification;
}
