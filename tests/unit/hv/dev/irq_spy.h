/* SPDX-License-Identifier: MIT */
/* The far end of a device's interrupt line: its level, how often it rose; a level that is told
 * twice fails the test. */
#ifndef UNIT_IRQ_SPY_H
#define UNIT_IRQ_SPY_H

#include "unit.h"
#include "hv/dev/irq_line.h"

static u32 rises;
static bool level;

static inline void irq_spy_set(void *context, u32 line, bool now_level)
{
	(void)context;
	(void)line;
	assert_int_not_equal(level, now_level);
	level = now_level;
	rises += now_level;
}

/* A line that is low and has never risen. */
static inline struct irq_line irq_spy(void)
{
	level = false;
	rises = 0;
	return (struct irq_line){ irq_spy_set, NULL, 0 };
}

#endif
