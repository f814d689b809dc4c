/* SPDX-License-Identifier: MIT */
/* The end of the road: one line that says why, registers,
 * a stack trace by symbol, the last exits; then stop. */
#ifndef HV_PANIC_H
#define HV_PANIC_H

#include "hv/types.h"

struct trap_frame;

_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for a CPU exception: the frame's registers are dumped instead of the caller's. */
_Noreturn void panic_trap(const struct trap_frame *frame, const char *what);

/* A broken promise of our own code; on in all builds. */
#define ASSERT(cond)                                                                      \
	do {                                                                              \
		if (unlikely(!(cond)))                                                    \
			panic("assertion failed: %s (%s:%d)", #cond, __FILE__, __LINE__); \
	} while (0)

#endif
