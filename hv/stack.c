/* SPDX-License-Identifier: MIT */
/* Where each CPU's stacks lie. Pure: hv/paging.c maps them. */
#include "hv/stack.h"

#define CPU_STRIDE (64 * KIB)

struct stack_layout {
	const char *name;
	u64 offset; /* of its lowest byte in the CPU's part; the guard page is the page below */
	unsigned int order;
};

static const struct stack_layout layout[STACKS] = {
	[STACK_MAIN] = { "main", 1 * PAGE_SIZE, 2 },
	[STACK_DOUBLE_FAULT] = { "#DF", 6 * PAGE_SIZE, 1 },
	[STACK_NMI] = { "NMI", 9 * PAGE_SIZE, 1 },
	[STACK_MACHINE_CHECK] = { "#MC", 12 * PAGE_SIZE, 1 },
};

unsigned int stack_order(enum stack_kind kind)
{
	return layout[kind].order;
}

u64 stack_bottom(u32 cpu, enum stack_kind kind)
{
	return STACK_BASE + cpu * CPU_STRIDE + layout[kind].offset;
}

u64 stack_top(u32 cpu, enum stack_kind kind)
{
	return stack_bottom(cpu, kind) + (PAGE_SIZE << layout[kind].order);
}

bool stack_find(u64 address, struct stack_place *place)
{
	u64 cpu = (address - STACK_BASE) / CPU_STRIDE;

	if (address < STACK_BASE || cpu > UINT32_MAX)
		return false;
	for (enum stack_kind kind = STACK_MAIN; kind < STACKS; kind++) {
		u64 bottom = stack_bottom((u32)cpu, kind);

		if (address < bottom - PAGE_SIZE || address >= stack_top((u32)cpu, kind))
			continue;
		*place =
			(struct stack_place){ (u32)cpu, kind, layout[kind].name, address < bottom };
		return true;
	}
	return false;
}
