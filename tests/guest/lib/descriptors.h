/* SPDX-License-Identifier: MIT */
/* The guest's GDT, TSS and IDT. The selectors are laid out as SYSCALL and SYSRET want them. */
#ifndef TESTS_GUEST_LIB_DESCRIPTORS_H
#define TESTS_GUEST_LIB_DESCRIPTORS_H

#include "hv/types.h"

#define KERNEL_CS       0x08u
#define KERNEL_DS       0x10u
#define USER_DS         0x1bu
#define USER_CS         0x23u
#define NOT_PRESENT     0x28u /* a data segment with P = 0 */
#define CODE32          0x30u
#define SMALL_READ_ONLY 0x38u /* a read-only data segment of a few bytes */
#define SMALL_LIMIT     0x1ffu
#define CODE32_LONG     0x40u /* 32-bit code whose L bit is set, which counts in IA-32e mode only */
#define CODE16          0x48u
#define DATA16          0x50u
#define TSS16           0x58u
#define TSS_SELECTOR    0x60u /* of CPU 0; 16 bytes a CPU */
#define CPUS_MAX        16
#define USER_CODE32     0x163u /* behind the TSSs: 32-bit code of ring 3 */
#define GDT_ENTRIES     (TSS_SELECTOR / 8 + 2 * CPUS_MAX + 1)

#define USER_INTERRUPT  0x80u /* the only vector that ring 3 may raise with INT n */

struct table_pointer {
	u16 limit;
	u64 base;
} __attribute__((packed));

extern const struct table_pointer descriptor_gdt_pointer;
extern const struct table_pointer descriptor_idt_pointer;

/* Make the IDT, and load it and the TSS of CPU 0; the GDT is in place since start.asm. */
void descriptors_init(void);
/* Load IDT and TSS on the CPU that is to be number cpu. */
void descriptors_load(u32 cpu);
/* Have a vector delivered to this code, or NULL: to the library. */
void descriptor_set_handler(u8 vector, const char *code);
/* Make the gate of one vector present or not; a missing gate turns delivery into #NP. */
void descriptor_set_gate_present(u8 vector, bool present);
/*
 * Deliver a vector on the stack that NMIs have, or where RSP is. Each CPU has one, for all its
 * NMIs.
 */
void descriptor_use_nmi_stack(u8 vector, bool use);
u64 descriptor_nmi_stack_top(u32 cpu);

/* The number of the CPU that asks; its task register tells. */
static inline u32 cpu_index(void)
{
	u32 selector;

	__asm__ volatile("str %0" : "=r"(selector));
	return (selector - TSS_SELECTOR) / 16;
}

#endif
