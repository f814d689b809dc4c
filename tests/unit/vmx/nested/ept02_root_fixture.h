/* SPDX-License-Identifier: MIT */
/* An L1 (ept02_fixture.h) with one root: its table, and L2's pages that go through it. */
#ifndef EPT02_ROOT_FIXTURE_H
#define EPT02_ROOT_FIXTURE_H

#include "ept02_fixture.h"

static u64 top;
static struct ept02_root *root;

static inline int set_up(void **state)
{
	(void)state;
	if (world_create(6, 4))
		return -1;
	top = l1_table();
	root = root_of(top);
	return 0;
}

static inline void invept(void)
{
	invept_and_enter(top | 0x1e);
}

static inline const struct ept02_counts *counts(void)
{
	return ept02_counts(pool);
}

static inline void map_and_touch(u64 gfn, u64 to, u64 bits)
{
	l1_map(top, gfn, to, bits);
	assert_int_equal(touch(root, gfn, EPT_READ), EPT02_MAPPED);
	expect_at(root, gfn, to);
}

/* Where the table lies that has the entry of this level for an L2 page. */
static inline u64 table_gfn(u64 gfn, u32 level)
{
	return l1_entry_at(top, gfn, level) >> PAGE_SHIFT;
}

#endif
