/* SPDX-License-Identifier: MIT */
/*
 * L0's memory, in two pools of frames (mm/frame_pool.h): the host pool, mapped one to one in L0's
 * page tables, from which L0's own objects come; and the guest pool, whose frames back guests'
 * regions and are never mapped here.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "mm/addr.h"

/* Host pages: 2^order pages, naturally aligned, zeroed; NULL when the pool is empty. */
void *page_alloc(unsigned int order);
/* Give back what page_alloc returned for this order;
 * junk-filled first, so that a use after free shows. */
void page_free(void *page, unsigned int order);
/* The physical address of a host page's byte, and back. */
static inline hpa_t page_to_hpa(const void *va)
{
	return hpa((u64)(uintptr_t)va);
}
void *page_from_hpa(hpa_t hpa);
u64 page_free_count(void); /* pages left in the host pool */

/* Guest frames: 2^order frames, naturally aligned, contents undefined. 0 or -ENOMEM. */
int guest_frame_alloc(unsigned int order, pfn_t *first);
void guest_frame_free(pfn_t first, unsigned int order);
/* A frame that was allocated is bad: it never returns to the pool. */
void guest_frame_retire(pfn_t frame);
u64 guest_frame_free_count(void);

/* One physically contiguous run of free RAM. */
struct page_range {
	hpa_t base;
	u64 bytes;
};

/*
 * Set both pools up. The host pool is one range, mapped one to one,
 * and keeps both pools' books; the guest pool is the sum of the ranges. 0,
 * or -ENOMEM when the books do not fit into the host pool.
 */
int page_init(struct page_range host, const struct page_range *guest, unsigned int guest_count);

#endif
