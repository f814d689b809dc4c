/* SPDX-License-Identifier: MIT */
/*
 * A balanced tree of disjoint ranges of page numbers, in order of their first page. Nodes are
 * embedded in the objects they stand for; the tree allocates nothing. Locking is the caller's.
 */
#ifndef MM_RANGE_TREE_H
#define MM_RANGE_TREE_H

#include "hv/types.h"

struct range_node {
	u64 first, pages;
	struct range_node *left, *right;
	u64 count; /* nodes of this subtree */
};

/* The range that contains this page, or NULL. */
struct range_node *range_tree_find(struct range_node *root, u64 page);
/* Does a range of the tree have a page of [first, first + pages)? */
bool range_tree_overlaps(const struct range_node *root, u64 first, u64 pages);
/* The range with this rank, 0 for the lowest; NULL when there are not as many. */
struct range_node *range_tree_nth(struct range_node *root, u64 rank);
u64 range_tree_count(const struct range_node *root);
/* Add a node whose first and pages are set and that overlaps none of the tree's. */
void range_tree_insert(struct range_node **root, struct range_node *node);
/* Take a node of the tree out of it. */
void range_tree_remove(struct range_node **root, struct range_node *node);
/* Visit all in order until one returns non-zero, which is returned.
 * A visit may free its node, if it then visits all. */
int range_tree_walk(struct range_node *root, int (*visit)(struct range_node *node, void *context),
		    void *context);

#endif
