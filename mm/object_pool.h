/* SPDX-License-Identifier: MIT */
/*
 * Small objects of one size, cut from host pages. Freed objects are used again; pages stay with the
 * pool. Locking is the caller's.
 */
#ifndef MM_OBJECT_POOL_H
#define MM_OBJECT_POOL_H

#include "hv/types.h"

#define OBJECT_BYTES 64u

struct free_object;

struct object_pool {
	struct free_object *free;
};

/* OBJECT_BYTES zeroed bytes, or NULL when the host pool is empty. */
void *object_alloc(struct object_pool *pool);
void object_free(struct object_pool *pool, void *object);

#endif
