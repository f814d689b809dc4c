/* SPDX-License-Identifier: MIT */
/* The pool's memory, all of it taken at boot. */
#include "vmx/nested/ept02_impl.h"
#include "mm/page.h"

#define BUCKETS_PER_TABLE 64u /* an eighth of the leaves that there can be */

struct part {
	u64 bytes;
	void **place;
};

static u64 buckets(const struct ept02_config *config)
{
	return (u64)BUCKETS_PER_TABLE << config->order;
}

enum {
	PART_POOL,
	PART_ENTRIES,
	PART_SEEN,
	PART_LINKS,
	PART_TABLES,
	PART_ROOTS,
	PART_PAGES,
	PART_LEAVES,
	PART_PAGE_BUCKETS,
	PART_BLOCKS,
	PARTS
};

static u64 part_bytes(const struct ept02_config *config, u32 part)
{
	const u64 tables = BIT(config->order);
	const u64 bytes[PARTS] = {
		[PART_POOL] = sizeof(struct ept02),
		[PART_ENTRIES] = tables * PAGE_SIZE,
		[PART_SEEN] = tables * PAGE_SIZE,
		[PART_LINKS] = tables * EPT_ENTRIES * sizeof(struct ept02_link),
		[PART_TABLES] = tables * sizeof(struct ept02_table),
		[PART_ROOTS] = config->roots * sizeof(struct ept02_root),
		[PART_PAGES] = tables * sizeof(struct ept02_page),
		[PART_LEAVES] = buckets(config) * sizeof(u32),
		[PART_PAGE_BUCKETS] = buckets(config) * sizeof(struct hlist),
		[PART_BLOCKS] = buckets(config) * sizeof(u32),
	};

	return bytes[part];
}

u64 ept02_host_pages(const struct ept02_config *config)
{
	u64 pages = 0;

	for (u32 part = 0; part < PARTS; part++)
		pages += BIT(page_order(part_bytes(config, part)));
	return pages;
}

static bool take_parts(const struct ept02_config *config, void *parts[PARTS])
{
	for (u32 part = 0; part < PARTS; part++) {
		parts[part] = page_alloc(page_order(part_bytes(config, part)));
		if (parts[part])
			continue;
		while (part-- > 0)
			page_free(parts[part], page_order(part_bytes(config, part)));
		return false;
	}
	return true;
}

static void init_tables(struct ept02 *pool, void *const parts[PARTS])
{
	for (u32 i = pool->table_count; i-- > 0;) {
		struct ept02_table *table = &pool->tables[i];

		*table = (struct ept02_table){
			.entries = (u64 *)parts[PART_ENTRIES] + (u64)i * EPT_ENTRIES,
			.seen = (u64 *)parts[PART_SEEN] + (u64)i * EPT_ENTRIES,
			.links = (struct ept02_link *)parts[PART_LINKS] + (u64)i * EPT_ENTRIES,
			.next = pool->free_tables,
		};
		pool->free_tables = table;
		hlist_push(&pool->free_pages, &pool->page_array[i].of_gfn);
	}
}

struct ept02 *ept02_create(const struct ept02_config *config)
{
	void *parts[PARTS];
	struct ept02 *pool;

	ASSERT(config->roots < BIT(config->order));
	if (!take_parts(config, parts))
		return NULL;
	pool = parts[PART_POOL];
	*pool = (struct ept02){
		.memory = config->memory,
		.ops = config->ops,
		.avoid = config->avoid.raw,
		.base = hpa_to_pfn(page_to_hpa(parts[PART_ENTRIES])),
		.table_count = (u32)BIT(config->order),
		.root_count = config->roots,
		.hash_shift = 64 - (u32)__builtin_ctzll(buckets(config)),
		.tables = parts[PART_TABLES],
		.roots = parts[PART_ROOTS],
		.page_array = parts[PART_PAGES],
		.leaves = parts[PART_LEAVES],
		.pages = parts[PART_PAGE_BUCKETS],
		.blocks = parts[PART_BLOCKS],
	};
	if (config->singles && protected_set_create(&pool->singles, config->singles))
		return NULL;
	init_tables(pool, parts);
	for (u32 i = 0; i < config->roots; i++)
		ept02_root_init(pool, &pool->roots[i]);
	return pool;
}

const struct ept02_counts *ept02_counts(const struct ept02 *pool)
{
	return &pool->counts;
}
