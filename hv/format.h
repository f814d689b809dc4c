/* SPDX-License-Identifier: MIT */
/* printf-style formatting into a caller's buffer: a pure function, no allocation, no locale. */
#ifndef HV_FORMAT_H
#define HV_FORMAT_H

#include <stdarg.h>
#include "hv/types.h"

/*
 * Format into buf (size bytes, always terminated when size > 0) and return
 * the length that the whole text has. Understands %c %s %d %i %u %x %X %p %%,
 * the flags 0 and -, a width and a precision as digits or *, and the lengths h hh l ll z.
 * A conversion outside this set is copied as it stands.
 */
size_t format_text(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t format_text_va(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

#endif
