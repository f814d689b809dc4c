/* SPDX-License-Identifier: MIT */
/* A wire from a device to whatever it interrupts. The level says whether the device asserts its
 * line, whatever the voltage. */
#ifndef HV_DEV_IRQ_LINE_H
#define HV_DEV_IRQ_LINE_H

#include "hv/types.h"

struct irq_line {
	void (*set)(void *context, u32 line, bool level);
	void *context;
	u32 line;
};

/* A line without a setter leads nowhere. */
static inline void irq_line_set(const struct irq_line *line, bool level)
{
	if (line->set)
		line->set(line->context, line->line, level);
}

#endif
