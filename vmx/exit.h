/* SPDX-License-Identifier: MIT */
/* How an exit is handled: one handler a reason, and only the run loop acts on what it returns. */
#ifndef VMX_EXIT_H
#define VMX_EXIT_H

#include "vmx/exit_reasons.h"
#include "vmx/vcpu.h"

enum exit_action {
	EXIT_RESUME,         /* enter again where the guest was */
	EXIT_SKIP_INSN,      /* the instruction was completed: enter behind it */
	EXIT_SKIP_SUCCEED,   /* the same, and the arithmetic flags say VMsucceed */
	EXIT_SKIP_DECODED,   /* the same, where the exit has no length: v->insn_length */
	EXIT_NEXT_ITERATION, /* a repeated instruction has more to do: enter where the guest was */
	EXIT_LEAVE,          /* another vCPU of this CPU has its turn */
	EXIT_STOP,           /* the VM is stopping */
};

typedef enum exit_action (*exit_handler)(struct vcpu *v);

/* Who handles an exit reason. */
struct exit_row {
	exit_handler handle;
	bool during_delivery; /* can cut the delivery of an event short, which then is due again */
};

/* By basic exit reason; a row without a handler stops the VM with a dump that names the reason. */
extern const struct exit_row exit_table[EXIT_REASONS_MAX] __attribute__((visibility("hidden")));

enum exit_action exit_exception_nmi(struct vcpu *v);
enum exit_action exit_external_interrupt(struct vcpu *v);
enum exit_action exit_triple_fault(struct vcpu *v);
enum exit_action exit_cpuid(struct vcpu *v);
enum exit_action exit_hlt(struct vcpu *v);
enum exit_action exit_undefined(struct vcpu *v);
enum exit_action exit_nothing(struct vcpu *v);
enum exit_action exit_rdpmc(struct vcpu *v);
enum exit_action exit_xsetbv(struct vcpu *v);
enum exit_action exit_vmcall(struct vcpu *v);
enum exit_action exit_cr_access(struct vcpu *v);
enum exit_action exit_io(struct vcpu *v);
enum exit_action exit_rdmsr(struct vcpu *v);
enum exit_action exit_wrmsr(struct vcpu *v);
enum exit_action exit_entry_failure(struct vcpu *v);
enum exit_action exit_entry_machine_check(struct vcpu *v);
enum exit_action exit_task_switch(struct vcpu *v);
enum exit_action exit_ept_violation(struct vcpu *v);
enum exit_action exit_pml_full(struct vcpu *v);
enum exit_action exit_window(struct vcpu *v);
enum exit_action exit_apic_access(struct vcpu *v);
enum exit_action exit_apic_write(struct vcpu *v);
enum exit_action exit_virtualized_eoi(struct vcpu *v);
enum exit_action exit_preemption_timer(struct vcpu *v);
enum exit_action exit_pause(struct vcpu *v);

enum exit_action exit_vmclear(struct vcpu *v);
enum exit_action exit_vmlaunch(struct vcpu *v);
enum exit_action exit_vmptrld(struct vcpu *v);
enum exit_action exit_vmptrst(struct vcpu *v);
enum exit_action exit_vmread(struct vcpu *v);
enum exit_action exit_vmresume(struct vcpu *v);
enum exit_action exit_vmwrite(struct vcpu *v);
enum exit_action exit_vmxoff(struct vcpu *v);
enum exit_action exit_vmxon(struct vcpu *v);
enum exit_action exit_invept(struct vcpu *v);
enum exit_action exit_invvpid(struct vcpu *v);

/* After an EPT violation of an IRET that L0 resolves: NMIs stay blocked until it has run. */
void exit_block_nmi_again(void);

/* Handle the exit in hand as the table says: what L2's exits that are L0's come to. */
enum exit_action exit_handle(struct vcpu *v);

/* The exit qualification, read once and kept in the flight recorder. */
u64 exit_qualification(struct vcpu *v);

#endif
