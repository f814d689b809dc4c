/* SPDX-License-Identifier: MIT */
/*
 * VMX as a guest hypervisor uses it: VMX operation on the CPU that asks, and L2s that run a
 * function of this image. An L2 shares page tables, GDT, IDT and TSS with its L1 and has a stack
 * and a VMCS of its own. What must not fail ends the run when it does.
 *
 *     vmx_on();
 *     l2_create(&l2, code, PIN_NMI_EXITING, 0);
 *     EXPECT_EQ(l2_enter(&l2), EXIT_VMCALL);
 *     l2_destroy(&l2);
 *     vmx_off();
 */
#ifndef TESTS_GUEST_LIB_VMX_H
#define TESTS_GUEST_LIB_VMX_H

#include "hv/types.h"
#include "vmx/controls.h"
#include "vmx/exit_reasons.h"
#include "vmx/vmcs_fields.h"

/* In what l2_enter() returns: the entry ended in VMfail; the VM-instruction error is below, 0 for
 * VMfailInvalid. No exit reason has this bit. */
#define L2_VMFAIL (1u << 30)

struct l2 {
	u64 regs[16]; /* as instructions number them; RSP is in the VMCS. Known to vmx_enter.asm */
	u32 launched;
	u64 vmcs; /* physical addresses, which are pointers here */
	u64 stack;
};

/* NULL, or why there is no VMX for a test. */
const char *vmx_lacks(void);
/* A set's capability MSR; low half: controls that must be 1; high half: controls that may be. */
u64 vmx_capabilities(enum control_set set);
/* May all these controls be 1? */
bool vmx_allows(enum control_set set, u32 mask);

/* Into and out of VMX root operation on this CPU; control registers are as before afterwards. */
void vmx_on(void);
void vmx_off(void);
/* The pointer that vmx_on() gave to VMXON. */
u64 vmx_vmxon_region(void);
/* A page that starts with the CPU's VMCS revision identifier. */
u64 vmx_region_alloc(void);

/* Fields of the current VMCS. */
u64 vmx_read(enum vmcs_field field);
void vmx_write(enum vmcs_field field, u64 value);
void vmx_change(enum vmcs_field field, u64 set, u64 clear);

/*
 * A VMCS in which code runs in ring 0, interrupts off, with these controls beside those that the
 * CPU demands; MSRs and ports are L2's. It is current afterwards.
 */
void l2_create(struct l2 *l2, void (*code)(void), u32 pin, u32 cpu);
void l2_destroy(struct l2 *l2);
/* Make its VMCS current. */
void l2_load(const struct l2 *l2);
/*
 * The two halves of its way to another CPU, as a VMCS is at one CPU only. VMCLEAR: its state goes
 * to memory, it is to be launched again, no CPU has it. Then make it current on the CPU that asks,
 * which its exits come back to.
 */
void l2_clear(struct l2 *l2);
void l2_arrive(const struct l2 *l2);
/* Where the task state segment of this CPU is. */
u64 vmx_tss_base(void);
/* Enter the current L2 until its next exit; the exit-reason field, or L2_VMFAIL. */
u32 l2_enter(struct l2 *l2);

/* What an IRET ends, and does nothing else: blocking by NMI. */
static inline void unblock_nmi(void)
{
	__asm__ volatile("mov %%rsp, %%rax\n\t"
			 "push %%rbx\n\t"
			 "mov %%ss, %%ebx\n\t"
			 "push %%rbx; push %%rax; pushfq\n\t"
			 "mov %%cs, %%ebx\n\t"
			 "push %%rbx\n\t"
			 "lea 1f(%%rip), %%rbx\n\t"
			 "push %%rbx\n\t"
			 "iretq\n"
			 "1: mov -8(%%rsp), %%rbx" ::
				 : "rax", "memory");
}

static inline void vmcall(void)
{
	__asm__ volatile("vmcall" ::: "memory");
}

/* What an L2 is that is a function, or how it ends. */
static inline void vmcall_for_ever(void)
{
	for (;;)
		vmcall();
}

#endif
