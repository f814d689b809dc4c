/* SPDX-License-Identifier: MIT */
/* Fields of exit qualifications (SDM "Exit Qualification"). */
#ifndef VMX_QUALIFICATION_H
#define VMX_QUALIFICATION_H

#include "hv/types.h"

/* I/O instructions. */
#define QUALIFICATION_BYTES(q) ((u32)((q)&7) + 1)
#define QUALIFICATION_IN       (1u << 3)
#define QUALIFICATION_STRING   (1u << 4)
#define QUALIFICATION_REP      (1u << 5)
#define QUALIFICATION_PORT(q)  ((u16)((q) >> 16))

/* Control-register accesses. */
#define QUALIFICATION_CR(q)    ((u32)((q)&0xf))
#define QUALIFICATION_TYPE(q)  ((u32)((q) >> 4 & 3))
#define QUALIFICATION_GPR(q)   ((u32)((q) >> 8 & 0xf)) /* enum gpr */
#define QUALIFICATION_LMSW(q)  ((u16)((q) >> 16))      /* the value */

enum cr_access_type { CR_MOV_TO, CR_MOV_FROM, CR_CLTS, CR_LMSW };

/* EPT violations; bits 5:3 are what the entries allow. A full page-modification log has the last
 * one. */
#define EPT_VIOLATION_READ           (1u << 0)
#define EPT_VIOLATION_WRITE          (1u << 1)
#define EPT_VIOLATION_FETCH          (1u << 2)
#define EPT_VIOLATION_RIGHTS_SHIFT   3
#define EPT_VIOLATION_LINEAR         (1u << 7)  /* the guest-linear address is valid */
#define EPT_VIOLATION_OPERAND        (1u << 8)  /* it was accessed: not the page walk */
#define EPT_VIOLATION_NMI_UNBLOCKING (1u << 12) /* the access was IRET's */

/* APIC accesses: the offset in the page, and what kind of access. */
#define APIC_ACCESS_READ             (0u << 12)
#define APIC_ACCESS_WRITE            (1u << 12)
#define APIC_ACCESS_FETCH            (2u << 12)
#define APIC_ACCESS_GUEST_PHYSICAL   (15u << 12) /* in the execution of an instruction */

#endif
