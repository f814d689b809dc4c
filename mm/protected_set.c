/* SPDX-License-Identifier: MIT */
/* One hash table of pages and of the blocks around them; all nodes come from one array. */
#include "mm/protected_set.h"
#include "hv/errno.h"
#include "hv/panic.h"
#include "mm/page.h"

#define LEVELS   3u /* a page, and the blocks around it */
#define MAX_BITS 20u
#define END      0u /* node 0: the end of each list, and of the queue of idle pages both ends */

struct protected_node {
	u64 key;
	u32 next;         /* in its bucket, or of free nodes */
	u32 count;        /* users of a page; pages of a block */
	u32 older, newer; /* in the queue of idle pages */
};

static u64 key_of(u64 gfn, u32 level)
{
	return gfn >> ept_level_order(level) << 2 | level;
}

static u32 *bucket_of(const struct protected_set *set, u64 key)
{
	return &set->buckets[key * 0x9e3779b97f4a7c15ULL >> (64 - set->bucket_bits)];
}

static void set_bucket(u32 *bucket, u32 node)
{
	__atomic_store_n(bucket, node, __ATOMIC_RELAXED);
}

int protected_set_create(struct protected_set *set, u32 pages)
{
	u32 nodes = pages * LEVELS + 1;
	u32 bits = 6;
	u64 bytes;

	ASSERT(!set->nodes && pages > 0 && pages <= BIT(MAX_BITS));
	while (BIT(bits) < 2 * pages)
		bits++;
	bytes = nodes * sizeof(*set->nodes) + BIT(bits) * sizeof(*set->buckets);
	set->nodes = page_alloc(page_order(bytes));
	if (!set->nodes)
		return -ENOMEM;
	set->buckets = (u32 *)(set->nodes + nodes);
	set->bucket_bits = bits;
	set->capacity = pages;
	for (u32 i = nodes - 1; i > 0; i--) {
		set->nodes[i].next = set->free;
		set->free = i;
	}
	return 0;
}

/* END: there is none. */
static u32 find(const struct protected_set *set, u64 gfn, u32 level)
{
	u64 key = key_of(gfn, level);
	u32 n;

	if (set->kept == 0)
		return END;
	for (n = *bucket_of(set, key); n != END; n = set->nodes[n].next)
		if (set->nodes[n].key == key)
			break;
	return n;
}

static u32 make(struct protected_set *set, u64 gfn, u32 level)
{
	u32 *bucket = bucket_of(set, key_of(gfn, level));
	u32 n = set->free;

	ASSERT(n != END); /* capacity pages have no more blocks than that */
	set->free = set->nodes[n].next;
	set->nodes[n] = (struct protected_node){ .key = key_of(gfn, level), .next = *bucket };
	set_bucket(bucket, n);
	return n;
}

static void drop(struct protected_set *set, u32 n)
{
	u32 *link = bucket_of(set, set->nodes[n].key);

	while (*link != n)
		link = &set->nodes[*link].next;
	set_bucket(link, set->nodes[n].next);
	set->nodes[n].next = set->free;
	set->free = n;
}

static void enqueue(struct protected_set *set, u32 n)
{
	struct protected_node *nodes = set->nodes;
	u32 newest = nodes[END].older;

	nodes[n].older = newest;
	nodes[n].newer = END;
	nodes[newest].newer = n;
	nodes[END].older = n;
}

static void dequeue(struct protected_set *set, u32 n)
{
	struct protected_node *nodes = set->nodes;

	nodes[nodes[n].older].newer = nodes[n].newer;
	nodes[nodes[n].newer].older = nodes[n].older;
}

static void set_in_use(struct protected_set *set, u32 in_use)
{
	__atomic_store_n(&set->in_use, in_use, __ATOMIC_RELAXED);
}

/* A new page in its blocks, without users, and not in the queue. */
static u32 add(struct protected_set *set, u64 gfn)
{
	for (u32 level = EPT_LEVEL_2M; level <= LEVELS; level++) {
		u32 block = find(set, gfn, level);

		if (block == END)
			block = make(set, gfn, level);
		set->nodes[block].count++;
	}
	set->kept++;
	return make(set, gfn, EPT_LEVEL_4K);
}

int protected_set_get(struct protected_set *set, u64 gfn)
{
	u32 n = find(set, gfn, EPT_LEVEL_4K);

	if (n == END && set->kept == set->capacity)
		return -ENOSPC;
	if (n == END)
		n = add(set, gfn);
	else if (set->nodes[n].count == 0)
		dequeue(set, n);
	if (set->nodes[n].count++ == 0)
		set_in_use(set, set->in_use + 1);
	return 0;
}

void protected_set_put(struct protected_set *set, u64 gfn)
{
	u32 n = find(set, gfn, EPT_LEVEL_4K);

	ASSERT(n != END && set->nodes[n].count > 0);
	if (--set->nodes[n].count > 0)
		return;
	set_in_use(set, set->in_use - 1);
	enqueue(set, n);
}

bool protected_set_oldest(const struct protected_set *set, u64 *gfn)
{
	u32 oldest = set->capacity ? set->nodes[END].newer : END;

	if (oldest == END)
		return false;
	*gfn = set->nodes[oldest].key >> 2;
	return true;
}

void protected_set_forget(struct protected_set *set, u64 gfn)
{
	u32 n = find(set, gfn, EPT_LEVEL_4K);

	ASSERT(n != END && set->nodes[n].count == 0);
	dequeue(set, n);
	drop(set, n);
	for (u32 level = EPT_LEVEL_2M; level <= LEVELS; level++) {
		u32 block = find(set, gfn, level);

		if (--set->nodes[block].count == 0)
			drop(set, block);
	}
	set->kept--;
}

u32 protected_set_users(const struct protected_set *set, u64 gfn)
{
	u32 n = set->in_use ? find(set, gfn, EPT_LEVEL_4K) : END;

	return n == END ? 0 : set->nodes[n].count;
}

bool protected_set_has(const struct protected_set *set, u64 gfn, u32 level)
{
	return find(set, gfn, level) != END;
}

bool protected_set_may_have(const struct protected_set *set, u64 gfn)
{
	if (likely(__atomic_load_n(&set->in_use, __ATOMIC_RELAXED) == 0))
		return false;
	return __atomic_load_n(bucket_of(set, key_of(gfn, EPT_LEVEL_4K)), __ATOMIC_RELAXED) != END;
}
