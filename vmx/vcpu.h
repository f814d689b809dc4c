/* SPDX-License-Identifier: MIT */
/* One virtual CPU of L1. Everything in it belongs to the physical CPU that runs it. */
#ifndef VMX_VCPU_H
#define VMX_VCPU_H

#include "hv/exit_record.h"
#include "mm/addr.h"
#include "vmx/cpuid_policy.h"
#include "vmx/guest_mtrr.h"
#include "vmx/msr_bitmap.h"

struct vm;

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

struct vcpu {
	u64 regs[GPRS]; /* loaded and stored by vmx/enter.asm; regs[GPR_RSP] is not used */
	u64 launched;   /* vmcs01 was entered since its VMCLEAR: VMRESUME, else VMLAUNCH */
	struct vm *vm;
	struct exit_record *exit; /* the exit in hand: an entry of the flight recorder */
	u32 index;
	u32 insn_length; /* of the instruction that EXIT_SKIP_DECODED completes */
	bool stopped;
	const u64 *ept_generation_now; /* grows with EPT01's edits (mm/ept01.h) */
	u64 ept_generation;            /* that this CPU has flushed up to */

	void *vmcs01;
	struct msr_bitmap *msr_bitmap;
	struct cpuid_context cpuid; /* what CPUID's dynamic bits depend on; XCR0 lives here */
	u64 apic_base;
	u64 misc_enable;
	u64 cr8;
	u64 tsc_offset;
	struct guest_mtrrs mtrrs;
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

/* The state after a reset, but for what the VMCS holds; v->vm and v->index are set. On the CPU that
 * will run it. */
void vcpu_reset(struct vcpu *v);

/*
 * Enter the guest again and again (vmx/enter.asm), calling vcpu_handle_exit() at each exit until it
 * says to stop. The VMCS to enter is current. VMX_SUCCEED: stopped; otherwise an entry failed as
 * enum vmx_status says.
 */
u32 vcpu_loop(struct vcpu *v);

/* Called by vcpu_loop: false ends the loop. */
bool vcpu_handle_exit(struct vcpu *v);

/* Where the VMCS's HOST_RIP points: inside vcpu_loop. */
void vcpu_exit_landing(void);

#endif
