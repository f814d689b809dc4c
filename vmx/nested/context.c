/* SPDX-License-Identifier: MIT */
/* The pool of contexts: a hash by VMCS address, and a list by last use. */
#include "vmx/nested/context.h"
#include "hv/panic.h"

static struct context **bucket_of(struct context_pool *pool, l1_gpa_t vmptr)
{
	u64 hash = (vmptr.raw >> PAGE_SHIFT) * 0x9e3779b97f4a7c15ULL;

	return &pool->buckets[hash >> 56];
}
_Static_assert(CONTEXT_BUCKETS == 256, "eight bits of the hash");

static void unlink_by_use(struct context_pool *pool, struct context *context)
{
	if (context->older)
		context->older->newer = context->newer;
	else
		pool->oldest = context->newer;
	if (context->newer)
		context->newer->older = context->older;
	else
		pool->newest = context->older;
}

static void append_as_newest(struct context_pool *pool, struct context *context)
{
	context->older = pool->newest;
	context->newer = NULL;
	if (pool->newest)
		pool->newest->newer = context;
	else
		pool->oldest = context;
	pool->newest = context;
}

static void leave_bucket(struct context_pool *pool, struct context *context)
{
	struct context **link = bucket_of(pool, context->vmptr);

	while (*link != context)
		link = &(*link)->next_in_bucket;
	*link = context->next_in_bucket;
}

static void enter_bucket(struct context_pool *pool, struct context *context)
{
	struct context **bucket = bucket_of(pool, context->vmptr);

	context->next_in_bucket = *bucket;
	*bucket = context;
}

void context_pool_create(struct context_pool *pool, struct context *contexts, u32 count,
			 void (*evict)(struct context *context))
{
	pool->evict = evict;
	for (u32 i = 0; i < count; i++) {
		contexts[i].attached = CONTEXT_NOBODY;
		contexts[i].last_owner = CONTEXT_NOBODY;
		append_as_newest(pool, &contexts[i]);
	}
}

static struct context *find(struct context_pool *pool, l1_gpa_t vmptr)
{
	struct context *context = *bucket_of(pool, vmptr);

	while (context && context->vmptr.raw != vmptr.raw)
		context = context->next_in_bucket;
	return context;
}

/* The one that nobody has attached and that was used longest ago. */
static struct context *oldest_detached(struct context_pool *pool)
{
	struct context *context = pool->oldest;

	while (context && context->attached != CONTEXT_NOBODY)
		context = context->newer;
	ASSERT(context);
	return context;
}

/* Give a context to another VMCS. */
static enum context_event rename_context(struct context_pool *pool, struct context *context,
					 l1_gpa_t vmptr)
{
	bool was_used = context->used;

	if (was_used) {
		pool->evict(context);
		leave_bucket(pool, context);
	}
	context->used = true;
	context->vmptr = vmptr;
	enter_bucket(pool, context);
	return was_used ? CONTEXT_RECYCLED : CONTEXT_NEW;
}

struct context_claim context_claim(struct context_pool *pool, l1_gpa_t vmptr, u32 vcpu)
{
	struct context_claim claim = { .taken_from = CONTEXT_NOBODY };
	struct context *context;

	spin_lock(&pool->lock);
	context = find(pool, vmptr);
	if (context) {
		claim.event = CONTEXT_HIT;
		claim.taken_from = context->attached;
	} else {
		context = oldest_detached(pool);
		claim.event = rename_context(pool, context, vmptr);
	}
	context->attached = vcpu;
	unlink_by_use(pool, context);
	append_as_newest(pool, context);
	pool->events[claim.event]++;
	spin_unlock(&pool->lock);
	claim.context = context;
	return claim;
}

void context_detach(struct context_pool *pool, struct context *context, u32 vcpu)
{
	spin_lock(&pool->lock);
	if (context->attached == vcpu) { /* else another vCPU has taken it meanwhile */
		context->attached = CONTEXT_NOBODY;
		context->last_owner = vcpu;
	}
	spin_unlock(&pool->lock);
}

struct context *context_find(struct context_pool *pool, l1_gpa_t vmptr)
{
	struct context *context;

	spin_lock(&pool->lock);
	context = find(pool, vmptr);
	spin_unlock(&pool->lock);
	return context;
}
