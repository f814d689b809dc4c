/* SPDX-License-Identifier: MIT */
/*
 * The pool behind EPT02, for the files that implement it. Who is whose:
 *
 *     root ── table ── entry ── table ── ... ── leaf ──(pool.leaves, by L1 gfn and level)
 *               └─ page: the EPT12 table page that it shadows ──(pool.pages, by L1 gfn)
 */
#ifndef VMX_NESTED_EPT02_IMPL_H
#define VMX_NESTED_EPT02_IMPL_H

#include "hv/panic.h"
#include "mm/page.h"
#include "mm/vm_memory.h"
#include "vmx/nested/ept02.h"
#include "vmx/nested/ept_compose.h"

/* A page of L1's that is a table of EPT12, for as long as a table of EPT02 shadows it. */
struct ept02_page {
	struct hlist_node of_gfn; /* or in pool.free_pages */
	u64 gfn;
	struct hlist tables; /* that shadow it */
	bool is_protected;
	u64 protected_at; /* pool.protections then */
};

/* The neighbours of a leaf in its bucket, as leaf numbers: 0 is none. */
struct ept02_link {
	u32 next, previous;
};

struct ept02_table {
	/* Constant: by entry, what hardware sees, EPT12's entry as it was, and the leaf's links. */
	u64 *entries, *seen;
	struct ept02_link *links;
	struct ept02_table *next;  /* in the list of free or of retired tables */
	struct ept02_table *above; /* whose entry leads here; NULL: a root's */
	u32 above_index;
	struct ept02_root *root;
	struct ept02_page *page;   /* NULL: it is below a leaf of EPT12 */
	struct hlist_node of_page; /* in page.tables */
	struct hlist_node unsync;  /* in root.unsync: its page may differ from what was seen */
	u64 first;                 /* without a page: the L1 gfn that entry 0 translates to */
	u64 rights;                /* with one: that EPT12's entries above were seen to give */
	u32 level;
	u32 live; /* entries that are present */
};

/* EPT01's leaf around a page, as it is or would be while memory.seq is this. */
struct ept02_behind {
	u64 seq, first, pages;
	struct ept_leaf leaf;
	bool is_logged; /* writes are (mm/dirty_log.h), so the leaf does not let them through */
};

struct ept02 {
	struct vm_memory *memory; /* this and what follows is constant */
	const struct ept02_ops *ops;
	u64 avoid;
	pfn_t base; /* of the tables' frames, in the order of the descriptors */
	u32 table_count, root_count;
	u32 hash_shift; /* leaves the bits of a bucket's number */
	struct ept02_table *tables;
	struct ept02_root *roots;
	struct ept02_page *page_array;
	u32 *leaves;         /* buckets: a leaf number; 2^(64 - hash_shift) */
	struct hlist *pages; /* buckets, as many */
	u32 *blocks;         /* buckets, as many: 4K leaves and pages in the 2M blocks of L1 */

	u64 invalidations; /* grows with each */
	u64 protections;   /* counts them */
	u64 settled;       /* so many of them no CPU can write past any more */
	struct hlist free_pages;
	struct ept02_table *free_tables;
	struct hlist keys[EPT02_ROOT_BUCKETS];
	struct ept02_root *oldest, *newest;
	struct protected_set singles; /* ept02_single.c */
	struct ept02_behind behind;   /* that was asked for last */
	struct ept02_counts counts;
};

/* ept02_index.c: what of L1's memory EPT02 uses. */

/* A leaf by its number. */
struct ept02_leaf_at {
	struct ept02_table *table;
	u32 index;
};
struct ept02_leaf_at ept02_leaf_of(const struct ept02 *pool, u32 number);
/* The first page of L1's that this leaf maps. */
u64 ept02_leaf_gfn(const struct ept02_table *table, u32 index);
void ept02_index_add(struct ept02 *pool, struct ept02_table *table, u32 index);
void ept02_index_remove(struct ept02 *pool, struct ept02_table *table, u32 index);
/* The number of a leaf of this level that maps gfn, which is aligned to it; 0: none. The next after
 * that one; after 0, the first. */
u32 ept02_index_find(const struct ept02 *pool, u64 gfn, u32 level, u32 after);
struct ept02_page *ept02_page_find(const struct ept02 *pool, u64 gfn);
/* The same, and there is one from now on. */
struct ept02_page *ept02_page_make(struct ept02 *pool, u64 gfn);
/* Nothing shadows it any more. */
void ept02_page_drop(struct ept02 *pool, struct ept02_page *page);
/* Whether 4K leaves or pages may be in this block of 2M. */
bool ept02_block_has_any(const struct ept02 *pool, u64 gfn);
/* Whether any of these is such a page. */
bool ept02_pages_are_in(const struct ept02 *pool, u64 gfn, u64 pages);

/* ept02_table.c: entries and tables. What is taken out is added to a list of retired tables. */

/* An empty table for the root; NULL: there is none. */
struct ept02_table *ept02_table_new(struct ept02 *pool, struct ept02_root *root, u32 level);
/* The entry above, which is not present, leads to the table from now on; seen has been set. */
void ept02_table_link(struct ept02_table *table);
/* The table shadows this page of L1's from now on; no more. */
void ept02_table_shadow(struct ept02 *pool, struct ept02_table *table, u64 gfn);
void ept02_table_forget(struct ept02 *pool, struct ept02_table *table);
struct ept02_table *ept02_table_below(const struct ept02 *pool, u64 entry);
/* Make an entry that is not present a leaf; seen has been set. */
void ept02_leaf_set(struct ept02 *pool, struct ept02_table *table, u32 index, u64 value);
/* Give a leaf another value, with the same page of L1's. */
void ept02_leaf_alter(struct ept02_table *table, u32 index, u64 value);

struct ept02_zap {
	struct ept02 *pool;
	enum ept02_cause cause;
	struct ept02_zapped out;
};
/* Take an entry away, and what is below it; one that is not present stays so. */
void ept02_entry_drop(struct ept02_zap *zap, struct ept02_table *table, u32 index);
/* All of a table's. */
void ept02_table_clear(struct ept02_zap *zap, struct ept02_table *table);
/* Lock held; no CPU may use the tables any more. */
void ept02_tables_free(struct ept02 *pool, struct ept02_table *tables);
/* No lock held: where there are tables, kick, then free them. */
void ept02_zap_finish(struct ept02_zap *zap);

/* ept02_map.c */

/* Whether what EPT02 has still is right, where EPT12's entry was seen so and is so now. */
bool ept02_is_same(u64 seen, u64 now, bool has_flags);

/* The leaf for a walk of EPT12, and what L0 has behind. */
struct ept02_mapping {
	struct ept02 *pool;
	struct ept02_root *root;
	const struct ept12_walk *walk;
	struct ept01_page page;
};
/* Map it. False: no table is left; what has been made stays for the next try. */
bool ept02_map(const struct ept02_mapping *map, struct ept02_zap *zap);
/* The same, where the walk is the rest of one: from this table on, which has the leaves of 4K. */
void ept02_map_in(const struct ept02_mapping *map, struct ept02_table *table,
		  struct ept02_zap *zap);

/* ept02_sync.c */

/* The page is written to: its tables are to be read again. */
void ept02_page_lift(struct ept02 *pool, struct ept02_page *page);

/* The vCPU is about to enter with the root: where it did INVEPT, or never entered, what is not what
 * EPT12 says now goes. Lock held, and given up. */
void ept02_catch_up(struct ept02 *pool, struct ept02_root *root, const struct ept02_vcpu *vcpu);

/* ept02_root.c: roots, and who loses its tables. */

/* A root without a key, with its table. */
void ept02_root_init(struct ept02 *pool, struct ept02_root *root);

/* Take all tables from a root, for want of tables: false where CPUs may use them until the kick. */
bool ept02_recycle(struct ept02 *pool, struct ept02_zap *zap);
/* The next root with this EPTP's address, after one; after NULL, the first. */
struct ept02_root *ept02_root_find(const struct ept02 *pool, u64 eptp12, struct ept02_root *after);

/* ept02_zap.c: take away the leaves over these pages that are larger than one. */
void ept02_zap_large(struct ept02_zap *zap, u64 gfn, u64 pages);

static inline u32 ept02_hash(const struct ept02 *pool, u64 key)
{
	return (u32)(key * 0x9e3779b97f4a7c15ULL >> pool->hash_shift);
}

#endif
