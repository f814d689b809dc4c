/* SPDX-License-Identifier: MIT */
/*
 * A weight-balanced tree (Adams): no subtree has more than DELTA times the nodes
 * of its sibling, so the depth is logarithmic, and the counts give the rank.
 * DELTA and RATIO are the proven pair (3, 2).
 */
#include "mm/range_tree.h"
#include "hv/panic.h"

#define DELTA 3
#define RATIO 2

u64 range_tree_count(const struct range_node *root)
{
	return root ? root->count : 0;
}

struct range_node *range_tree_find(struct range_node *root, u64 page)
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

struct range_node *range_tree_nth(struct range_node *root, u64 rank)
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

static void recount(struct range_node *node)
{
	node->count = range_tree_count(node->left) + range_tree_count(node->right) + 1;
}

static struct range_node *rotate_left(struct range_node *node)
{
	struct range_node *top = node->right;

	ASSERT(top);
	node->right = top->left;
	top->left = node;
	recount(node);
	recount(top);
	return top;
}

static struct range_node *rotate_right(struct range_node *node)
{
	struct range_node *top = node->left;

	ASSERT(top);
	node->left = top->right;
	top->right = node;
	recount(node);
	recount(top);
	return top;
}

/* Make a node whose subtrees differ by one insertion or removal balanced again;
 * returns what now stands in its place. */
static struct range_node *balance(struct range_node *node)
{
	u64 left = range_tree_count(node->left);
	u64 right = range_tree_count(node->right);

	recount(node);
	if (left + right <= 1)
		return node;
	if (right > DELTA * left) {
		struct range_node *heavy = node->right;

		if (range_tree_count(heavy->left) >= RATIO * range_tree_count(heavy->right))
			node->right = rotate_right(heavy);
		return rotate_left(node);
	}
	if (left > DELTA * right) {
		struct range_node *heavy = node->left;

		if (range_tree_count(heavy->right) >= RATIO * range_tree_count(heavy->left))
			node->left = rotate_left(heavy);
		return rotate_right(node);
	}
	return node;
}

static struct range_node *insert(struct range_node *root, struct range_node *node)
{
	if (!root)
		return node;
	if (node->first < root->first)
		root->left = insert(root->left, node);
	else
		root->right = insert(root->right, node);
	return balance(root);
}

void range_tree_insert(struct range_node **root, struct range_node *node)
{
	node->left = NULL;
	node->right = NULL;
	node->count = 1;
	*root = insert(*root, node);
}

/* Take the lowest node out; *lowest is set to it. */
static struct range_node *remove_lowest(struct range_node *root, struct range_node **lowest)
{
	if (!root->left) {
		*lowest = root;
		return root->right;
	}
	root->left = remove_lowest(root->left, lowest);
	return balance(root);
}

/* One tree of two neighbours. */
static struct range_node *join(struct range_node *left, struct range_node *right)
{
	struct range_node *middle;

	if (!left || !right)
		return left ? left : right;
	right = remove_lowest(right, &middle);
	middle->left = left;
	middle->right = right;
	return balance(middle);
}

static struct range_node *take_out(struct range_node *root, const struct range_node *node)
{
	ASSERT(root);
	if (root == node)
		return join(root->left, root->right);
	if (node->first < root->first)
		root->left = take_out(root->left, node);
	else
		root->right = take_out(root->right, node);
	return balance(root);
}

void range_tree_remove(struct range_node **root, struct range_node *node)
{
	*root = take_out(*root, node);
}

int range_tree_walk(struct range_node *root, int (*visit)(struct range_node *node, void *context),
		    void *context)
{
	while (root) {
		struct range_node *right = root->right;
		int rc = range_tree_walk(root->left, visit, context);

		if (!rc)
			rc = visit(root, context);
		if (rc)
			return rc;
		root = right;
	}
	return 0;
}
