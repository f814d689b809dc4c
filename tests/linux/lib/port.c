/* SPDX-License-Identifier: MIT */
/* The port, and addresses as the hypercalls take them. */
#include "tests/linux/lib/port.h"

#include <cpuid.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/io.h>
#include <unistd.h>

#define PAGE_BYTES    4096u
#define PORT_BYTES    4
/* Linux' Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_THERE (1ULL << 63)
#define PAGEMAP_FRAME ((1ULL << 55) - 1)

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

const char *port_open(void)
{
	struct call c = { .number = NESTOR_CALL_CAPABILITIES };

	if (!is_on_nestor())
		return "not on Nestor";
	if (ioperm(NESTOR_CALL_PORT, PORT_BYTES, 1))
		return "the kernel does not let this program at ports";
	if (port_call(&c) || !(c.rbx & NESTOR_CAP_TEST_CALLS))
		return "needs test_calls = on";
	return NULL;
}

int64_t port_call(struct call *c)
{
	uint64_t rax = c->number;

	__asm__ volatile("inl %%dx, %%eax"
			 : "+a"(rax), "+b"(c->rbx)
			 : "c"(c->rcx), "d"(NESTOR_CALL_PORT), "S"(c->rdx)
			 : "memory");
	return (int64_t)rax;
}

uint64_t physical_address(const volatile void *address)
{
	static int pagemap = -1;
	uint64_t entry = 0;
	off_t at = (off_t)((uintptr_t)address / PAGE_BYTES * sizeof(entry));

	if (pagemap < 0)
		pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pread(pagemap, &entry, sizeof(entry), at) != sizeof(entry) || !(entry & PAGEMAP_THERE))
		return 0;
	return (entry & PAGEMAP_FRAME) * PAGE_BYTES;
}
