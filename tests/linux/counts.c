/* SPDX-License-Identifier: MIT */
/*
 * What Nestor has counted of L2s, asked for by hypercall: counts [-x <number>]
 * -x has Nestor print its last so many exits of this CPU.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/linux/lib/port.h"
#include "vmx/exit_reasons.h"

#define PAGE_BYTES 4096u
#define VALUES     (PAGE_BYTES / sizeof(u64))

static const char *const nested_texts[] = {
#define NESTED_COUNT(name, from, text) text,
#include "hv/nested_counts.def"
#undef NESTED_COUNT
};

static const char *nested_text(u32 index)
{
	return index < ARRAY_SIZE(nested_texts) ? nested_texts[index] : "of a newer Nestor";
}

static u64 make(struct call c)
{
	int64_t error = port_call(&c);

	if (!error)
		return c.rbx;
	printf("counts: call %llu failed with %lld\n", (unsigned long long)c.number,
	       (long long)error);
	exit(1);
}

/* The values of one call that are not 0, by name. */
static void print(u64 number, const char *(*name)(u32 index), u64 *page)
{
	u64 count = make((struct call){ number, physical_address(page), VALUES, 0 });

	for (u32 i = 0; i < count && i < VALUES; i++)
		if (page[i])
			printf("%12llu  %s\n", (unsigned long long)page[i], name(i));
}

int main(int argc, char **argv)
{
	const char *lacks = port_open();
	u64 *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);

	if (lacks || page == MAP_FAILED) {
		printf("counts: %s\n", lacks ? lacks : "no memory");
		return 77;
	}
	if (argc == 3 && !strcmp(argv[1], "-x")) {
		make((struct call){ NESTOR_CALL_RECORDER, strtoull(argv[2], NULL, 10), 0, 0 });
		return 0;
	}
	memset(page, 0, PAGE_BYTES);
	puts("exits of L2s:");
	print(NESTOR_CALL_EXITS_OF_L2, exit_reason_name, page);
	puts("nested VMX:");
	print(NESTOR_CALL_NESTED_COUNTS, nested_text, page);
	return 0;
}
