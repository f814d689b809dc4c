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

void context_pool_create(struct context_pool *pool, void (*evict)(struct context *context))
{
	*pool = (struct context_pool){ .evict = evict };
}

void context_pool_add(struct context_pool *pool, struct context *context)
{
	context->attached = CONTEXT_NOBODY;
	context->last_owner = CONTEXT_NOBODY;
	append_as_newest(pool, context);
	pool->count++;
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

/* Who keeps this vCPU from having the context, and is asked to give it up. */
static inline u32 busy_with(struct context *context, const struct context_user *user)
{
	u32 owner = CONTEXT_NOBODY;

	if (context->attached != CONTEXT_NOBODY && context->attached != user->vcpu)
		owner = context->attached;
	else if (context->cpu && context->cpu != user->cpu)
		owner = context->last_owner;
	context->wanted = owner != CONTEXT_NOBODY;
	return owner;
}

static void detach(struct context *context, u32 vcpu)
{
	context->attached = CONTEXT_NOBODY;
	context->last_owner = vcpu;
}

static inline void attach(struct context_pool *pool, struct context_claim *claim,
			  const struct context_user *user)
{
	if (user->detaches && user->detaches != claim->context)
		detach(user->detaches, user->vcpu);
	claim->context->attached = user->vcpu;
	unlink_by_use(pool, claim->context);
	append_as_newest(pool, claim->context);
}

/* Lock held. */
static inline __attribute__((always_inline)) struct context_claim
claim_existing(struct context_pool *pool, struct context *context, const struct context_user *user)
{
	struct context_claim claim = { .event = CONTEXT_HIT,
				       .busy_with = busy_with(context, user) };

	if (claim.busy_with == CONTEXT_NOBODY) {
		claim.context = context;
		attach(pool, &claim, user);
	}
	return claim;
}

static struct context_claim claim_new(struct context_pool *pool, l1_gpa_t vmptr,
				      const struct context_user *user)
{
	struct context *context = oldest_detached(pool);
	struct context_claim claim = { .busy_with = busy_with(context, user) };

	if (claim.busy_with == CONTEXT_NOBODY) {
		claim.context = context;
		claim.event = rename_context(pool, context, vmptr);
		attach(pool, &claim, user);
	}
	return claim;
}

static void count(struct context_pool *pool, const struct context_claim *claim,
		  const struct context_user *user)
{
	pool->events[claim->event]++;
	if (claim->event == CONTEXT_HIT && claim->context->last_owner != user->vcpu)
		pool->moved++;
}

struct context_claim context_claim(struct context_pool *pool, l1_gpa_t vmptr,
				   const struct context_user *user)
{
	struct context_claim claim;
	struct context *context;

	spin_lock(&pool->lock);
	context = find(pool, vmptr);
	claim = context ? claim_existing(pool, context, user) : claim_new(pool, vmptr, user);
	if (claim.context)
		count(pool, &claim, user);
	spin_unlock(&pool->lock);
	return claim;
}

struct context_claim context_claim_used(struct context_pool *pool, l1_gpa_t vmptr,
					const struct context_user *user)
{
	struct context_claim claim = { .busy_with = CONTEXT_NOBODY };
	struct context *context;

	spin_lock(&pool->lock);
	context = find(pool, vmptr);
	if (context)
		claim = claim_existing(pool, context, user);
	spin_unlock(&pool->lock);
	return claim;
}

void context_detach(struct context_pool *pool, struct context *context, u32 vcpu)
{
	spin_lock(&pool->lock);
	detach(context, vcpu);
	spin_unlock(&pool->lock);
}

struct context *context_next_wanted(struct context_pool *pool, const struct cpu *cpu)
{
	struct context *found = NULL;

	spin_lock(&pool->lock);
	for (struct context *c = pool->oldest; c && !found; c = c->newer)
		if (c->wanted && c->cpu == cpu && c->attached == CONTEXT_NOBODY)
			found = c;
	spin_unlock(&pool->lock);
	return found;
}

void context_give(struct context_pool *pool, struct context *context)
{
	spin_lock(&pool->lock);
	context->cpu = NULL;
	context->wanted = false;
	spin_unlock(&pool->lock);
}
