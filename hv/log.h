/* SPDX-License-Identifier: MIT */
/*
 * The report channel. Every call prints one whole line under one lock,
 * so lines of different CPUs never mix. A log line reads "[cpu] subsystem: text";
 * TAP, BENCH and L1's console lines carry no prefix.
 */
#ifndef HV_LOG_H
#define HV_LOG_H

#include "hv/types.h"

/* Print "[cpu] subsystem: text\n". */
void log_line(const char *subsystem, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Print "text\n" without a prefix (TAP, BENCH, verdicts). */
void log_raw(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Bytes of L1's console, as they come.
 * A line of ours that follows unfinished ones starts on a line of its own. */
void log_write(const char *bytes, size_t count);

/* A panic breaks the lock's wait after a bounded time:
 * a CPU that died holding it must not silence the dump. */
void log_enter_panic(void);

/*
 * Every CPU that logs has its GS base from now on.
 * Until then (in the firmware, on its stack) lines belong to CPU 0.
 */
void log_use_cpu_numbers(void);

/*
 * Also send every line (with its newline) to this sink: the firmware's console before
 * ExitBootServices. NULL ends it.
 */
void log_set_mirror(void (*sink)(const char *line));

#endif
