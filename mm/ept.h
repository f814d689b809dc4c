/* SPDX-License-Identifier: MIT */
/*
 * One EPT hierarchy of four levels. Frame numbers are raw here, since the guest side is L1's space
 * or L2's. The caller does the locking. Hardware may walk the tables during every edit: a table is
 * complete before it is linked, each entry changes by one store, and a table that was taken out
 * stays whole until it is freed.
 */
#ifndef MM_EPT_H
#define MM_EPT_H

#include "mm/ept_entry.h"

struct ept {
	u64 *root;
	u64 tables;                 /* the root included */
	u64 leaves[EPT_LEVEL_ROOT]; /* by level; [0] is unused */
	u64 flush_generation;       /* see ept_generation */
	u64 *retired;               /* tables taken out, linked through their first entries */
};

struct ept_leaf {
	u32 level;
	pfn_t pfn; /* aligned to the level */
	u64 bits;  /* permissions and memory type, as in the entry */
};

/* An empty hierarchy: 0 or -ENOMEM. */
int ept_init(struct ept *ept);
/* Free all tables; no walker may use them any more. */
void ept_destroy(struct ept *ept);

/*
 * Map the leaf at gfn, which is aligned to its level. What was there is replaced: smaller leaves
 * go, a larger one is split first. The same leaf again changes nothing. 0 or -ENOMEM, and then the
 * translation is as before.
 */
int ept_map(struct ept *ept, u64 gfn, const struct ept_leaf *leaf);
/* Take [gfn, gfn + pages) away. A leaf that reaches beyond is split, or goes whole where there is
 * no memory for that: its other pages fault again. */
void ept_unmap(struct ept *ept, u64 gfn, u64 pages);
/* Split the leaf over gfn until none above this level is left: 0,
 * -ENOENT (no leaf there), -ENOMEM. */
int ept_split(struct ept *ept, u64 gfn, u32 level);
/* The 4K leaf over gfn, where there is one that is not clean, has its dirty flag cleared; the
 * accessed flag is set in it. */
void ept_clean(struct ept *ept, u64 gfn);
/* The leaf that translates gfn: 0 or -ENOENT. */
int ept_lookup(const struct ept *ept, u64 gfn, struct ept_leaf *leaf);

/*
 * Grows with every edit that takes away or changes a present entry: a CPU that last did INVEPT at
 * an older generation owes one before its next entry. Never 0.
 */
u64 ept_generation(const struct ept *ept);
/* The tables that were taken out since the last call, as a list. */
u64 *ept_take_retired(struct ept *ept);
/* Give such a list back: no CPU may hold an older generation's translations while it runs the
 * guest. */
void ept_free_tables(u64 *tables);

#endif
