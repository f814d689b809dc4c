/* SPDX-License-Identifier: MIT */
/* mm/frame_pool.c beside a map of frames, its refusals
 * of frees that cannot be, and the size of its books. */
#include "unit.h"
#include "host_memory.h"
#include "hv/errno.h"
#include "mm/frame_pool.h"

#define LOWEST 0x123u
#define END    0x2345u

static struct frame_pool pool;
static u64 *words;

static void make_pool(u64 lowest, u64 end)
{
	free(words);
	words = malloc(frame_pool_words(pfn(lowest), pfn(end)) * sizeof(u64));
	frame_pool_init(&pool, pfn(lowest), pfn(end), words);
}

static u64 take(unsigned int order)
{
	pfn_t first = pfn(~0ULL);

	assert_int_equal(frame_pool_alloc(&pool, order, &first), 0);
	return first.raw;
}

UNIT(books_of_64_gib_take_less_than_5_mib)
{
	u64 frames = 64 * GIB / PAGE_SIZE;
	u64 bits = frame_pool_words(pfn(0), pfn(frames)) * 64;

	assert_in_range(bits, 2 * frames, frames * 21 / 10);
	assert_true(bits / 8 < 5 * MIB);
}

UNIT(pool_without_ranges_is_empty)
{
	pfn_t first;

	make_pool(LOWEST, END);
	assert_int_equal(frame_pool_free_count(&pool), 0);
	assert_int_equal(frame_pool_alloc(&pool, 0, &first), -ENOMEM);
}

UNIT(blocks_are_aligned_to_the_frame_number_not_to_the_pool)
{
	make_pool(LOWEST, END);
	frame_pool_add(&pool, pfn(LOWEST), END - LOWEST);
	for (unsigned int order = 0; order < 12; order++) {
		u64 first = take(order);

		assert_int_equal(first % BIT(order), 0);
		assert_in_range(first, LOWEST, END - BIT(order));
	}
}

UNIT(smallest_block_that_holds_it_is_broken)
{
	make_pool(0, 4096);
	frame_pool_add(&pool, pfn(0), 1024);
	frame_pool_add(&pool, pfn(2048), 4);
	assert_int_equal(take(1), 2048);
	assert_int_equal(take(1), 2050);
	assert_int_equal(take(1), 0);
}

UNIT(freed_neighbours_become_the_largest_block_again)
{
	u64 largest = BIT(FRAME_ORDER_MAX);

	make_pool(0, 2 * largest);
	frame_pool_add(&pool, pfn(largest), largest);
	for (u32 i = 0; i < 1024; i++)
		assert_int_equal(take(8), largest + i * 256);
	for (u32 i = 0; i < 1024; i++)
		frame_pool_free(&pool, pfn(largest + (i * 7u % 1024u) * 256u), 8);
	assert_int_equal(take(FRAME_ORDER_MAX), largest);
	assert_int_equal(frame_pool_free_count(&pool), 0);
	assert_int_equal(pool.lowest_free, 0);
}

UNIT(ranges_added_side_by_side_merge)
{
	make_pool(0, 4096);
	frame_pool_add(&pool, pfn(1024), 512);
	frame_pool_add(&pool, pfn(1536), 512);
	assert_int_equal(take(10), 1024);
}

UNIT(frames_in_holes_are_never_handed_out)
{
	make_pool(0x100, 0x4000);
	frame_pool_add(&pool, pfn(0x100), 0x81);
	frame_pool_add(&pool, pfn(0x1003), 0x11);
	frame_pool_add(&pool, pfn(0x3fff), 1);
	for (u32 i = 0; i < 0x81 + 0x11 + 1; i++) {
		u64 frame = take(0);

		assert_true(frame - 0x100 < 0x81 || frame - 0x1003 < 0x11 || frame == 0x3fff);
	}
	assert_int_equal(frame_pool_free_count(&pool), 0);
}

UNIT(exhausted_order_fails_while_smaller_ones_go_on)
{
	pfn_t first;

	make_pool(0, 64);
	frame_pool_add(&pool, pfn(0), 8);
	frame_pool_add(&pool, pfn(16), 4);
	assert_int_equal(take(3), 0);
	assert_int_equal(frame_pool_alloc(&pool, 3, &first), -ENOMEM);
	assert_int_equal(take(2), 16);
}

enum { MODEL_NOT_OURS, MODEL_FREE, MODEL_USED };

static char model[END];

/* Allocate a block and check it against the map; false when the pool says that there is none. */
static bool model_alloc(unsigned int order, u64 *first)
{
	pfn_t got;

	if (frame_pool_alloc(&pool, order, &got)) {
		for (u64 at = 0; at + BIT(order) <= END; at += BIT(order))
			assert_non_null(memchr(model + at, MODEL_USED, BIT(order))
						?: memchr(model + at, MODEL_NOT_OURS, BIT(order)));
		return false;
	}
	for (u64 i = 0; i < BIT(order); i++) {
		assert_int_equal(model[got.raw + i], MODEL_FREE);
		model[got.raw + i] = MODEL_USED;
	}
	*first = got.raw;
	return true;
}

UNIT(random_operations_agree_with_a_map_of_frames)
{
	static struct {
		u64 first;
		unsigned int order;
	} held[2000];
	u64 seed = 99, count = 0;

	make_pool(LOWEST, END);
	memset(model, MODEL_NOT_OURS, sizeof(model));
	frame_pool_add(&pool, pfn(LOWEST), 0x1000);
	memset(model + LOWEST, MODEL_FREE, 0x1000);
	frame_pool_add(&pool, pfn(0x1800), END - 0x1800);
	memset(model + 0x1800, MODEL_FREE, END - 0x1800);
	for (u32 i = 0; i < 40000; i++) {
		unsigned int order = (unsigned int)(unit_random(&seed) % 10);
		bool grow = unit_random(&seed) % 100 < (i % 8000 < 4000 ? 60 : 35);

		if (grow && count < ARRAY_SIZE(held)) {
			held[count].order = order;
			count += model_alloc(order, &held[count].first);
		} else if (count) {
			u64 n = unit_random(&seed) % count;

			frame_pool_free(&pool, pfn(held[n].first), held[n].order);
			memset(model + held[n].first, MODEL_FREE, BIT(held[n].order));
			held[n] = held[--count];
		}
	}
	while (count--)
		frame_pool_free(&pool, pfn(held[count].first), held[count].order);
	assert_int_equal(frame_pool_free_count(&pool), 0x1000 + END - 0x1800);
	assert_int_equal(take(11), 0x800);
}

static void free_block_8(void)
{
	frame_pool_free(&pool, pfn(8), 3);
}

static void free_inside_a_free_block(void)
{
	frame_pool_free(&pool, pfn(9), 0);
}

static void free_around_a_free_block(void)
{
	frame_pool_free(&pool, pfn(0), 4);
}

static void free_frame_of_a_hole(void)
{
	frame_pool_free(&pool, pfn(40), 0);
}

static void free_crooked(void)
{
	frame_pool_free(&pool, pfn(1), 1);
}

static void free_beyond(void)
{
	frame_pool_free(&pool, pfn(64), 0);
}

UNIT(free_that_cannot_be_is_refused)
{
	make_pool(0, 64);
	frame_pool_add(&pool, pfn(0), 16);
	take(4);
	frame_pool_free(&pool, pfn(8), 3);
	assert_true(host_panics(free_block_8, "is_in_use"));
	assert_true(host_panics(free_inside_a_free_block, "is_in_use"));
	assert_true(host_panics(free_around_a_free_block, "is_in_use"));
	assert_true(host_panics(free_crooked, "IS_ALIGNED"));
	assert_true(host_panics(free_beyond, "pool->frames"));
	frame_pool_free(&pool, pfn(0), 3);
	assert_true(host_panics(free_frame_of_a_hole, "total_frames"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(books_of_64_gib_take_less_than_5_mib),
		cmocka_unit_test(pool_without_ranges_is_empty),
		cmocka_unit_test(blocks_are_aligned_to_the_frame_number_not_to_the_pool),
		cmocka_unit_test(smallest_block_that_holds_it_is_broken),
		cmocka_unit_test(freed_neighbours_become_the_largest_block_again),
		cmocka_unit_test(ranges_added_side_by_side_merge),
		cmocka_unit_test(frames_in_holes_are_never_handed_out),
		cmocka_unit_test(exhausted_order_fails_while_smaller_ones_go_on),
		cmocka_unit_test(random_operations_agree_with_a_map_of_frames),
		cmocka_unit_test(free_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
