/* SPDX-License-Identifier: MIT */
/* One virtual CPU of L1. Everything in it belongs to the physical CPU that runs it. */
#ifndef VMX_VCPU_H
#define VMX_VCPU_H

#include "hv/exit_record.h"
#include "mm/addr.h"
#include "mm/pml.h"
#include "vmx/linear_memo.h"
#include "vmx/apicv.h"
#include "vmx/cpuid_policy.h"
#include "vmx/guest_mtrr.h"
#include "vmx/guest_registers.h"
#include "vmx/lapic.h"
#include "vmx/msr_bitmap.h"

struct vm;
struct cpu;
struct msr_row;
struct nested;

/* General registers, numbered as instructions and exit qualifications number them. RSP lives in the
 * VMCS. */
enum gpr {
	GPR_RAX,
	GPR_RCX,
	GPR_RDX,
	GPR_RBX,
	GPR_RSP,
	GPR_RBP,
	GPR_RSI,
	GPR_RDI,
	GPR_R8,
	GPR_R9,
	GPR_R10,
	GPR_R11,
	GPR_R12,
	GPR_R13,
	GPR_R14,
	GPR_R15,
	GPRS
};

/* SDM "Activity state", kept by L0: only an active vCPU is entered. */
enum vcpu_activity { VCPU_ACTIVE, VCPU_HALTED, VCPU_WAIT_FOR_SIPI };

/* A VMCS that a vCPU is entered with, and what L0 remembers of it. */
struct hw_vmcs {
	void *page;
	u64 host_rsp;     /* what its HOST_RSP holds, while it is not the vCPU's */
	u32 launched;     /* entered since its VMCLEAR; likewise */
	u32 cpu_controls; /* what its primary controls hold */
	u32 pin_controls; /* and its pin-based ones */
};

struct vcpu {
	u64 regs[GPRS]; /* loaded and stored by vmx/enter.asm; regs[GPR_RSP] is not used */
	u64 host_rsp;   /* of vcpu_loop, which stores it in the VMCS too */
	u32 launched;   /* *vmcs was entered since its VMCLEAR: VMRESUME, else VMLAUNCH */
	u32 in_guest; /* 1 from before the gate's test until after the exit; pairs with requests */
	u32 requests; /* enum vcpu_request: set by any CPU, taken by the vCPU's own */
	struct vm *vm;
	struct cpu *cpu;          /* where it runs; NULL: nowhere yet */
	struct exit_record *exit; /* the exit in hand: an entry of the flight recorder */
	u32 index;
	enum vcpu_activity activity;
	/* In host TSC; LAPIC_NEVER where there is none. */
	u64 timer_due;      /* when the APIC timer, and for vCPU 0 the board, wants its time */
	u64 slice_end;      /* when another vCPU of this CPU has its turn */
	u64 l2_timer_due;   /* when the VMX-preemption timer expires that L1 has given its L2 */
	u64 l2_timer_start; /* since when that runs: the exit that entered L2 */
	u64 deadline;       /* the earliest: what the VMX-preemption timer runs for */
	u16 vpid;           /* of L1; 0: the CPU has none */
	u32 insn_length;    /* of the instruction that EXIT_SKIP_DECODED completes */

	struct hw_vmcs vmcs01; /* runs L1 */
	struct {               /* fields of vmcs01 that only L0 changes, by their names */
		u64 CR0_SHADOW;
		u64 CR4_SHADOW;
		u64 GUEST_DEBUGCTL;                   /* not 0: the CPU may have cleared it */
		u64 GUEST_INTERRUPTIBILITY;           /* this and what follows: while L2 runs */
		u64 GUEST_EFER, GUEST_PAT, GUEST_DR7; /* ~0: not known */
	} kept;
	struct hw_vmcs *vmcs;  /* the one that the vCPU is entered with: vmcs01, or a vmcs02 */
	struct nested *nested; /* L1's VMX operation */
	struct msr_bitmap *msr_bitmap;
	const struct msr_row *msr_row; /* of the last access that L0 answered (vmx/exit_msr.c) */
	struct cpuid_context cpuid;    /* what CPUID's dynamic bits depend on; XCR0 lives here */
	struct lapic lapic;
	struct apicv apicv;
	u64 misc_enable;
	u64 tsc_offset; /* IA32_TSC_ADJUST, too */
	bool l2_wrote_debugctl;
	u64 l2_tsc_offset; /* what L1 adds for the L2 that runs */
	u64 cr0_fixed;     /* bits that L1 may not clear: VMX operation's, or none */
	u64 cr4_fixed;
	struct guest_mtrrs mtrrs;
	struct guest_registers registers; /* current only while another vCPU has the CPU */
	struct walk_cache walk;           /* what L0 reads of L1's memory on its behalf */
	struct linear_memo memo;          /* of its last operand in memory */
	struct pml_buffer pml;            /* of vmcs01, where vm.has_pml */
};

static inline u64 vcpu_reg(const struct vcpu *v, enum gpr reg)
{
	return v->regs[reg];
}

/* EDX:EAX, as MSR and XSETBV instructions take it. */
static inline u64 vcpu_edx_eax(const struct vcpu *v)
{
	return (u64)(u32)v->regs[GPR_RDX] << 32 | (u32)v->regs[GPR_RAX];
}

static inline void vcpu_set_edx_eax(struct vcpu *v, u64 value)
{
	v->regs[GPR_RAX] = (u32)value;
	v->regs[GPR_RDX] = value >> 32;
}

/* Enter the vCPU with another VMCS from now on; it becomes current. */
void vcpu_switch_vmcs(struct vcpu *v, struct hw_vmcs *vmcs);

static inline bool vcpu_is_in_l2(const struct vcpu *v)
{
	return v->vmcs != &v->vmcs01;
}

/* Before any CPU can send it a message: what belongs to the vCPU for ever. 0 or -ENOMEM. */
int vcpu_create(struct vcpu *v, struct vm *vm, u32 index);

/* The state after a reset, but for what the VMCS holds; v->vm and v->index are set. On the CPU that
 * will run it. */
void vcpu_reset(struct vcpu *v);

/* What keeps a vCPU from entering its guest, or calls it out: see vmx/request.h. */
enum vcpu_request {
	REQUEST_FLUSH_EPT = 1, /* EPT01 lost or changed a present leaf */
	REQUEST_EVENT = 2,     /* there may be an event to deliver */
	REQUEST_DEADLINE = 8,  /* the board's next deadline changed */
	REQUEST_LEAVE = 4,     /* leave vcpu_loop: the VM stops, or another vCPU wants the CPU */
	REQUEST_YIELD = 32,    /* another vCPU wants the VMCS that is current here */
	REQUEST_PAGE = 16,     /* a page that the VMCS uses went away: be out of the guest */
};

/*
 * Enter the guest again and again (vmx/enter.asm), calling vcpu_handle_exit() at each exit until it
 * says to stop. The VMCS to enter is current. VMX_SUCCEED: stopped; otherwise an entry failed as
 * enum vmx_status says.
 */
u32 vcpu_loop(struct vcpu *v);

/* Called by vcpu_loop: false ends the loop. */
bool vcpu_handle_exit(struct vcpu *v);

/* Called by vcpu_loop when requests are pending: takes them; false ends the loop. */
bool vcpu_handle_requests(struct vcpu *v);

/* Where the VMCS's HOST_RIP points: inside vcpu_loop. */
void vcpu_exit_landing(void);

#endif
