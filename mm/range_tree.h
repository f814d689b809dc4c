/* SPDX-License-Identifier: MIT */
/*
 * A balanced tree of disjoint ranges of page numbers, in order of their first page. It is
 * persistent: a published node never changes. An edit copies the path that it changes; the new root
 * is published by one store, and readers in their reader sections (mm/epoch.h) see the tree before
 * the edit or after it, and wait for nobody. Edits of one tree keep each other out by the caller's
 * lock. Nodes are objects of a pool and may carry data of their owner behind the node, which is
 * copied along.
 */
#ifndef MM_RANGE_TREE_H
#define MM_RANGE_TREE_H

#include "mm/epoch.h"
#include "mm/object_pool.h"

struct range_node {
	struct epoch_item retired; /* .free is set when the node is published */
	u64 first, pages;
	struct range_node *left, *right;
	u32 count; /* nodes of this subtree */
	u32 flags; /* the owner's */
};

/* The range that contains this page, or NULL. */
const struct range_node *range_tree_find(const struct range_node *root, u64 page);
/* The lowest range that starts at this page or above, or NULL. */
const struct range_node *range_tree_from(const struct range_node *root, u64 page);
/* Does a range of the tree have a page of [first, first + pages)? */
bool range_tree_overlaps(const struct range_node *root, u64 first, u64 pages);
/* The range with this rank, 0 for the lowest; NULL when there are not as many. */
const struct range_node *range_tree_nth(const struct range_node *root, u64 rank);
u32 range_tree_count(const struct range_node *root);
/* Visit all in order. A visit may free its node. */
void range_tree_walk(struct range_node *root, void (*visit)(struct range_node *node, void *context),
		     void *context);

#define RANGE_TREE_MAX     (1u << 20) /* nodes */
/* A subtree has at most 3/4 of its parent's nodes, so the depth is at most log(RANGE_TREE_MAX) /
 * log(4/3) = 48; a level needs a copy of its node and of two that a rotation moves. */
#define RANGE_EDIT_OBJECTS (3u * 49)

struct range_edit {
	struct range_node *root; /* the edited tree: this edit's alone until it is published */
	struct object_pool *pool;
	struct epoch_item *made;     /* nodes that only this edit knows */
	struct epoch_item *replaced; /* published nodes that the edited tree does without */
};

/* Begin to edit a tree. Each insertion or removal takes at most RANGE_EDIT_OBJECTS from the pool,
 * which must have them (object_pool_reserve). */
void range_edit_begin(struct range_edit *edit, struct range_node *root, struct object_pool *pool);
/* A new node; its range, flags and data are set before it is inserted. NULL: no memory. */
struct range_node *range_edit_new(struct range_edit *edit);
/* Add a node that overlaps none of the tree's. */
void range_edit_insert(struct range_edit *edit, struct range_node *node);
/* Take the range that starts at this page out. */
void range_edit_remove(struct range_edit *edit, u64 first);
/*
 * Publish the edited tree; nodes that it does without are retired to the queue. free_node frees a
 * node of this tree when its time comes.
 */
void range_edit_publish(struct range_edit *edit, struct range_node **root,
			struct epoch_queue *queue,
			void (*free_node)(struct epoch_queue *queue, struct epoch_item *item));
/* Free the nodes that were made; the tree stays as it was. */
void range_edit_abandon(struct range_edit *edit);

#endif
