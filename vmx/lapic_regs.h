/* SPDX-License-Identifier: MIT */
/* The local APIC's registers as the SDM lays them out ("Local APIC Register Address Map"): byte
 * offsets in the page, 32 bits each at strides of 16. x2APIC's MSR is 800h + offset / 16. */
#ifndef VMX_LAPIC_REGS_H
#define VMX_LAPIC_REGS_H

enum lapic_register {
	LAPIC_ID = 0x20,
	LAPIC_VERSION = 0x30,
	LAPIC_TPR = 0x80,
	LAPIC_APR = 0x90, /* arbitration priority: of old processors, reads 0 */
	LAPIC_PPR = 0xa0,
	LAPIC_EOI = 0xb0,
	LAPIC_RRD = 0xc0, /* remote read: of old processors, reads 0 */
	LAPIC_LDR = 0xd0,
	LAPIC_DFR = 0xe0,
	LAPIC_SVR = 0xf0,
	LAPIC_ISR = 0x100, /* to 170h, as TMR and IRR: eight registers of 32 vectors */
	LAPIC_TMR = 0x180,
	LAPIC_IRR = 0x200,
	LAPIC_ESR = 0x280,
	LAPIC_ICR = 0x300,
	LAPIC_ICR2 = 0x310,
	LAPIC_LVT_TIMER = 0x320, /* the local vectors fill 320h to 370h */
	LAPIC_LVT_THERMAL = 0x330,
	LAPIC_LVT_COUNTERS = 0x340,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_LVT_ERROR = 0x370,
	LAPIC_TMICT = 0x380, /* timer: initial count, current count, divide configuration */
	LAPIC_TMCCT = 0x390,
	LAPIC_TDCR = 0x3e0,
	LAPIC_SELF_IPI = 0x3f0, /* x2APIC only */
};

#define LAPIC_STRIDE       0x10u
#define LAPIC_BITMAP_BYTES 0x80u /* of ISR, TMR or IRR */
#define LAPIC_REGISTERS    64u   /* 000h to 3F0h */

/* An integrated APIC, last local vector entry 5 (no CMCI), no suppression of EOI broadcasts. */
#define VERSION_VALUE      0x00050015u

#define SVR_ENABLE         (1u << 8)
#define DFR_ONES           0x0fffffffu /* bits that always read as 1 */

#define LVT_MASKED         (1u << 16)
#define LVT_LEVEL          (1u << 15)
#define LVT_REMOTE_IRR     (1u << 14)
#define LVT_MODE(lvt)      ((lvt) >> 8 & 7u)
#define LVT_TIMER_MODE(l)  ((l) >> 17 & 3u)

#define ICR_LOGICAL        (1u << 11)
#define ICR_BUSY           (1u << 12)
#define ICR_ASSERT         (1u << 14)
#define ICR_LEVEL          (1u << 15)
#define ICR_SHORTHAND(icr) ((icr) >> 18 & 3u)

/* Error status register (SDM "Error Handling"). */
#define ESR_SEND_VECTOR    (1u << 5)
#define ESR_RECEIVE_VECTOR (1u << 6)
#define ESR_REGISTER       (1u << 7)

#define FIRST_LEGAL_VECTOR 16u

#endif
