/* SPDX-License-Identifier: MIT */
/* A free list through the objects themselves. */
#include "mm/object_pool.h"
#include "hv/errno.h"
#include "hv/string.h"
#include "mm/page.h"

#define JUNK 0xcc

struct free_object {
	struct free_object *next;
};

static void put(struct object_pool *pool, void *object)
{
	struct free_object *freed = memset(object, JUNK, OBJECT_BYTES);

	freed->next = pool->free;
	pool->free = freed;
	pool->free_count++;
}

static int reserve_locked(struct object_pool *pool, u64 count)
{
	while (pool->free_count < count) {
		char *page = page_alloc(0);

		if (!page)
			return -ENOMEM;
		for (u64 offset = PAGE_SIZE; offset > 0; offset -= OBJECT_BYTES)
			put(pool, page + offset - OBJECT_BYTES);
	}
	return 0;
}

int object_pool_reserve(struct object_pool *pool, u64 count)
{
	int rc;

	spin_lock(&pool->lock);
	rc = reserve_locked(pool, count);
	spin_unlock(&pool->lock);
	return rc;
}

void *object_alloc(struct object_pool *pool)
{
	struct free_object *object = NULL;

	spin_lock(&pool->lock);
	if (!reserve_locked(pool, 1)) {
		object = pool->free;
		pool->free = object->next;
		pool->free_count--;
	}
	spin_unlock(&pool->lock);
	return object ? memset(object, 0, OBJECT_BYTES) : NULL;
}

void object_free(struct object_pool *pool, void *object)
{
	spin_lock(&pool->lock);
	put(pool, object);
	spin_unlock(&pool->lock);
}
