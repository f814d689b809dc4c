/* SPDX-License-Identifier: MIT */
/*
 * Small objects of one size, cut from host pages. Freed objects are used again; pages stay with the
 * pool. Any CPU may free at any time; those who allocate keep each other out, so that what
 * object_pool_reserve promised is still there when it is taken.
 */
#ifndef MM_OBJECT_POOL_H
#define MM_OBJECT_POOL_H

#include "hv/spinlock.h"

#define OBJECT_BYTES 64u

struct free_object;

struct object_pool {
	struct spinlock lock; /* protects what follows */
	struct free_object *free;
	u64 free_count;
};

/* Have so many objects free: 0, or -ENOMEM when the host pool is empty before that. */
int object_pool_reserve(struct object_pool *pool, u64 count);
/* OBJECT_BYTES zeroed bytes, or NULL when the host pool is empty. */
void *object_alloc(struct object_pool *pool);
void object_free(struct object_pool *pool, void *object);

#endif
