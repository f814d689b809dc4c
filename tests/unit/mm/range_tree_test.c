/* SPDX-License-Identifier: MIT */
/* mm/range_tree.c beside an array indexed by page, its depth, and that published nodes never
 * change. */
#include "unit.h"
#include "host_memory.h"
#include "mm/range_tree.h"

#define PAGES 4096u

static u64 owner[PAGES + 1]; /* 1 + first page of the range that has this page */
static struct range_node *root;
static struct object_pool pool;
static struct epoch_queue retired;

static int set_up(void **state)
{
	(void)state;
	host_memory_default();
	root = NULL;
	memset(&pool, 0, sizeof(pool));
	memset(&retired, 0, sizeof(retired));
	memset(owner, 0, sizeof(owner));
	return 0;
}

static void free_node(struct epoch_queue *queue, struct epoch_item *item)
{
	assert_ptr_equal(queue, &retired);
	object_free(&pool, CONTAINER_OF(item, struct range_node, retired));
}

static void own_pages(u64 first, u64 pages, u64 value)
{
	for (u64 i = 0; i < pages; i++)
		owner[first + i] = value;
}

static void insert(struct range_edit *edit, u64 first, u64 pages)
{
	struct range_node *node = range_edit_new(edit);

	node->first = first;
	node->pages = pages;
	node->flags = (u32)first * 3;
	range_edit_insert(edit, node);
}

static void publish(struct range_edit *edit)
{
	range_edit_publish(edit, &root, &retired, free_node);
	epoch_poll(&retired);
}

static void add(u64 first, u64 pages)
{
	struct range_edit edit;

	range_edit_begin(&edit, root, &pool);
	insert(&edit, first, pages);
	publish(&edit);
	own_pages(first, pages, first + 1);
}

static void take(u64 first)
{
	u64 pages = range_tree_find(root, first)->pages;
	struct range_edit edit;

	range_edit_begin(&edit, root, &pool);
	range_edit_remove(&edit, first);
	publish(&edit);
	own_pages(first, pages, 0);
}

static bool model_overlaps(u64 first, u64 pages)
{
	for (u64 i = 0; i < pages; i++)
		if (owner[first + i])
			return true;
	return false;
}

/* Depth, with order, counts and flags checked on the way. */
static u32 check(const struct range_node *node, u64 low, u64 high)
{
	u32 left, right;

	if (!node)
		return 0;
	assert_true(node->first >= low && node->first + node->pages <= high);
	assert_int_equal(node->flags, node->first * 3);
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

/* So many nodes stand above a page, itself included. */
static u32 nodes_to(u64 page)
{
	const struct range_node *node = root;
	u32 nodes = 1;

	for (; page - node->first >= node->pages; nodes++)
		node = page < node->first ? node->left : node->right;
	return nodes;
}

static void expect_log_n(u64 count, u32 log_n)
{
	u32 most = 0;
	struct range_edit edit;
	u64 seed = 9;

	for (u64 i = 0; i < count; i++) {
		range_edit_begin(&edit, root, &pool);
		insert(&edit, i * 2, 1);
		publish(&edit);
	}
	for (u64 i = 0; i < count; i++)
		most = MAX(most, nodes_to(i * 2));
	assert_in_range(most, log_n, 2 * log_n);
	epoch_wait(&retired);
	for (u32 i = 0; i < 200; i++) {
		u64 page = unit_random(&seed) % count * 2, left;

		assert_int_equal(object_pool_reserve(&pool, 2 * RANGE_EDIT_OBJECTS), 0);
		left = pool.free_count;
		range_edit_begin(&edit, root, &pool);
		range_edit_remove(&edit, page);
		insert(&edit, page, 1);
		assert_in_range(left - pool.free_count, 2, 8 * log_n);
		publish(&edit);
		epoch_wait(&retired);
	}
}

UNIT(look_ups_and_edits_are_at_log_n_nodes)
{
	expect_log_n(64, 6);
	set_up(state);
	expect_log_n(8192, 13);
	set_up(state);
	expect_log_n(32768, 15);
}

/* Where the first range starts that starts here or above; PAGES: there is none. */
static u64 first_from(u64 page)
{
	while (page < PAGES && owner[page] != page + 1)
		page++;
	return page;
}

UNIT(random_operations_agree_with_an_array)
{
	u64 seed = 5;

	for (u32 i = 0; i < 30000; i++) {
		u64 first = unit_random(&seed) % PAGES;
		u64 pages = unit_random(&seed) % 9 + 1;
		u64 probe = unit_random(&seed) % PAGES;
		const struct range_node *found;

		pages = MIN(pages, PAGES - first);
		assert_int_equal(range_tree_overlaps(root, first, pages),
				 model_overlaps(first, pages));
		if (!model_overlaps(first, pages))
			add(first, pages);
		else if (owner[first] && unit_random(&seed) % 2)
			take(owner[first] - 1);
		found = range_tree_find(root, probe);
		assert_int_equal(found ? found->first + 1 : 0, owner[probe]);
		found = range_tree_from(root, probe);
		assert_int_equal(found ? found->first : PAGES, first_from(probe));
		if (i % 256 == 0)
			assert_true(check(root, 0, PAGES) <= 24);
	}
}

/* A removal may be of a node that a rotation of the same edit has copied. */
UNIT(edits_of_many_removals_lose_nothing)
{
	u64 seed = 6;

	for (u32 round = 0; round < 300; round++) {
		u64 objects = pool.free_count + range_tree_count(root);
		struct range_edit edit;

		for (u64 i = 0; i < 64; i++)
			if (!owner[i])
				add(i, 1);
		range_edit_begin(&edit, root, &pool);
		for (u64 i = 0; i < 64; i++) {
			if (unit_random(&seed) % 3 == 0)
				continue;
			range_edit_remove(&edit, i);
			own_pages(i, 1, 0);
		}
		publish(&edit);
		check(root, 0, 64);
		for (u64 i = 0; i < 64; i++)
			assert_int_equal(range_tree_find(root, i) != NULL, owner[i] != 0);
		epoch_wait(&retired);
		if (round > 10)
			assert_int_equal(pool.free_count + range_tree_count(root), objects);
	}
}

static u64 sum_of(const struct range_node *node)
{
	return node ? sum_of(node->left) * 31 + node->first * 7 + node->pages + node->count +
			       sum_of(node->right) * 17
		    : 0;
}

/* In a reader section nothing is freed, so the old roots stay whole, and each keeps its tree. */
UNIT(old_trees_stay_as_they_were)
{
	struct range_node *roots[200];
	u64 sums[200], seed = 9;

	epoch_read_begin();
	for (u32 i = 0; i < ARRAY_SIZE(roots); i++) {
		u64 first = unit_random(&seed) % 256 * 16;

		if (owner[first])
			take(first);
		else
			add(first, 16);
		roots[i] = root;
		sums[i] = sum_of(root);
	}
	for (u32 i = 0; i < ARRAY_SIZE(roots); i++)
		assert_int_equal(sum_of(roots[i]), sums[i]);
	epoch_read_end();
}

UNIT(what_an_edit_replaced_returns_to_the_pool)
{
	u64 seed = 4, most = 0, objects;

	for (u32 i = 0; i < 4000; i++) {
		u64 first = unit_random(&seed) % PAGES;

		if (owner[first])
			take(first);
		else
			add(first, 1);
		most = MAX(most, range_tree_count(root));
	}
	epoch_wait(&retired);
	objects = pool.free_count + range_tree_count(root);
	assert_int_equal(objects % (PAGE_SIZE / OBJECT_BYTES), 0);
	assert_in_range(objects, most, most + 128);
}

UNIT(abandoned_edit_leaves_tree_and_pool_as_they_were)
{
	struct range_edit edit;
	u64 sum, objects;

	for (u64 i = 0; i < 300; i++)
		add(i * 8, 4);
	epoch_wait(&retired);
	sum = sum_of(root);
	objects = pool.free_count;
	range_edit_begin(&edit, root, &pool);
	range_edit_remove(&edit, 800);
	range_edit_remove(&edit, 80);
	insert(&edit, 804, 2);
	assert_null(range_tree_find(edit.root, 800));
	range_edit_abandon(&edit);
	assert_int_equal(sum_of(root), sum);
	assert_int_equal(pool.free_count, objects);
	take(800);
	check(root, 0, PAGES);
}

UNIT(edit_takes_no_more_objects_than_it_says)
{
	u64 seed = 77, most = 0;

	for (u32 i = 0; i < 20000; i++) {
		u64 first = unit_random(&seed) % PAGES;
		u64 before;

		epoch_wait(&retired);
		assert_int_equal(object_pool_reserve(&pool, RANGE_EDIT_OBJECTS), 0);
		before = pool.free_count;
		epoch_read_begin();
		if (owner[first])
			take(first);
		else
			add(first, 1);
		most = MAX(most, before - pool.free_count);
		epoch_read_end();
	}
	assert_in_range(most, 10, 3 * 20);
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

static void append_digit(struct range_node *node, void *context)
{
	u64 *digits = context;

	*digits = *digits * 10 + node->first;
	object_free(&pool, node);
}

UNIT(walk_is_in_order_and_may_free)
{
	u64 digits = 0;

	add(4, 1);
	add(2, 1);
	add(8, 1);
	add(1, 1);
	range_tree_walk(root, append_digit, &digits);
	assert_int_equal(digits, 1248);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ascending_and_descending_inserts_stay_shallow, set_up),
		cmocka_unit_test_setup(look_ups_and_edits_are_at_log_n_nodes, set_up),
		cmocka_unit_test_setup(random_operations_agree_with_an_array, set_up),
		cmocka_unit_test_setup(edits_of_many_removals_lose_nothing, set_up),
		cmocka_unit_test_setup(old_trees_stay_as_they_were, set_up),
		cmocka_unit_test_setup(what_an_edit_replaced_returns_to_the_pool, set_up),
		cmocka_unit_test_setup(abandoned_edit_leaves_tree_and_pool_as_they_were, set_up),
		cmocka_unit_test_setup(edit_takes_no_more_objects_than_it_says, set_up),
		cmocka_unit_test_setup(rank_follows_the_order_of_pages, set_up),
		cmocka_unit_test_setup(walk_is_in_order_and_may_free, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
