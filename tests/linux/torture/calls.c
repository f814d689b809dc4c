/* SPDX-License-Identifier: MIT */
/* Calls that must not fail, and the end of the program. */
#include "tests/linux/torture/calls.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static struct {
	const char *what;
	uint64_t gpa;
} doing = { "nothing", 0 };

void now_doing(const char *what, uint64_t gpa)
{
	doing.what = what;
	doing.gpa = gpa;
}

void fail(const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("torture: %s; the actor was at %s of L1-physical 0x%llx\n", text, doing.what,
	       (unsigned long long)doing.gpa);
	fflush(stdout);
	_exit(1);
}

uint64_t call_make(struct call c)
{
	uint64_t rbx = c.rbx;
	int64_t error = port_call(&c);

	if (error)
		fail("call %llu with RBX 0x%llx, RCX 0x%llx: error %lld",
		     (unsigned long long)c.number, (unsigned long long)rbx,
		     (unsigned long long)c.rcx, (long long)error);
	return c.rbx;
}
