/* SPDX-License-Identifier: MIT */
/* How the lowest layer gets host pages at boot without knowing the allocator above it. */
#ifndef HV_PAGE_SOURCE_H
#define HV_PAGE_SOURCE_H

/* 2^order zeroed pages, naturally aligned, mapped one to one;
 * NULL when there are none (mm/page.h: page_alloc). */
typedef void *page_source(unsigned int order);

#endif
