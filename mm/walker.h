/* SPDX-License-Identifier: MIT */
/*
 * What the hardware's page walkers see: every store to an entry that a walker may read goes through
 * walker_store, and the window area stands where its page tables put it. Host tests have their own
 * copy of this header, which acts as the walker.
 */
#ifndef MM_WALKER_H
#define MM_WALKER_H

#include "mm/window.h"

/* One 64-bit store; what was stored before it is seen before
 * it (release, pairs with the walker's own order). */
static inline void walker_store(u64 *entry, u64 value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* VA of the first window slot. */
static inline char *walker_window_area(void)
{
	return (char *)WINDOW_BASE;
}

#endif
