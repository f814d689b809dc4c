/* SPDX-License-Identifier: MIT */
/* Events as the VMCS describes them (SDM "VM-Entry Controls for Event Injection"),
 * and decisions about them. Pure. */
#ifndef VMX_EVENT_H
#define VMX_EVENT_H

#include "hv/types.h"
#include "hv/vectors.h"

/* SDM "VM-Entry Controls for Event Injection": the fields of the interruption information. */
#define INTR_INFO_VECTOR(info) ((info)&0xffu)
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
#define BLOCKED_BY_STI        (1u << 0)
#define BLOCKED_BY_MOV_SS     (1u << 1)
#define BLOCKED_BY_SMI        (1u << 2)
#define BLOCKED_BY_NMI        (1u << 3)

/* Pending debug exceptions; bits 3:0 name the breakpoints, as DR6's do. */
#define PENDING_DEBUG_ENABLED (1u << 12) /* at least one of them is enabled */
#define PENDING_DEBUG_BS      (1u << 14)

/* DR6, and the same bits in the exit qualification of a #DB. */
#define DEBUG_BREAKPOINTS     BITS(3, 0)
#define DEBUG_BUS_LOCK        (1u << 11) /* in DR6: 0 says that it happened, as for RTM */
#define DEBUG_REGISTER_ACCESS (1u << 13)
#define DEBUG_SINGLE_STEP     (1u << 14)
#define DEBUG_RTM             (1u << 16)
#define DR7_GENERAL_DETECT    (1u << 13)

/* Pending debug exceptions that the next entry delivers (unless MOV SS holds them back). */
static inline bool is_debug_trap(u64 pending)
{
	return pending & (PENDING_DEBUG_ENABLED | PENDING_DEBUG_BS);
}

/* Activity state (SDM "Guest Non-Register State"). */
enum activity_state {
	ACTIVITY_ACTIVE = 0,
	ACTIVITY_HLT = 1,
	ACTIVITY_SHUTDOWN = 2,
	ACTIVITY_WAIT_FOR_SIPI = 3,
};

/*
 * The entry information that delivers again what an exit cut short (SDM "Information for VM Exits
 * That Occur During Event Delivery"): 0 when nothing was. Pure.
 */
u32 inject_requeue_info(u32 idt_vectoring_info);

/*
 * DR6 as a #DB's delivery leaves it, from what it was and the exit qualification of the #DB. Pure.
 */
u64 debug_dr6_after(u64 dr6, u64 qualification);

/* RIP behind an instruction: it wraps at 32 bits outside 64-bit code. */
static inline u64 insn_next_rip(u64 rip, u32 length, bool long_mode_code)
{
	u64 next = rip + length;

	return long_mode_code ? next : (u32)next;
}

#endif
