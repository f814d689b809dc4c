/* SPDX-License-Identifier: MIT */
/*
 * EPT02 = EPT12 then EPT01, one leaf at a time: L2's page goes where L1 says, to the frame behind
 * it, with no more than both allow. Pure.
 */
#ifndef VMX_NESTED_EPT_COMPOSE_H
#define VMX_NESTED_EPT_COMPOSE_H

#include "mm/ept.h"
#include "vmx/nested/ept12.h"

/* What L0 has behind the L1 page that EPT12 led to. */
struct ept01_page {
	pfn_t pfn;             /* of this page */
	u32 level;             /* the largest leaf around it that EPT01 can have */
	bool writable;         /* false: L0 wants to see the writes, or there are none */
	enum memory_type type; /* the host's, of all that the leaf maps */
};

struct ept02_leaf {
	l2_gfn_t gfn; /* aligned to the leaf's level */
	struct ept_leaf leaf;
};

/*
 * The leaf for a walk with outcome OK. Where EPT12 has dirty flags, it is writable only if the
 * flag is set by now: the first write to a clean page must exit, so that the flag can be set.
 */
struct ept02_leaf ept_compose(const struct ept12_walk *walk, const struct ept01_page *page);

/* Of such a leaf, whatever its size: permissions and memory type, as in the entry. */
u64 ept_compose_bits(const struct ept12_walk *walk, const struct ept01_page *page);

/* The memory type that is neither more cached nor more buffered than either. */
enum memory_type ept_compose_type(enum memory_type a, enum memory_type b);

#endif
