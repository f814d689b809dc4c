/* SPDX-License-Identifier: MIT */
/* mm/walk_cache.c: the same answers as copies through transient windows, at no window write where
 * the page is there already. */
#include "walk_fixture.h"

static int set_up(void **state)
{
	(void)state;
	return set_up_walk();
}

static int tear_down(void **state)
{
	(void)state;
	walk_cache_deactivate(&walk);
	assert_int_equal(memory->caches.count, 0);
	for (u32 i = 0; i < WALK_CACHE_PAGES; i++)
		assert_int_equal(walk.pages[i].cache.state & ~PFN_CACHE_GENERATION, 0);
	for (u32 i = 0; i < WALK_CACHE_PLACES; i++)
		assert_ptr_equal(walk.places[i], &walk.none);
	assert_int_equal(walk.none.cache.state, 0);
	return 0;
}

UNIT(steady_state_costs_no_window_write_and_no_invlpg)
{
	u64 writes, value;

	for (u64 gfn = 40; gfn < 40 + WALK_CACHE_PAGES; gfn++)
		stamp(gfn, gfn);
	for (u32 round = 0; round < 10; round++) {
		for (u64 gfn = 40; gfn < 40 + WALK_CACHE_PAGES; gfn++) {
			assert_int_equal(walk_cache_read_u64(&walk, page_at(gfn), &value), 0);
			assert_int_equal(value, gfn);
		}
		if (round == 0)
			writes = host_counter(CTR_WINDOW_PTE_WRITES);
	}
	assert_int_equal(writes, WALK_CACHE_PAGES);
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), writes);
	assert_int_equal(host_counter(CTR_INVLPG), 0);
	assert_int_equal(host_counter(CTR_CACHE_HITS), 10 * WALK_CACHE_PAGES);
	assert_int_equal(host_counter(CTR_CACHE_REFRESHES), WALK_CACHE_PAGES);
	assert_int_equal(host_counter(CTR_CACHE_REPLACED), 0);
}

/* Wherever they lie, as many pages as there are stay where they came. */
static void expect_pages_stay(u64 first, u64 stride, u32 count)
{
	u64 refreshes = host_counter(CTR_CACHE_REFRESHES);

	for (u32 i = 0; i < count; i++)
		add(first + i * stride, 1);
	for (u32 round = 0; round < 10; round++)
		for (u32 i = 0; i < count; i++)
			expect_word(first + i * stride, 0);
	assert_int_equal(host_counter(CTR_CACHE_REFRESHES) - refreshes, count);
	assert_int_equal(host_counter(CTR_CACHE_REPLACED), 0);
	for (u32 i = 0; i < count; i++)
		remove_at(first + i * stride);
}

UNIT(two_pages_never_throw_each_other_out)
{
	for (u64 stride = 1; stride <= BIT(18); stride *= 2) {
		walk_cache_deactivate(&walk);
		expect_pages_stay(0x2000, stride, 2);
	}
}

UNIT(all_pages_stay_even_if_they_share_a_place)
{
	expect_pages_stay(0x2000, WALK_CACHE_PLACES, WALK_CACHE_PAGES);
	walk_cache_deactivate(&walk);
	expect_pages_stay(0x2007, BIT(18), WALK_CACHE_PAGES);
}

UNIT(page_that_came_first_makes_room)
{
	u64 lookups, refreshes;

	for (u64 gfn = 0; gfn < WALK_CACHE_PAGES; gfn++)
		expect_word(gfn, 0);
	lookups = host_counter(CTR_REGION_LOOKUPS);
	expect_word(100, 0);
	assert_int_equal(host_counter(CTR_CACHE_REPLACED), 1);
	/* What it costs: the mapping goes over to the other page. */
	assert_int_equal(host_counter(CTR_REGION_LOOKUPS), lookups + 1);
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), WALK_CACHE_PAGES + 1);
	assert_int_equal(host_counter(CTR_INVLPG), 1);
	assert_int_equal(memory->caches.count, WALK_CACHE_PAGES);
	refreshes = host_counter(CTR_CACHE_REFRESHES);
	for (u64 gfn = 1; gfn < WALK_CACHE_PAGES; gfn++)
		expect_word(gfn, 0);
	expect_word(100, 0);
	assert_int_equal(host_counter(CTR_CACHE_REFRESHES), refreshes);
	expect_word(0, 0);
	assert_int_equal(host_counter(CTR_CACHE_REFRESHES), refreshes + 1);
}

/* More pages than there is room for, some of which come and go. */
UNIT(every_page_is_found_whatever_came_before)
{
	u64 seed = 5, words[100];

	for (u64 i = 0; i < ARRAY_SIZE(words); i++) {
		add(0x10000 + 128 * i, 1);
		words[i] = i + 1;
		stamp(0x10000 + 128 * i, words[i]);
	}
	for (u32 step = 0; step < 100000; step++) {
		u64 i = unit_random(&seed) % (step % 1000 < 500 ? 20 : ARRAY_SIZE(words));
		u64 gfn = 0x10000 + 128 * i;

		expect_word(gfn, words[i]);
		if (step % 64)
			continue;
		words[i] += 1000;
		assert_int_equal(walk_cache_write(&walk, page_at(gfn), &words[i], 8), 0);
		if (step % 128) {
			move(gfn, 0x8000);
			expect_word(0x8000, words[i]);
			move(0x8000, gfn);
		}
	}
	assert_in_range(host_counter(CTR_CACHE_REPLACED), 10000, 50000);
	assert_int_equal(memory->caches.count, WALK_CACHE_PAGES);
}

UNIT(every_length_at_every_offset_is_read_and_written)
{
	static const u32 lengths[] = { 1, 2, 3, 4, 8, 15, 16, 32, 100 };
	u8 out[100], in[100];

	for (u32 i = 0; i < sizeof(out); i++)
		out[i] = (u8)(i + 1);
	for (u32 i = 0; i < ARRAY_SIZE(lengths); i++) {
		u32 bytes = lengths[i];

		for (u64 offset = 0; offset <= PAGE_SIZE - bytes; offset += 61) {
			l1_gpa_t gpa = l1_gpa_add(page_at(9), offset);

			memset(in, 0, sizeof(in));
			assert_int_equal(walk_cache_write(&walk, gpa, out, bytes), 0);
			assert_int_equal(walk_cache_read(&walk, gpa, in, bytes), 0);
			assert_memory_equal(in, out, bytes);
			assert_int_equal(guest_read(memory, gpa, in, bytes), 0);
			assert_memory_equal(in, out, bytes);
		}
	}
}

UNIT(bits_and_entries_change_in_the_frame)
{
	u64 expected = 0x20, value;

	stamp(5, 0x20);
	assert_int_equal(walk_cache_or_byte(&walk, l1_gpa_add(page_at(5), 1), 0x03), 0);
	assert_int_equal(walk_cache_cmpxchg(&walk, page_at(5), &expected, 99), 0);
	assert_int_equal(expected, 0x320);
	assert_int_equal(walk_cache_cmpxchg(&walk, page_at(5), &expected, 99), 0);
	assert_int_equal(expected, 0x320);
	assert_int_equal(guest_read(memory, page_at(5), &value, 8), 0);
	assert_int_equal(value, 99);
}

UNIT(read_only_page_is_read_but_not_written)
{
	u64 value = 1, expected = 0x77;
	l1_gpa_t gpa = page_at(0x1000);

	stamp(0x1000, 0x77);
	assert_int_equal(walk_cache_read_u64(&walk, gpa, &value), 0);
	assert_int_equal(value, 0x77);
	assert_int_equal(walk_cache_write(&walk, gpa, &value, 8), -EFAULT);
	assert_int_equal(walk_cache_or_byte(&walk, gpa, 0x80), -EFAULT);
	assert_int_equal(walk_cache_cmpxchg(&walk, gpa, &expected, 5), -EFAULT);
	assert_int_equal(walk_cache_read_u64(&walk, gpa, &value), 0);
	assert_int_equal(value, 0x77);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(0x1000), 0), MEMSLOT_OK);
	assert_int_equal(walk_cache_or_byte(&walk, gpa, 0x80), 0);
	assert_int_equal(walk_cache_read_u64(&walk, gpa, &value), 0);
	assert_int_equal(value, 0xf7);
}

UNIT(page_without_a_region_is_an_error)
{
	u64 value, expected = 0, refreshes;

	/* It does not take the room of those that have one. */
	for (u64 gfn = 0; gfn < WALK_CACHE_PAGES; gfn++)
		expect_word(gfn, 0);
	assert_int_equal(walk_cache_read_u64(&walk, page_at(5000), &value), -EFAULT);
	assert_int_equal(walk_cache_read(&walk, page_at(5000), &value, 3), -EFAULT);
	assert_int_equal(walk_cache_write(&walk, page_at(5000), &value, 3), -EFAULT);
	assert_int_equal(walk_cache_or_byte(&walk, page_at(5000), 1), -EFAULT);
	assert_int_equal(walk_cache_cmpxchg(&walk, page_at(5000), &expected, 1), -EFAULT);
	assert_int_equal(host_counter(CTR_CACHE_REPLACED), 0);
	assert_int_equal(host_counter(CTR_CACHE_FALLBACKS), 0);
	refreshes = host_counter(CTR_CACHE_REFRESHES);
	for (u64 gfn = 0; gfn < WALK_CACHE_PAGES; gfn++)
		expect_word(gfn, 0);
	assert_int_equal(host_counter(CTR_CACHE_REFRESHES), refreshes);
	add(5000, 1);
	stamp(5000, 4);
	expect_word(5000, 4);
	remove_at(5000);
	assert_int_equal(walk_cache_read_u64(&walk, page_at(5000), &value), -EFAULT);
}

UNIT(highest_address_is_at_no_page)
{
	u64 value;

	assert_int_equal(walk_cache_read_u64(&walk, l1_gpa(BITS(51, 12)), &value), -EFAULT);
	assert_int_equal(walk_cache_read_u64(&walk, l1_gpa(BITS(51, 3)), &value), -EFAULT);
}

static void read_during_the_change(void)
{
	u64 value;

	assert_int_equal(walk_cache_read_u64(&walk, page_at(5), &value), 0);
	assert_int_equal(value, 55);
	assert_int_equal(walk_cache_read_u64(&walk, page_at(6000), &value), -EFAULT);
	assert_int_equal(host_counter(CTR_CACHE_FALLBACKS), 2);
}

/* No cache becomes valid meanwhile, but a transient window serves. */
UNIT(access_during_a_change_is_served)
{
	stamp(5, 55);
	add(6000, 1);
	remove_while(6000, read_during_the_change);
}

UNIT(without_window_slots_accesses_are_served)
{
	u64 value, expected = 3;

	while (window_slot_get())
		;
	stamp(5, 3);
	assert_int_equal(walk_cache_cmpxchg(&walk, page_at(5), &expected, 4), 0);
	assert_int_equal(walk_cache_or_byte(&walk, page_at(5), 3), 0);
	assert_int_equal(walk_cache_read_u64(&walk, page_at(5), &value), 0);
	assert_int_equal(value, 7);
	value = 8;
	assert_int_equal(walk_cache_write(&walk, page_at(5), &value, 8), 0);
	assert_int_equal(walk_cache_read(&walk, page_at(5), &value, 4), 0);
	assert_int_equal((u32)value, 8);
}

static void read_across_pages(void)
{
	u64 value;

	walk_cache_read(&walk, l1_gpa(PAGE_SIZE - 4), &value, 8);
}

static void exchange_unaligned(void)
{
	u64 value = 0;

	walk_cache_cmpxchg(&walk, l1_gpa(4), &value, 8);
}

UNIT(misuse_is_caught)
{
	assert_true(host_panics(read_across_pages, "bytes <= PAGE_SIZE - offset"));
	assert_true(host_panics(exchange_unaligned, "IS_ALIGNED"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(steady_state_costs_no_window_write_and_no_invlpg,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_pages_never_throw_each_other_out, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(all_pages_stay_even_if_they_share_a_place, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(page_that_came_first_makes_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_page_is_found_whatever_came_before, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(every_length_at_every_offset_is_read_and_written,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(bits_and_entries_change_in_the_frame, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(read_only_page_is_read_but_not_written, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(page_without_a_region_is_an_error, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(highest_address_is_at_no_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(access_during_a_change_is_served, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(without_window_slots_accesses_are_served, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(misuse_is_caught, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
