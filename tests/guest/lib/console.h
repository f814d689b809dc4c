/* SPDX-License-Identifier: MIT */
/* The guest's serial console: whole lines, by hypercall under Nestor, else by COM1. */
#ifndef TESTS_GUEST_LIB_CONSOLE_H
#define TESTS_GUEST_LIB_CONSOLE_H

#include "hv/types.h"

#define CONSOLE_LINE_MAX 1024
#define CONSOLE_COM1     0x3f8u

/* After nestor_init(). */
void console_init(void);
/* Print one line; the newline is added. What is longer than CONSOLE_LINE_MAX is cut. */
void print_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
