/* SPDX-License-Identifier: MIT */
/*
 * A weight-balanced tree (Adams): no subtree has more than DELTA times the nodes
 * of its sibling, so the depth is logarithmic, and the counts give the rank.
 * DELTA and RATIO are the proven pair (3, 2).
 */
#include "mm/range_tree.h"
#include "hv/panic.h"
#include "hv/string.h"

_Static_assert(sizeof(struct range_node) <= OBJECT_BYTES, "a node fits an object");

#define DELTA 3
#define RATIO 2

u32 range_tree_count(const struct range_node *root)
{
	return root ? root->count : 0;
}

const struct range_node *range_tree_find(const struct range_node *root, u64 page)
{
	while (root) {
		if (page < root->first)
			root = root->left;
		else if (page - root->first >= root->pages)
			root = root->right;
		else
			break;
	}
	return root;
}

const struct range_node *range_tree_from(const struct range_node *root, u64 page)
{
	const struct range_node *lowest = NULL;

	while (root) {
		if (page <= root->first) {
			lowest = root;
			root = root->left;
		} else {
			root = root->right;
		}
	}
	return lowest;
}

bool range_tree_overlaps(const struct range_node *root, u64 first, u64 pages)
{
	while (root) {
		if (first + pages <= root->first)
			root = root->left;
		else if (first >= root->first + root->pages)
			root = root->right;
		else
			return true;
	}
	return false;
}

const struct range_node *range_tree_nth(const struct range_node *root, u64 rank)
{
	while (root) {
		u64 left = range_tree_count(root->left);

		if (rank == left)
			break;
		if (rank < left) {
			root = root->left;
		} else {
			rank -= left + 1;
			root = root->right;
		}
	}
	return root;
}

void range_tree_walk(struct range_node *root, void (*visit)(struct range_node *node, void *context),
		     void *context)
{
	while (root) {
		struct range_node *right = root->right;

		range_tree_walk(root->left, visit, context);
		visit(root, context);
		root = right;
	}
}

/* --- Edits. What follows changes only nodes that its edit made. --- */

static struct range_node *to_node(struct epoch_item *item)
{
	return CONTAINER_OF(item, struct range_node, retired);
}

static void push(struct epoch_item **list, struct epoch_item *item)
{
	item->next = *list;
	*list = item;
}

/* This node in a form that the edit may change: itself if the edit made it, else a copy that takes
 * its place. */
static struct range_node *own(struct range_edit *edit, struct range_node *node)
{
	struct range_node *copy;
	struct epoch_item link;

	if (!node->retired.free)
		return node;
	copy = range_edit_new(edit);
	ASSERT(copy);
	link = copy->retired;
	memcpy(copy, node, OBJECT_BYTES);
	copy->retired = link;
	push(&edit->replaced, &node->retired);
	return copy;
}

/* The edited tree does without this node. One that the edit made is marked: it counts nothing. */
static void drop(struct range_edit *edit, struct range_node *node)
{
	if (node->retired.free)
		push(&edit->replaced, &node->retired);
	else
		node->count = 0;
}

static void recount(struct range_node *node)
{
	node->count = range_tree_count(node->left) + range_tree_count(node->right) + 1;
}

static struct range_node *rotate_left(struct range_edit *edit, struct range_node *node)
{
	struct range_node *top = own(edit, node->right);

	ASSERT(top);
	node->right = top->left;
	top->left = node;
	recount(node);
	recount(top);
	return top;
}

static struct range_node *rotate_right(struct range_edit *edit, struct range_node *node)
{
	struct range_node *top = own(edit, node->left);

	ASSERT(top);
	node->left = top->right;
	top->right = node;
	recount(node);
	recount(top);
	return top;
}

/* Make an owned node whose subtrees differ by one insertion or removal balanced again; returns what
 * now stands in its place. */
static struct range_node *balance(struct range_edit *edit, struct range_node *node)
{
	u64 left = range_tree_count(node->left);
	u64 right = range_tree_count(node->right);

	recount(node);
	if (left + right <= 1)
		return node;
	if (right > DELTA * left) {
		struct range_node *heavy = node->right;

		if (range_tree_count(heavy->left) >= RATIO * range_tree_count(heavy->right))
			node->right = rotate_right(edit, own(edit, heavy));
		return rotate_left(edit, node);
	}
	if (left > DELTA * right) {
		struct range_node *heavy = node->left;

		if (range_tree_count(heavy->right) >= RATIO * range_tree_count(heavy->left))
			node->left = rotate_left(edit, own(edit, heavy));
		return rotate_right(edit, node);
	}
	return node;
}

static struct range_node *insert(struct range_edit *edit, struct range_node *root,
				 struct range_node *node)
{
	if (!root)
		return node;
	root = own(edit, root);
	if (node->first < root->first)
		root->left = insert(edit, root->left, node);
	else
		root->right = insert(edit, root->right, node);
	return balance(edit, root);
}

/* Take the lowest node out; *lowest is set to it, owned. */
static struct range_node *remove_lowest(struct range_edit *edit, struct range_node *root,
					struct range_node **lowest)
{
	root = own(edit, root);
	if (!root->left) {
		*lowest = root;
		return root->right;
	}
	root->left = remove_lowest(edit, root->left, lowest);
	return balance(edit, root);
}

/* One tree of two neighbours. */
static struct range_node *join(struct range_edit *edit, struct range_node *left,
			       struct range_node *right)
{
	struct range_node *middle;

	if (!left || !right)
		return left ? left : right;
	right = remove_lowest(edit, right, &middle);
	middle->left = left;
	middle->right = right;
	return balance(edit, middle);
}

static struct range_node *take_out(struct range_edit *edit, struct range_node *root, u64 first)
{
	ASSERT(root);
	if (root->first == first) {
		drop(edit, root);
		return join(edit, root->left, root->right);
	}
	root = own(edit, root);
	if (first < root->first)
		root->left = take_out(edit, root->left, first);
	else
		root->right = take_out(edit, root->right, first);
	return balance(edit, root);
}

void range_edit_begin(struct range_edit *edit, struct range_node *root, struct object_pool *pool)
{
	*edit = (struct range_edit){ .root = root, .pool = pool };
}

struct range_node *range_edit_new(struct range_edit *edit)
{
	struct range_node *node = object_alloc(edit->pool);

	if (node)
		push(&edit->made, &node->retired);
	return node;
}

void range_edit_insert(struct range_edit *edit, struct range_node *node)
{
	ASSERT(range_tree_count(edit->root) < RANGE_TREE_MAX);
	recount(node);
	edit->root = insert(edit, edit->root, node);
}

void range_edit_remove(struct range_edit *edit, u64 first)
{
	edit->root = take_out(edit, edit->root, first);
}

void range_edit_publish(struct range_edit *edit, struct range_node **root,
			struct epoch_queue *queue,
			void (*free_node)(struct epoch_queue *queue, struct epoch_item *item))
{
	struct epoch_item *item, *next;

	for (item = edit->made; item; item = next) {
		next = item->next;
		if (to_node(item)->count)
			item->free = free_node;
		else
			object_free(edit->pool, to_node(item));
	}
	/* Release: readers see whole nodes; pairs with the acquire of who loads the root. */
	__atomic_store_n(root, edit->root, __ATOMIC_RELEASE);
	for (item = edit->replaced; item; item = next) {
		next = item->next;
		epoch_retire(queue, item);
	}
}

void range_edit_abandon(struct range_edit *edit)
{
	struct epoch_item *item, *next;

	for (item = edit->made; item; item = next) {
		next = item->next;
		object_free(edit->pool, to_node(item));
	}
}
