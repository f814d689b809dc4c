/* SPDX-License-Identifier: MIT */
/*
 * Contexts: what L0 keeps of each VMCS that L1 uses, found by its address. A context is attached to
 * the vCPU whose current VMCS it is, and outlives that: detached, it keeps all it has, until the
 * least recently used one is recycled for another VMCS. With at least as many contexts as vCPUs
 * there is always one to recycle, because a vCPU attaches one at most.
 *
 * The pool's lock protects the index, the order and who is attached. What a context holds belongs
 * to the vCPU that it is attached to, and to whoever has just claimed it.
 */
#ifndef VMX_NESTED_CONTEXT_H
#define VMX_NESTED_CONTEXT_H

#include "hv/spinlock.h"
#include "mm/addr.h"
#include "vmx/nested/vmcs12.h"

#define CONTEXT_NOBODY  (~0u)
#define CONTEXT_BUCKETS 256u

enum context_event {
	CONTEXT_HIT,      /* it was kept since its VMCS was last used */
	CONTEXT_NEW,      /* none had been used before */
	CONTEXT_RECYCLED, /* it was another VMCS's */
	CONTEXT_EVENTS
};

struct context {
	struct context *next_in_bucket;
	struct context *older, *newer; /* all contexts, by their last use */
	l1_gpa_t vmptr;
	bool used;      /* it has a vmptr, and is in the index */
	u32 attached;   /* vCPU, or CONTEXT_NOBODY */
	u32 last_owner; /* vCPU that it was attached to last */
	struct vmcs12 v12;
};

struct context_pool {
	struct spinlock lock;
	struct context *buckets[CONTEXT_BUCKETS];
	struct context *oldest, *newest;
	u64 events[CONTEXT_EVENTS];
	void (*evict)(struct context *context); /* constant */
};

/*
 * count ≥ vCPUs; the contexts are zeroed. evict is called, with the lock held, for a context that
 * is about to become another VMCS's: its vmcs12 is written back before anyone can find that VMCS
 * missing.
 */
void context_pool_create(struct context_pool *pool, struct context *contexts, u32 count,
			 void (*evict)(struct context *context));

/* What a claim found. */
struct context_claim {
	struct context *context; /* now attached to the vCPU */
	enum context_event event;
	u32 taken_from; /* vCPU that had the same VMCS current, or CONTEXT_NOBODY */
};

/* Attach the context of this VMCS to a vCPU that has none attached. */
struct context_claim context_claim(struct context_pool *pool, l1_gpa_t vmptr, u32 vcpu);

/* The vCPU's current VMCS is another one from now on, or none. */
void context_detach(struct context_pool *pool, struct context *context, u32 vcpu);

/* The context of a VMCS, attached or not; NULL: there is none. For VMCLEAR of a VMCS that is not
 * current. */
struct context *context_find(struct context_pool *pool, l1_gpa_t vmptr);

#endif
