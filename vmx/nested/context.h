/* SPDX-License-Identifier: MIT */
/*
 * Contexts: what L0 keeps of each VMCS that L1 uses, found by its address. A context is attached to
 * the vCPU whose current VMCS it is, and outlives that: detached, it keeps all it has, until the
 * least recently used one is recycled for another VMCS. With at least as many contexts as vCPUs
 * there is always one to recycle, because a vCPU attaches one at most.
 *
 * The pool's lock protects the index, the order, who is attached, and whose hardware state is
 * wanted elsewhere. What a context holds belongs to the vCPU that it is attached to.
 *
 * Nobody waits for a context: a claim of one that another vCPU has, or whose hardware state is on
 * another CPU, names who must be asked, and is made again.
 */
#ifndef VMX_NESTED_CONTEXT_H
#define VMX_NESTED_CONTEXT_H

#include "hv/spinlock.h"
#include "mm/addr.h"
#include "vmx/nested/pages.h"
#include "vmx/nested/plan.h"
#include "vmx/nested/shadow_vmcs.h"
#include "vmx/nested/vmcs12.h"
#include "vmx/vcpu.h"

#define CONTEXT_NOBODY  (~0u)
#define CONTEXT_BUCKETS 256u

enum context_event {
	CONTEXT_HIT,      /* it was kept since its VMCS was last used */
	CONTEXT_NEW,      /* none had been used before */
	CONTEXT_RECYCLED, /* it was another VMCS's */
	CONTEXT_EVENTS
};

/* Guest state that an exit leaves in vmcs02: what says in which mode L2 is, which some checks look
 * at, and the rest. */
enum lazy_state { LAZY_MODE = 1, LAZY_REST = 2 };

struct ept02_root;

/* In context.dirty, beside the groups of derive.h: the plan is out of date. */
#define DIRTY_PLAN (1u << 15)

struct context {
	struct context *next_in_bucket;
	struct context *older, *newer; /* all contexts, by their last use */
	l1_gpa_t vmptr;
	bool used;      /* it has a vmptr, and is in the index */
	u32 attached;   /* vCPU, or CONTEXT_NOBODY */
	u32 last_owner; /* vCPU that it was attached to last: it runs on `cpu` */
	bool wanted;    /* who has it, or its hardware state, is to give it up */
	struct vmcs12 v12;
	u32 dirty;     /* derive.h: groups in which vmcs02 is behind v12; DIRTY_PLAN */
	u32 unchecked; /* entry_checks.h: sections that v12 may not pass */
	struct entry_plan plan;
	u32 lazy;      /* enum lazy_state: what vmcs02 has and v12 does not have yet */
	bool is_clear; /* since VMCLEAR: L1's memory has the VMCS */

	struct hw_vmcs vmcs02;
	struct cpu *cpu; /* where vmcs02 and the shadow VMCS are active; NULL: they are clear */
	struct msr_bitmap *msr_bitmap;    /* L0's and L1's, merged */
	struct msr_bitmap *l1_msr_bitmap; /* L1's, as it was merged */
	/* vm_memory.lock: vmx/nested/msr_merge.c */
	struct context *next_watcher;
	u64 msr_gfn;                /* L1's MSR bitmap, as it was merged */
	bool watches;               /* that page is protected */
	bool is_merged;             /* and has not been written to since */
	u64 tsc_offset;             /* of L1, as vmcs02 was derived with */
	u64 cr0_shadow, cr4_shadow; /* what vmcs02 holds */
	u64 efer, pat, debugctl;    /* likewise; ~0: not known */
	u64 eptp;                   /* likewise */
	u64 violated;  /* L2 address + 1 of the EPT violation that L1 was told of last; 0: none */
	u64 violation; /* its qualification */
	struct ept02_root *root; /* a hint: the one that its EPTP had last */
	u16 vpid02;
	u16 vpid12;     /* that vpid02 stood for last */
	u64 vpid_epoch; /* nested.vpid_epoch when its translations were flushed last */
	u32 vpid_owner; /* the vCPU of that epoch */
	struct shadow_vmcs shadow;
	struct l2_pages pages;
};

struct context_pool {
	struct spinlock lock;
	struct context *buckets[CONTEXT_BUCKETS];
	struct context *oldest, *newest;
	u64 events[CONTEXT_EVENTS]; /* of context_claim */
	u64 moved;                  /* hits that another vCPU had last */
	u32 count;                  /* constant, as the next one */
	void (*evict)(struct context *context);
};

/* An empty pool. evict is called, with the lock held, for a context that is about to become another
 * VMCS's: its vmcs12 is written back before anyone can find that VMCS missing. */
void context_pool_create(struct context_pool *pool, void (*evict)(struct context *context));
/* One context more, zeroed or with state of its own; at least as many as vCPUs, before the first
 * claim. */
void context_pool_add(struct context_pool *pool, struct context *context);

/* Who claims. */
struct context_user {
	u32 vcpu;
	struct cpu *cpu;          /* that it runs on */
	struct context *detaches; /* that it has attached, and leaves for the one that it claims */
};

/* What a claim found. */
struct context_claim {
	struct context *context; /* now attached to the vCPU; NULL: not, or there is none */
	enum context_event event;
	u32 busy_with; /* vCPU that has to give something up first, or CONTEXT_NOBODY */
};

/* Attach the context of this VMCS to a vCPU. */
struct context_claim context_claim(struct context_pool *pool, l1_gpa_t vmptr,
				   const struct context_user *user);
/* The same where it has one already; otherwise nothing happens. For VMCLEAR. */
struct context_claim context_claim_used(struct context_pool *pool, l1_gpa_t vmptr,
					const struct context_user *user);

/* The next detached context whose hardware state is on this CPU and wanted elsewhere, or NULL: to
 * be cleared, and then given. */
struct context *context_next_wanted(struct context_pool *pool, const struct cpu *cpu);
void context_give(struct context_pool *pool, struct context *context);

/* The vCPU's current VMCS is another one from now on, or none. */
void context_detach(struct context_pool *pool, struct context *context, u32 vcpu);

#endif
