/* SPDX-License-Identifier: MIT */
/* One path of EPT12 tables, and walks that the oracle has looked at. */
#ifndef EPT12_FIXTURE_H
#define EPT12_FIXTURE_H

#include "unit.h"
#include "ept12_oracle.h"
#include "ept12_tables.h"

#define ALL_CAPS 0x063341c1ULL /* with the 5-level walk */
#define GPA      0x0000123456789abcULL
#define PAGE     0x0000000765432000ULL
#define RWX      7ULL
#define WB       (6ULL << 3)

static struct ept12_tables tables;
static struct vmx_caps l1;
static struct ept12 ept;

static inline int set_up(void **state)
{
	(void)state;
	memset(&tables, 0, sizeof(tables));
	l1 = (struct vmx_caps){ .ept_vpid = ALL_CAPS, .physical_bits = 40 };
	ept = (struct ept12){ .eptp = ept12_table_at(4) | 0x1e,
			      .l1 = &l1,
			      .read = ept12_tables_read,
			      .mark = ept12_tables_mark,
			      .context = &tables };
	return 0;
}

static inline u64 *entry_at(u32 level)
{
	return &tables.entries[level][GPA >> (12 + 9 * (level - 1)) & 511];
}

/* A path to a leaf of this level, which allows everything. */
static inline void build(u32 leaf)
{
	memset(tables.entries, 0, sizeof(tables.entries));
	for (u32 level = TABLES; level > leaf; level--)
		*entry_at(level) = ept12_table_at(level - 1) | RWX;
	*entry_at(leaf) =
		(PAGE & ~((PAGE_SIZE << (9 * (leaf - 1))) - 1)) | WB | RWX | (leaf > 1 ? 0x80 : 0);
}

static inline struct ept12_walk walk_as(struct ept12_access access)
{
	struct ept12_walk walk = ept12_translate(&ept, &access);
	const char *objection = ept12_oracle_objection(&ept, &access, &walk);

	if (objection)
		fail_msg("%s of the walk of 0x%llx is wrong", objection,
			 (unsigned long long)access.gpa.raw);
	return walk;
}

static inline struct ept12_walk walk_read(void)
{
	return walk_as((struct ept12_access){ .gpa = l2_gpa(GPA), .read = true });
}

static inline struct ept12_walk walk_write(void)
{
	return walk_as((struct ept12_access){ .gpa = l2_gpa(GPA), .write = true });
}

#endif
