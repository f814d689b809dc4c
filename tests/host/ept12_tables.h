/* SPDX-License-Identifier: MIT */
/* A few pages of L1's memory with EPT12 tables in them. */
#ifndef TESTS_HOST_EPT12_TABLES_H
#define TESTS_HOST_EPT12_TABLES_H

#include "hv/errno.h"
#include "vmx/nested/ept12.h"

#define TABLES_BASE 0x40000ULL
#define TABLES      5u

/* Table n of the path lies at TABLES_BASE + n pages; level 1 is table 1. */
struct ept12_tables {
	u64 entries[TABLES + 1][512];
	u32 reads, marks;
	int mark_fails; /* what mark() returns, unless 0 */
};

static inline u64 ept12_table_at(u32 level)
{
	return TABLES_BASE + level * PAGE_SIZE;
}

static inline u64 *ept12_tables_entry(struct ept12_tables *t, u64 at)
{
	u64 index = (at - TABLES_BASE) / sizeof(u64);

	return at < TABLES_BASE || index >= (TABLES + 1) * 512ULL
		       ? NULL
		       : &t->entries[index / 512][index % 512];
}

static inline int ept12_tables_read(void *context, l1_gpa_t at, u64 *entry)
{
	struct ept12_tables *t = context;
	const u64 *place = ept12_tables_entry(t, at.raw);

	t->reads++;
	if (!place)
		return -EFAULT;
	*entry = *place;
	return 0;
}

static inline int ept12_tables_mark(void *context, l1_gpa_t at, u64 seen, u64 flags)
{
	struct ept12_tables *t = context;
	u64 *place = ept12_tables_entry(t, at.raw);

	t->marks++;
	if (t->mark_fails)
		return t->mark_fails;
	if (!place || *place != seen)
		return -EBUSY;
	*place |= flags;
	return 0;
}

#endif
