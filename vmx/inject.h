/* SPDX-License-Identifier: MIT */
/* Events that L0 puts into L1: faults of instructions that it emulates, and events whose delivery an exit cut short. */
#ifndef VMX_INJECT_H
#define VMX_INJECT_H

#include "vmx/vcpu.h"

enum vector { VECTOR_DB = 1, VECTOR_NMI = 2, VECTOR_UD = 6, VECTOR_NM = 7, VECTOR_DF = 8, VECTOR_GP = 13, VECTOR_PF = 14, VECTOR_MC = 18 };

/* SDM "VM-Entry Controls for Event Injection": the fields of the interruption information. */
#define INTR_INFO_VECTOR(info) ((info) & 0xffu)
#define INTR_INFO_TYPE(info)   ((info) >> 8 & 7u)
#define INTR_INFO_ERROR_CODE   (1u << 11)
#define INTR_INFO_VALID        (1u << 31)

enum intr_type {
	INTR_EXTERNAL = 0,
	INTR_NMI = 2,
	INTR_HARDWARE_EXCEPTION = 3,
	INTR_SOFTWARE_INTERRUPT = 4,
	INTR_PRIVILEGED_SOFTWARE = 5,
	INTR_SOFTWARE_EXCEPTION = 6,
	INTR_OTHER = 7,
};

/* Interruptibility state (SDM "Guest Non-Register State"). */
#define BLOCKED_BY_STI     (1u << 0)
#define BLOCKED_BY_MOV_SS  (1u << 1)
#define BLOCKED_BY_SMI     (1u << 2)
#define BLOCKED_BY_NMI     (1u << 3)

#define PENDING_DEBUG_BS   (1u << 14)

/* Deliver a hardware exception at the next entry, at the instruction that caused the exit. */
void inject_exception(struct vcpu *v, enum vector vector);
void inject_exception_error(struct vcpu *v, enum vector vector, u32 error_code);
/* #PF: CR2 and the error code. */
void inject_page_fault(struct vcpu *v, u64 linear, u32 error_code);

/*
 * The entry information that delivers again what an exit cut short (SDM "Information for VM Exits That Occur During Event
 * Delivery"): 0 when nothing was. Pure.
 */
u32 inject_requeue_info(u32 idt_vectoring_info);
/* Put a delivery that this exit cut short back into the entry fields; instructions of software events included. */
void inject_requeue(struct vcpu *v);

/*
 * Move RIP behind the exit's instruction, as its completion would: RIP wraps at 32 bits outside 64-bit mode, blocking by STI
 * and MOV SS ends, and a single step is due where RFLAGS.TF is set.
 */
void vcpu_skip_insn(struct vcpu *v);
/* The part of it that is arithmetic. Pure. */
u64 insn_next_rip(u64 rip, u32 length, bool long_mode_code);

#endif
