/* SPDX-License-Identifier: MIT */
/* The port, and the end of the program. */
#include "tests/linux/torture/calls.h"

#include <cpuid.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <unistd.h>

#define PAGE       4096u
#define PORT_BYTES 4

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

static int is_on_nestor(void)
{
	unsigned int base, eax, name[3];

	for (base = NESTOR_CPUID_BASE; base <= NESTOR_CPUID_LAST; base += NESTOR_CPUID_STRIDE) {
		__cpuid(base, eax, name[0], name[1], name[2]);
		if (eax > base && name[0] == NESTOR_SIGNATURE_EBX &&
		    name[1] == NESTOR_SIGNATURE_ECX && name[2] == NESTOR_SIGNATURE_EDX)
			return 1;
	}
	return 0;
}

const char *calls_open(void)
{
	struct call c = { .number = NESTOR_CALL_CAPABILITIES };

	if (!is_on_nestor())
		return "not on Nestor";
	if (ioperm(NESTOR_CALL_PORT, PORT_BYTES, 1))
		return "the kernel does not let this program at ports";
	if (call_try(&c) || !(c.rbx & NESTOR_CAP_TEST_CALLS))
		return "needs test_calls = on";
	return NULL;
}

int64_t call_try(struct call *c)
{
	uint64_t rax = c->number;

	__asm__ volatile("inl %%dx, %%eax"
			 : "+a"(rax), "+b"(c->rbx)
			 : "c"(c->rcx), "d"(NESTOR_CALL_PORT), "S"(c->rdx)
			 : "memory");
	return (int64_t)rax;
}

uint64_t call_make(struct call c)
{
	uint64_t rbx = c.rbx;
	int64_t error = call_try(&c);

	if (error)
		fail("call %llu with RBX 0x%llx, RCX 0x%llx: error %lld",
		     (unsigned long long)c.number, (unsigned long long)rbx,
		     (unsigned long long)c.rcx, (long long)error);
	return c.rbx;
}
