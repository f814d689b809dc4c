/* SPDX-License-Identifier: MIT */
/* Polling of the console's line: see hv/dev/line_in.h. */
#include "hv/dev/line_in.h"
#include "hv/dev/clock.h"
#include "hv/string.h"

static void poll(struct line_in *line, u64 now)
{
	line->count += line->source(line->queue + line->count, LINE_IN_QUEUE - line->count);
	line->next = now + line->period;
}

static void hand_over(struct line_in *line)
{
	size_t taken = uart_receive(line->uart, line->queue, line->count);

	line->count -= taken;
	memmove(line->queue, line->queue + taken, line->count);
}

void line_in_advance(struct line_in *line, u64 now)
{
	if (line->source && now >= line->next)
		poll(line, now);
	if (line->count)
		hand_over(line);
}

u64 line_in_next_deadline(const struct line_in *line)
{
	return line->source && uart_awaits_input(line->uart) ? line->next : CLOCK_NEVER;
}
