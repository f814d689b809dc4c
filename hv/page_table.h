/* SPDX-License-Identifier: MIT */
/*
 * L0's 4-level page tables: building and looking up. A mapping is made for one purpose, and no
 * purpose is both writable and executable. Tables lie in memory that is mapped one to one, so a
 * table's address is also its physical address.
 */
#ifndef HV_PAGE_TABLE_H
#define HV_PAGE_TABLE_H

#include "hv/page_source.h"
#include "hv/pte.h"
#include "hv/types.h"

enum page_purpose {
	PAGE_CODE,   /* read, execute */
	PAGE_CONST,  /* read */
	PAGE_DATA,   /* read, write */
	PAGE_DEVICE, /* read, write, uncached */
	PAGE_PURPOSES,
};

struct page_table {
	u64 *root;
	page_source *source;
};

struct page_span { /* all page aligned */
	u64 va;
	u64 hpa;
	u64 size;
};

/* 0 or -ENOMEM. */
int page_table_init(struct page_table *table, page_source *source);
/* Map with 2 MiB leaves where both addresses allow. 0,
 * -ENOMEM, or -EEXIST where a page is mapped already. */
int page_table_map(struct page_table *table, struct page_span span, enum page_purpose purpose);
/* Tables without leaves for pages va.. (2 MiB aligned), contiguous:
 * the entry of page i is [i]. NULL: no memory, or in use. */
u64 *page_table_reserve(struct page_table *table, u64 va, u32 pages);
/* The entry that maps va, NULL when nothing does. */
u64 *page_table_find(const struct page_table *table, u64 va);

#endif
