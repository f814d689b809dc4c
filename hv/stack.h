/* SPDX-License-Identifier: MIT */
/*
 * The stacks of each CPU, in an area of L0's address space of their own: below each one lies a page
 * that is never mapped, so that running over the end faults instead of overwriting something.
 */
#ifndef HV_STACK_H
#define HV_STACK_H

#include "hv/types.h"

#define STACK_BASE 0xffffa00000000000ULL

/* Those after the first are interrupt stacks:
 * their number is the index in the TSS and in the IDT gates. */
enum stack_kind {
	STACK_MAIN,
	STACK_DOUBLE_FAULT,
	STACK_NMI,
	STACK_MACHINE_CHECK,
	STACKS,
};

unsigned int stack_order(enum stack_kind kind); /* its size: 2^order pages */
u64 stack_bottom(u32 cpu, enum stack_kind kind);
u64 stack_top(u32 cpu, enum stack_kind kind);

/* What an address in the area belongs to. */
struct stack_place {
	u32 cpu;
	enum stack_kind kind;
	const char *name;
	bool in_guard; /* in the unmapped page below the stack */
};

/* false: the address is not in a stack nor in a guard page. */
bool stack_find(u64 address, struct stack_place *place);

/*
 * Load CR3, continue on another stack with run(arg), which must not return. Nothing of the old
 * stack is used after CR3 is loaded, so the new tables need not map it.
 */
_Noreturn void stack_switch(u64 cr3, u64 top, void (*run)(void *), void *arg);

#endif
