/* SPDX-License-Identifier: MIT */
/*
 * A walk over the entries of an EPT that translate a range of guest frames, each table's entry
 * before what it points to. The visitor may change the entry it stands on: the walk goes down
 * through what the entry is when it goes on.
 *
 *     for (ept_iter_start(&it, root, gfn, end); it.slot; ept_iter_next(&it))
 */
#ifndef MM_EPT_ITER_H
#define MM_EPT_ITER_H

#include "mm/ept_entry.h"

struct ept_iter {
	u64 *slot; /* the entry; NULL after the last */
	u64 value; /* as it was when the walk came here */
	u64 gfn;   /* first frame that it translates */
	u32 level;
	/* private */
	u64 start, end;
	u64 *tables[EPT_LEVEL_ROOT + 1]; /* the path down, by level */
};

/* Walk [start, end), end ≤ EPT_GFN_END; an empty range has no entries. */
void ept_iter_start(struct ept_iter *it, u64 *root, u64 start, u64 end);
void ept_iter_next(struct ept_iter *it);

#endif
