/* SPDX-License-Identifier: MIT */
/*
 * A pfn-cache keeps hold of one page of L1's memory, until a change of that memory takes it away.
 *
 * Host use: the page is mapped by a window slot of the cache's own. L0 reads and writes it between
 * pfn_cache_hold and pfn_cache_release; a change waits for holders, holders wait for nothing.
 * Guest use: nothing is mapped; a VMCS has the frame's address. While a guest runs nothing can be
 * held, so a change raises the gate of who uses the page and calls those vCPUs out of their guests.
 * A page that is used both ways has two caches.
 *
 *            activate             refresh, move        publish: under the lock, only if no
 *   inactive ───────► INVALID ───────────► REFRESHING  change is active or has ended since
 *      ▲                 ▲ ▲                │     │    the snapshot
 *      │                 │ └────────────────┘     │
 *      │                 │  failed, overtaken     ▼
 *      │                 └────────────────────── VALID ◄──► held by vCPUs (only where valid)
 *      │                   change_begin: invalid,  │
 *      └───────────────────────────────────────────┘
 *            deactivate: invalid, wait for holders, leave the index
 *
 * Invariants. An active cache is on the index (mm/pfn_index.h), so no change misses it. VALID
 * appears and goes under the memory's lock. Page, frame and mapping change only by who has
 * REFRESHING, while the cache is invalid and nobody holds its mapping; the page of an active cache
 * under the lock, too. A change ends after holders from before have let go.
 *
 * A cache's memory stays for the VM's life. Whoever changes L1's memory names gfns: updates of
 * regions do, and who replaces a frame knows the gfn whose backing it edits.
 */
#ifndef MM_PFN_CACHE_H
#define MM_PFN_CACHE_H

#include "hv/panic.h"
#include "hv/percpu.h"
#include "mm/addr.h"
#include "mm/pfn_index.h"
#include "mm/window.h"

struct vm_memory;

/*
 * The state word. Holders are vCPUs; one vCPU holds a cache once at a time. VALID is the sign, so
 * that the addition of a holder tells it in the flags.
 */
#define PFN_CACHE_HOLDERS     16u
#define PFN_CACHE_HELD(vcpu)  BIT(vcpu)
#define PFN_CACHE_HELD_BY_ANY BITS(PFN_CACHE_HOLDERS - 1, 0)
#define PFN_CACHE_REFRESHING  BIT(16)      /* one CPU works on page, frame and mapping */
#define PFN_CACHE_ACTIVE      BIT(17)      /* on the index; changes with REFRESHING */
#define PFN_CACHE_GENERATION  BITS(62, 32) /* counts invalidations */
#define PFN_CACHE_VALID       BIT(63)

/* What uses pages through a VMCS: one for each VMCS. */
struct pfn_user {
	/* Bit n: the page that is used as n is not what the VMCS has, which is not entered while a
	 * bit is set. Set under the memory's lock, before change_ops.call_out, which the vCPU meets
	 * at its gate if it has looked here before (vmx/nested/pages.c); read without the lock. */
	u32 stale;
};

struct pfn_cache {
	u64 state;      /* atomic */
	l1_gpa_t gpa;   /* of the page */
	char *va;       /* of its mapping */
	pfn_t pfn;      /* its frame */
	bool read_only; /* its region is */
	bool is_logged; /* writes to it are: none of a holder's (mm/dirty_log.h) */
	bool writable;  /* atomic; by holders. Else it is read-only, or it is protected or
			 * logged and writes go through guest_write (mm/ept01_protect.h) */

	/* Constant after pfn_cache_init. */
	bool writes;           /* the use writes: a read-only region is refused */
	u8 bit;                /* in user->stale */
	struct pfn_user *user; /* NULL: host use */
	struct vm_memory *memory;

	struct window_slot *slot; /* mapped; NULL: none */
	struct pfn_cache *next;   /* in its bucket */
} __attribute__((aligned(64)));

/* There may be so many more active caches: changes stay as quick as they are with few. 0, or
 * -ENOMEM: they do not. */
int pfn_cache_expect(struct vm_memory *memory, u64 more);

/* An inactive cache for host use. */
void pfn_cache_init(struct pfn_cache *cache, struct vm_memory *memory, enum window_access access);
/* An inactive cache for the page that the user's VMCS uses as number `bit`, 0 to 31. */
void pfn_cache_init_guest(struct pfn_cache *cache, struct vm_memory *memory, struct pfn_user *user,
			  u32 bit);

/* Put it on the index for the page of gpa. The cache is inactive; nothing is looked up yet. */
void pfn_cache_activate(struct pfn_cache *cache, l1_gpa_t gpa);
/*
 * Make it valid. 0, also where it is; -ENOENT: no region has the page; -EFAULT: the use writes and
 * the region is read-only; -ENOMEM: no window slot; then nothing is mapped. -EBUSY: a change of
 * L1's memory, or another CPU's work on this cache, came between: try again, later. -EINVAL: it is
 * inactive. Waits for nobody, holds nothing.
 */
int pfn_cache_refresh(struct pfn_cache *cache);
/*
 * Host use: go to the page of gpa, from another page or from none, and be valid for it. Errors as
 * pfn_cache_refresh, then it stays where it was, but may have become invalid. -EBUSY also where
 * somebody holds it.
 */
int pfn_cache_move(struct pfn_cache *cache, l1_gpa_t gpa);
/* Take it off the index, when its holders have let go; it may be inactive. A page that a VMCS uses
 * is used no more: no vCPU is in a guest with that VMCS. */
void pfn_cache_deactivate(struct pfn_cache *cache);

static inline bool pfn_cache_is_active(const struct pfn_cache *cache)
{
	return __atomic_load_n(&cache->state, __ATOMIC_RELAXED) & PFN_CACHE_ACTIVE;
}

/* Is it valid for this page? True may be out of date at once, but for who holds it. */
static inline bool pfn_cache_check(const struct pfn_cache *cache, l1_gpa_t gpa)
{
	u64 state = __atomic_load_n(&cache->state, __ATOMIC_ACQUIRE);
	u64 page = __atomic_load_n(&cache->gpa.raw, __ATOMIC_RELAXED);

	return (state & PFN_CACHE_VALID) && (gpa.raw ^ page) < PAGE_SIZE;
}

/* Invalidations so far: what was made from the page is still good while this stands still and the
 * cache is valid. To be read before the page is. */
static inline u64 pfn_cache_generation(const struct pfn_cache *cache)
{
	return __atomic_load_n(&cache->state, __ATOMIC_ACQUIRE) << 1 >> 33;
}

/*
 * Host use. The page's address while the cache is valid for it, NULL otherwise. The vCPU, which
 * runs on this CPU and does not hold it yet, accesses it and lets go; it waits for nothing in
 * between.
 */
void *pfn_cache_hold(struct pfn_cache *cache, l1_gpa_t gpa, u32 vcpu);

/* Whether the cache is valid; held from now on in any case. */
static inline bool pfn_cache_begin_hold(struct pfn_cache *cache, u64 holder)
{
	/* Full order: seen by who invalidates from now on, or the sum says that it is not valid;
	 * pairs with invalidate(). Acquire, for what was published. */
	return (s64)__atomic_add_fetch(&cache->state, holder, __ATOMIC_SEQ_CST) < 0;
}

static inline void pfn_cache_release(struct pfn_cache *cache, u32 vcpu)
{
	/* Release: the accesses come before; pairs with the wait for holders. */
	__atomic_fetch_sub(&cache->state, PFN_CACHE_HELD(vcpu), __ATOMIC_RELEASE);
}

/*
 * Guest use, by this vCPU: refresh the cache if it is invalid, and lower the gate for it. 0: *pfn
 * goes into the VMCS before the next entry with it. Otherwise pfn_cache_refresh's error, and the
 * gate stays raised.
 */
int pfn_cache_use(struct pfn_cache *cache, u32 vcpu, pfn_t *pfn);
/* The VMCS that this vCPU ran has another frame now, or does without: the gate is lowered for it.
 * Harmless where it was not used. */
void pfn_cache_unuse(struct pfn_cache *cache, u32 vcpu);

/* What a change met. */
struct pfn_hits {
	u64 users;    /* vCPUs whose VMCS has a frame that goes away */
	bool is_held; /* a page may be held */
};

/* Lock held, before the pages go: no cache of the range is valid afterwards, nor becomes it before
 * the change has ended. */
struct pfn_hits pfn_cache_invalidate(struct vm_memory *memory, struct gfn_range range);
/* Lock not held: wait until nobody holds what was invalidated. Bounded: who does not let go ends in
 * a panic that names it. */
void pfn_cache_wait_for_holders(struct vm_memory *memory, struct gfn_range range);

/* Lock held: may holders write to this page? True: caches of it are held now. */
bool pfn_cache_set_writable(struct vm_memory *memory, u64 gfn, bool writable);
/* Lock not held: wait until nobody holds a page since before it became unwritable. */
void pfn_cache_wait_for_writers(struct vm_memory *memory);

#endif
