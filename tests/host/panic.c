/* SPDX-License-Identifier: MIT */
/* A panic on the host ends the test program (abort), so cmocka and the sanitizers show where. */
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include "hv/panic.h"

_Noreturn void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}
