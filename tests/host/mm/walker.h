/* SPDX-License-Identifier: MIT */
/* Host double of mm/walker.h: a store to a window PTE maps
 * or unmaps the page for real; a test may watch every store. */
#ifndef MM_WALKER_H
#define MM_WALKER_H

#include "hv/types.h"

void walker_store(u64 *entry, u64 value);
char *walker_window_area(void);

#endif
