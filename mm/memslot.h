/* SPDX-License-Identifier: MIT */
/*
 * Regions of L1's physical memory: [gfn, gfn + pages) backed by host frames. Overlap, wrap and
 * emptiness are refused with a named error. The backing of a region is a list of extents, largest
 * blocks first; pages that a balloon has taken are holes in it. Look-ups and copies take no lock
 * and wait for nobody; an update is seen whole or not at all, and may wait (mm/change.h), so no
 * lock is held where it is called.
 */
#ifndef MM_MEMSLOT_H
#define MM_MEMSLOT_H

#include "mm/addr.h"

struct vm_memory; /* the memory of one VM: regions, EPT01 */

enum memslot_flags {
	MEMSLOT_READONLY = 1,
	MEMSLOT_LOG_DIRTY = 2, /* mm/dirty_log.h */
	MEMSLOT_FIXED = 4,     /* is not deleted or moved; of its flags, only the log changes */
};

enum memslot_result {
	MEMSLOT_OK,
	MEMSLOT_EMPTY,     /* no pages */
	MEMSLOT_WRAPS,     /* gfn + pages passes the end of L1's physical address space */
	MEMSLOT_OVERLAPS,  /* another region, or L0's overlay (mm/ept01.h), has a page of it */
	MEMSLOT_MISSING,   /* delete, move, flags: no region starts at this gfn */
	MEMSLOT_NO_MEMORY, /* add: too few free frames; no room for the books, or a log */
	MEMSLOT_BAD_FLAGS, /* not of enum memslot_flags */
	MEMSLOT_IS_FIXED,  /* delete, move, flags: of a region with MEMSLOT_FIXED */
	MEMSLOT_HOLE,      /* migrate, balloon, poison: a page is in no region, or ballooned out */
	MEMSLOT_PRESENT,   /* balloon in: a page has not been ballooned out */
	MEMSLOT_LOGS_NOTHING, /* take_dirty: the region is without MEMSLOT_LOG_DIRTY */
	MEMSLOT_TOO_LARGE,    /* take_dirty: its bits are more than the buffer takes */
	MEMSLOT_NO_BUFFER,    /* take_dirty: the buffer is not all in memory that can be written */
};

/* The result's text for reports: "overlaps another region". */
const char *memslot_result_text(enum memslot_result result);

/* max_gfn: first gfn beyond L1's physical address space. NULL when the host pool is empty. */
struct vm_memory *vm_memory_create(l1_gfn_t max_gfn);

/* Add a region backed by fresh guest frames, chosen as large
 * and aligned as gfn allows (so that EPT01 gets large leaves). */
enum memslot_result memslot_add_ram(struct vm_memory *memory, l1_gfn_t gfn, u64 pages, u32 flags);
/* Delete the region that starts here; EPT01 loses its leaves, and when nobody uses the frames any
 * more they return to the guest pool; then this returns. */
enum memslot_result memslot_delete(struct vm_memory *memory, l1_gfn_t gfn);
/* Let the region that starts at from start at to, with the same frames; it may overlap where it
 * was. EPT01 loses its leaves. */
enum memslot_result memslot_move(struct vm_memory *memory, l1_gfn_t from, l1_gfn_t to);
/* Give the region that starts here other flags; EPT01 loses its leaves. */
enum memslot_result memslot_set_flags(struct vm_memory *memory, l1_gfn_t gfn, u32 flags);
/*
 * Give these pages other frames with the same contents; they may lie in several regions, of any
 * flags. EPT01 loses their leaves. Where there are no frames for all, or a page is missing, those
 * before it have moved. A CPU that accesses one meanwhile waits, at most for the pages of a block.
 */
enum memslot_result memslot_migrate(struct vm_memory *memory, l1_gfn_t gfn, u64 pages);
/*
 * Take these pages away: they are holes in their regions, of any flags, and their frames return to
 * the guest pool. Where a page is missing, those before it have gone.
 */
enum memslot_result memslot_balloon_out(struct vm_memory *memory, l1_gfn_t gfn, u64 pages);
/* Give such pages fresh frames full of zeros; where that fails, those before have them. */
enum memslot_result memslot_balloon_in(struct vm_memory *memory, l1_gfn_t gfn, u64 pages);
/*
 * The frame behind this page is bad. Where its contents are to be kept, the page gets another frame
 * (MEMSLOT_NO_MEMORY: there is none, and it stays where it is); else it goes, as by a balloon. The
 * bad frame is never used again.
 */
enum memslot_contents { MEMSLOT_KEEP, MEMSLOT_LOSE };
enum memslot_result memslot_poison(struct vm_memory *memory, l1_gfn_t gfn,
				   enum memslot_contents contents);
/*
 * Which pages of the region that starts here have been written to, by whomever, since the last
 * call or since it logs: a bit for each in whole u64s, written to L1's memory. Where that fails,
 * they are told again the next time. A page may be told that was not written to, never the other
 * way round.
 */
struct dirty_buffer {
	l1_gpa_t at;
	u64 bytes; /* there is room for */
	u64 dirty; /* out: pages */
};
enum memslot_result memslot_take_dirty(struct vm_memory *memory, l1_gfn_t gfn,
				       struct dirty_buffer *buffer);
/* Grows, from 1 on, with each update of the regions. */
u64 memslot_generation(const struct vm_memory *memory);

/* Regions in order of gfn: false when index is past the last. */
struct memslot_info {
	l1_gfn_t gfn;
	u64 pages;
	u32 flags;
};
bool memslot_describe(const struct vm_memory *memory, u32 index, struct memslot_info *info);
u32 memslot_count(const struct vm_memory *memory);

/* One gfn's frame: 0, or as vm_memory_find. *run = pages from here
 * on that continue contiguously in both spaces. */
struct memslot_frame {
	pfn_t pfn;
	u64 run;
	u32 flags;
};
int memslot_find(struct vm_memory *memory, l1_gfn_t gfn, struct memslot_frame *frame);

/*
 * Copy from and to L1's memory through a transient window; any length, crosses pages. 0, or -EFAULT
 * where a page has no region (or is read-only, for a write); what was before it has been copied.
 * Writes happen in no reader section and without the memory's lock, which they take where a page is
 * protected (mm/ept01_protect.h).
 */
int guest_read(struct vm_memory *memory, l1_gpa_t gpa, void *dst, size_t bytes);
int guest_write(struct vm_memory *memory, l1_gpa_t gpa, const void *src, size_t bytes);
int guest_zero(struct vm_memory *memory, l1_gpa_t gpa, size_t bytes);
/* Set bits in one byte, atomically towards L1's CPUs; errors as guest_write. */
int guest_or_byte(struct vm_memory *memory, l1_gpa_t gpa, u8 bits);
/* Store `desired` in an aligned u64 if it holds *expected, atomically towards L1's CPUs;
 * *expected = what it held. Errors as guest_write. */
int guest_cmpxchg(struct vm_memory *memory, l1_gpa_t gpa, u64 *expected, u64 desired);

#endif
