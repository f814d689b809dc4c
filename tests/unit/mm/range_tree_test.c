/* SPDX-License-Identifier: MIT */
/* mm/range_tree.c beside an array indexed by page, and its depth. */
#include "unit.h"
#include "mm/range_tree.h"

#define PAGES 4096u

static struct range_node nodes[PAGES];      /* the node that starts at this page */
static struct range_node *owner[PAGES + 1]; /* the node that has this page */
static struct range_node *root;

static int set_up(void **state)
{
	(void)state;
	root = NULL;
	memset(nodes, 0, sizeof(nodes));
	memset(owner, 0, sizeof(owner));
	return 0;
}

static void add(u64 first, u64 pages)
{
	nodes[first].first = first;
	nodes[first].pages = pages;
	range_tree_insert(&root, &nodes[first]);
	for (u64 i = 0; i < pages; i++)
		owner[first + i] = &nodes[first];
}

static void take(u64 first)
{
	range_tree_remove(&root, &nodes[first]);
	for (u64 i = 0; i < nodes[first].pages; i++)
		owner[first + i] = NULL;
}

static bool model_overlaps(u64 first, u64 pages)
{
	for (u64 i = 0; i < pages; i++)
		if (owner[first + i])
			return true;
	return false;
}

/* Depth, with order and counts checked on the way. */
static u32 check(const struct range_node *node, u64 low, u64 high)
{
	u32 left, right;

	if (!node)
		return 0;
	assert_true(node->first >= low && node->first + node->pages <= high);
	left = check(node->left, low, node->first);
	right = check(node->right, node->first + node->pages, high);
	assert_int_equal(node->count,
			 range_tree_count(node->left) + range_tree_count(node->right) + 1);
	return MAX(left, right) + 1;
}

UNIT(ascending_and_descending_inserts_stay_shallow)
{
	for (u64 i = 0; i < PAGES / 2; i++)
		add(i, 1);
	for (u64 i = PAGES; i-- > PAGES / 2;)
		add(i, 1);
	assert_in_range(check(root, 0, PAGES), 12, 18);
	for (u64 i = 0; i < PAGES - 64; i++)
		take(i);
	assert_in_range(check(root, 0, PAGES), 6, 10);
}

UNIT(random_operations_agree_with_an_array)
{
	u64 seed = 5;

	for (u32 i = 0; i < 30000; i++) {
		u64 first = unit_random(&seed) % PAGES;
		u64 pages = unit_random(&seed) % 9 + 1;
		u64 probe = unit_random(&seed) % PAGES;

		pages = MIN(pages, PAGES - first);
		assert_int_equal(range_tree_overlaps(root, first, pages),
				 model_overlaps(first, pages));
		if (!model_overlaps(first, pages))
			add(first, pages);
		else if (owner[first] && unit_random(&seed) % 2)
			take(owner[first]->first);
		assert_ptr_equal(range_tree_find(root, probe), owner[probe]);
		if (i % 256 == 0)
			assert_true(check(root, 0, PAGES) <= 24);
	}
}

UNIT(rank_follows_the_order_of_pages)
{
	u64 rank = 0;

	for (u64 i = 0; i < 500; i++)
		add(i * 7u % 500u * 8u, 3);
	for (u64 i = 0; i < 500; i++)
		assert_int_equal(range_tree_nth(root, i)->first, i * 8);
	assert_null(range_tree_nth(root, 500));
	while (range_tree_nth(root, rank))
		rank++;
	assert_int_equal(range_tree_count(root), rank);
}

static int add_up(struct range_node *node, void *context)
{
	u64 *sum = context;

	*sum = *sum * 10 + node->first;
	return node->first == 6 ? -6 : 0;
}

UNIT(walk_is_in_order_and_stops_when_told)
{
	u64 sum = 0;

	add(4, 1);
	add(2, 1);
	add(8, 1);
	add(1, 1);
	assert_int_equal(range_tree_walk(root, add_up, &sum), 0);
	assert_int_equal(sum, 1248);
	add(6, 1);
	sum = 0;
	assert_int_equal(range_tree_walk(root, add_up, &sum), -6);
	assert_int_equal(sum, 1246);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ascending_and_descending_inserts_stay_shallow, set_up),
		cmocka_unit_test_setup(random_operations_agree_with_an_array, set_up),
		cmocka_unit_test_setup(rank_follows_the_order_of_pages, set_up),
		cmocka_unit_test_setup(walk_is_in_order_and_stops_when_told, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
