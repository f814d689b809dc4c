/* SPDX-License-Identifier: MIT */
/* A free list through the objects themselves. */
#include "mm/object_pool.h"
#include "hv/string.h"
#include "mm/page.h"

#define JUNK 0xcc

struct free_object {
	struct free_object *next;
};

static void add_page(struct object_pool *pool, char *page)
{
	for (u64 offset = PAGE_SIZE; offset > 0; offset -= OBJECT_BYTES)
		object_free(pool, page + offset - OBJECT_BYTES);
}

void *object_alloc(struct object_pool *pool)
{
	struct free_object *object;

	if (!pool->free) {
		char *page = page_alloc(0);

		if (!page)
			return NULL;
		add_page(pool, page);
	}
	object = pool->free;
	pool->free = object->next;
	return memset(object, 0, OBJECT_BYTES);
}

void object_free(struct object_pool *pool, void *object)
{
	struct free_object *freed = memset(object, JUNK, OBJECT_BYTES);

	freed->next = pool->free;
	pool->free = freed;
}
