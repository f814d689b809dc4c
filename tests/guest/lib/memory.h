/* SPDX-License-Identifier: MIT */
/*
 * Memory as the loader describes it, below 4 GiB: ranges of RAM, what of it is taken (image,
 * multiboot data, modules), and single pages from the rest. All of it is mapped one to one, so
 * physical addresses are pointers.
 */
#ifndef TESTS_GUEST_LIB_MEMORY_H
#define TESTS_GUEST_LIB_MEMORY_H

#include "hv/types.h"
#include "hv/multiboot_format.h"

struct memory_range {
	u64 base;
	u64 end; /* exclusive; both page aligned */
};

void memory_init(const struct multiboot_info *info);

const struct multiboot_info *memory_multiboot(void);
size_t memory_range_count(void);
struct memory_range memory_range(size_t index);
/* RAM that neither the image, the loader's data nor the allocator uses:
 * a test may write what it likes. */
bool memory_is_spare_page(u64 pa);

/* One zeroed page; the run ends when there is none left. */
u64 memory_page_alloc(void);
void memory_page_free(u64 pa);

/* One word as it is now, and another in its place. */
static inline u64 peek(u64 pa)
{
	return *(const volatile u64 *)pa;
}

static inline void poke(u64 pa, u64 value)
{
	*(volatile u64 *)pa = value;
}

#endif
