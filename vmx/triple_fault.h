/* SPDX-License-Identifier: MIT */
/*
 * What a triple fault tells of its cause: a #DF could not be delivered, so its gate is looked at.
 * The fault before it is known by RIP and CR2 only. Pure.
 */
#ifndef VMX_TRIPLE_FAULT_H
#define VMX_TRIPLE_FAULT_H

#include "hv/types.h"

enum idt_kind { IDT_REAL, IDT_32BIT, IDT_64BIT };

/* What is looked at on the way of a #DF. */
struct double_fault {
	enum idt_kind kind;
	u64 idt_base;
	u32 idt_limit;
	bool gate_mapped; /* and so read: */
	u64 gate[2];      /* as in memory; one word of it in 32-bit mode */
	bool tss_mapped;  /* what it says of the stack was read; true when none of it is needed */
	u64 stack;        /* where the frame would end */
	bool stack_mapped;
	bool handler_mapped;
};

/* The size of a gate or vector; where the one for #DF is. */
u32 double_fault_gate_bytes(enum idt_kind kind);
u64 double_fault_gate_address(const struct double_fault *fault);
/* Of a 64-bit gate: its handler and, from 1, its entry in the interrupt stack table. */
u64 double_fault_handler(const struct double_fault *fault);
u32 double_fault_stack_index(const struct double_fault *fault);

/* One line: the first thing that cannot be right. */
void triple_fault_explain(const struct double_fault *fault, char *text, size_t size);

#endif
