/* SPDX-License-Identifier: MIT */
/* What Nestor's modules need around them: a console, whose lines of the guest carry a prefix, and
 * an end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

#include "hv/log.h"
#include "hv/panic.h"
#include "tests/linux/vmm/vmm.h"

static struct {
	const char *prefix;
	u64 start; /* 0: no clock */
	char line[512];
	size_t used;
} console = { .prefix = "" };

void console_open(const char *prefix)
{
	console.prefix = prefix;
}

void console_start_clock(void)
{
	console.start = __rdtsc();
}

void console_flush(void)
{
	if (console.used && console.start)
		printf("[%llu] ", (unsigned long long)(__rdtsc() - console.start));
	if (console.used)
		printf("%s%.*s\n", console.prefix, (int)console.used, console.line);
	console.used = 0;
	fflush(stdout);
}

/* The UART's transmitter. */
void log_write(const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] == '\r')
			continue;
		if (bytes[i] != '\n')
			console.line[console.used++] = bytes[i];
		if (bytes[i] == '\n' || console.used == sizeof(console.line))
			console_flush();
	}
}

static _Noreturn void fail(const char *fmt, va_list ap)
{
	console_flush();
	printf("vmm: ");
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
	_Exit(1);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(fmt, ap);
}

void vmm_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(fmt, ap);
}
