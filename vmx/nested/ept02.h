/* SPDX-License-Identifier: MIT */
/*
 * EPT02: what hardware walks while an L2 runs, the shadow of EPT12 then EPT01. One pool for a VM,
 * of a size fixed at boot: whatever L1 does, tables are recycled and no call fails. Entry i of a
 * table shadows entry i of the EPT12 table page that it was made from; below a leaf of EPT12 that
 * EPT01 cannot map in one piece there are tables without such a page.
 *
 * The pool's lock is vm_memory.lock: a leaf is published under it, as EPT01's are, and a change of
 * L1's memory takes leaves away under it. No call but ept02_zap_l1 is made with the lock held, none
 * in a reader section.
 */
#ifndef VMX_NESTED_EPT02_H
#define VMX_NESTED_EPT02_H

#include "mm/memslot.h"
#include "vmx/nested/ept12.h"
#include "vmx/nested/hlist.h"

#define EPT02_ROOT_BUCKETS 64u
#define EPT02_VCPUS        16u

/* What the layers around do for the pool. */
struct ept02_ops {
	/*
	 * Lock held. From now on EPT01 gives no leaf over this page that lets L1 write, and CPUs
	 * owe INVEPT for what they had; the kick that follows makes them pay. 0, or negative: it
	 * cannot be done now. What is protected is unprotected once. 0 for a page that L1 does not
	 * have, which ept12.read() makes up: it says the same for ever.
	 */
	int (*protect)(void *context, l1_gfn_t gfn);
	void (*unprotect)(void *context, l1_gfn_t gfn);
	/*
	 * No lock held. Return when each CPU has been outside guest mode since the call; before it
	 * enters again, the caller's own too, it does the INVEPTs that it owes: EPT01's, and its
	 * root's (ept02_flush_owed).
	 */
	void (*kick_and_wait)(void *context);
	void *context;
};

struct ept02_config {
	struct vm_memory *memory;
	u32 order;      /* 2^order tables, the roots included */
	u32 roots;      /* more than there are vCPUs */
	u32 singles;    /* pages that ept02_keep_single keeps at a time, at most */
	l1_gfn_t avoid; /* never mapped: the APIC-access page's place */
	const struct ept02_ops *ops;
};

/* Why leaves were taken away. */
enum ept02_cause {
	EPT02_L1_CHANGED,   /* L1's memory did: ept02_zap_l1 */
	EPT02_INVALIDATED,  /* by L1's INVEPT */
	EPT02_EPT12_MOVED,  /* a fault found other entries in EPT12 */
	EPT02_TABLE_INSIDE, /* a large leaf was over a page that became a table of EPT12 */
	EPT02_RECYCLED,
	EPT02_CAUSES
};

struct ept02_counts {
	u64 roots_made, roots_hit, roots_recycled;
	u64 faults, retries;
	u64 mapped[EPT_LEVEL_ROOT]; /* leaves by level; [0] is unused */
	u64 zapped[EPT02_CAUSES];   /* leaves */
	u64 recycles;               /* roots that lost their tables, for want of tables */
	u64 unsync_marks;           /* first writes to a protected table */
	u64 resyncs;                /* tables read again because of an INVEPT */
};

struct ept02_table; /* ept02_impl.h, with the pool */
struct ept02;

struct ept02_root {
	struct hlist_node of_key;
	struct ept02_root *older, *newer; /* all roots, by their last use */
	u64 key;                          /* ept02_key(); 0: none yet */
	struct ept02_table *table;        /* constant */
	struct hlist unsync;              /* tables whose EPT12 page may have changed */
	struct ept02_table *recent;       /* that had the last 4K leaf; NULL: none */
	u64 recent_block;                 /* of 2M of L2's, that it is for */
	u64 told;                 /* L2 address + 1 of the last violation told by it; a hint */
	u32 users;                /* never recycled while there are any */
	u32 tables;               /* besides the root's */
	u64 flush_owed;           /* CPUs, one bit each; atomic */
	u64 entered[EPT02_VCPUS]; /* ept02_invepts() of each vCPU, when it got it last; 0: never */
};

/* What EPT02 has to know of a vCPU: the INVEPTs that it executed. For the vCPU alone. */
struct ept02_vcpu {
	u32 index;
	bool did_invept; /* since it got a root last */
	u64 all;
	u64 single[EPT02_ROOT_BUCKETS]; /* by ept02_bucket() of the EPTP */
};

/* How many pages of the host pool ept02_create takes. */
u64 ept02_host_pages(const struct ept02_config *config);
/* NULL when the host pool is too small. */
struct ept02 *ept02_create(const struct ept02_config *config);
/*
 * Lock not held. From now on this page of L1's is a leaf of its own wherever EPT02 maps it: an
 * APIC-access page, which a translation by a larger page may miss (SDM "Issues Pertaining to Page
 * Size and TLB Management"). Counted; no more than config.singles at a time.
 */
void ept02_keep_single(struct ept02 *pool, l1_gfn_t gfn);
void ept02_let_grow(struct ept02 *pool, l1_gfn_t gfn);
const struct ept02_counts *ept02_counts(const struct ept02 *pool);

/* What of an EPTP chooses the root: address, walk length, accessed and dirty flags. */
static inline u64 ept02_key(u64 eptp12)
{
	return eptp12 & ~BITS(2, 0);
}

/* By the address alone: an INVEPT is for any flags and walk length. */
static inline u32 ept02_bucket(u64 eptp12)
{
	return (u32)((eptp12 >> PAGE_SHIFT) * 0x9e3779b97f4a7c15ULL >> 58);
}
_Static_assert(EPT02_ROOT_BUCKETS == 64, "six bits of the hash");

/*
 * L1's INVEPT on this vCPU, of this EPTP's address or of all. The vCPU has nothing cached from now
 * until it enters L2 again: that entry's ept02_root_get() does the work.
 */
static inline void ept02_invept_single(struct ept02_vcpu *vcpu, u64 eptp12)
{
	vcpu->single[ept02_bucket(eptp12)]++;
	vcpu->did_invept = true;
}

static inline void ept02_invept_all(struct ept02_vcpu *vcpu)
{
	vcpu->all++;
	vcpu->did_invept = true;
}

/* Grows with each that may be for this root; never 0. */
static inline u64 ept02_invepts(const struct ept02_vcpu *vcpu, u64 key)
{
	return 1 + vcpu->all + vcpu->single[ept02_bucket(key)];
}

/* Whether the root that the vCPU got last is this EPTP's, and may be entered as it is. */
static inline bool ept02_root_is_for(const struct ept02_root *root, const struct ept02_vcpu *vcpu,
				     u64 eptp12)
{
	return root->key == ept02_key(eptp12) && !vcpu->did_invept;
}

/*
 * The root for a valid EPTP12 of 4 levels, with one user more: the vCPU, which enters L2 with it.
 * Where it did INVEPT since the last time, or there was none, L2 gets no translation that was not
 * in EPT12 at this call or later; that may call L2's CPUs out. hint: the root that this EPTP12 had
 * last time, which may have been recycled since, or NULL. There is always one, because each vCPU
 * uses one at most.
 */
struct ept02_root *ept02_root_get(struct ept02 *pool, struct ept02_vcpu *vcpu, u64 eptp12,
				  struct ept02_root *hint);
/* The user is out of L2, and does not enter with it again. */
void ept02_root_put(struct ept02 *pool, struct ept02_root *root);

u64 ept02_pointer(const struct ept02_root *root);

/* Before each entry with the root, after the vCPU's requests could be seen: must this CPU do INVEPT
 * for ept02_pointer()? True once for each debt. */
static inline bool ept02_flush_owed(struct ept02_root *root, u32 cpu)
{
	if (!(__atomic_load_n(&root->flush_owed, __ATOMIC_ACQUIRE) & BIT(cpu)))
		return false;
	__atomic_fetch_and(&root->flush_owed, ~BIT(cpu), __ATOMIC_SEQ_CST);
	return true;
}

enum ept02_result {
	EPT02_MAPPED,                   /* let L2 try again */
	EPT02_BUSY,                     /* something came between: the same */
	EPT02_REFLECT_VIOLATION,        /* exit to L1, with the qualification */
	EPT02_REFLECT_MISCONFIGURATION, /* exit to L1 */
	EPT02_EPT01_FAULT, /* L1 has no memory at l1, or may not write to it: L1's device or hole */
};

struct ept02_fault {
	struct ept12_access access; /* in: ept12_access_of_exit(), or of a misconfiguration */
	u64 qualification;          /* out: for L1, where it is reflected */
	l1_gpa_t l1;                /* out: where EPT12 leads, at EPT02_EPT01_FAULT */
};

/* An EPT violation or misconfiguration of L2 under this root. ept reads the EPT12 that the root is
 * for. May call L2's CPUs out. */
enum ept02_result ept02_fault(struct ept02 *pool, struct ept02_root *root, const struct ept12 *ept,
			      struct ept02_fault *fault);

/* What a change took away, from the zap to the end of the change's kick. */
struct ept02_zapped {
	struct ept02_table *tables;
	bool flush; /* a CPU may have some of it: kick and wait */
};

/* Lock held, in the beginning of a change of L1's memory: what maps these pages goes, and what was
 * made from EPT12 tables in them. Says so in zapped, to which several zaps may add. Who protects a
 * page for a reason of its own (mm/ept01_protect.h) does the same. */
void ept02_zap_l1(struct ept02 *pool, l1_gfn_t gfn, u64 pages, struct ept02_zapped *zapped);
/* After the kick. */
void ept02_zap_end(struct ept02 *pool, struct ept02_zapped *zapped);

/* L1, or L0 for it, is about to write to this page, or EPT01 found it protected: is it a table that
 * EPT02 was made from? Then it is not protected any more, and the next INVEPT reads it. */
bool ept02_table_written(struct ept02 *pool, l1_gfn_t gfn);

#endif
