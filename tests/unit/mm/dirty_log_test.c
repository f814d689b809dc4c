/* SPDX-License-Identifier: MIT */
/* mm/dirty_log.c: every way that a page is written is told, a clean page has no leaf that takes
 * writes, logs go with their regions; refusals; and beside an array, at random. */
#include "protect_fixture.h"
#include "mm/walk_cache.h"

#define HERE   4096ULL
#define PAGES  200u
#define WORDS  4u
#define BUFFER 100ULL /* a page for logs */

static u64 bits[WORDS];

static int set_up(void **state)
{
	int rc = set_up_protection(state);

	add(BUFFER, 1);
	add_with(HERE, PAGES, MEMSLOT_LOG_DIRTY);
	return rc;
}

static enum memslot_result take_of(u64 gfn, u64 bytes, u64 *dirty)
{
	struct dirty_buffer buffer = { page_at(BUFFER), bytes, 0 };
	enum memslot_result result = memslot_take_dirty(memory, l1_gfn(gfn), &buffer);

	assert_int_equal(guest_read(memory, page_at(BUFFER), bits, sizeof(bits)), 0);
	if (dirty)
		*dirty = buffer.dirty;
	return result;
}

/* How many pages; the bits are in bits. */
static u64 take(void)
{
	u64 dirty, sum = 0;

	assert_int_equal(take_of(HERE, sizeof(bits), &dirty), MEMSLOT_OK);
	for (u32 i = 0; i < WORDS; i++)
		sum += (u64)__builtin_popcountll(bits[i]);
	assert_int_equal(sum, dirty);
	return dirty;
}

static bool is_told(u64 page)
{
	return bits[page / 64] >> page % 64 & 1;
}

static int write_page(u64 page, u64 value)
{
	return guest_write(memory, page_at(HERE + page), &value, sizeof(value));
}

UNIT(nothing_is_dirty_at_first)
{
	assert_int_equal(take(), 0);
	assert_int_equal(memory->active, 0);
	assert_false(memory->exclusive);
}

UNIT(stores_of_l1_are_told_once_each)
{
	assert_int_equal(fault(HERE + 5, false), 0);
	assert_false(may_write(HERE + 5));
	assert_int_equal(fault(HERE + 5, true), 0);
	assert_true(may_write(HERE + 5));
	assert_int_equal(fault(HERE + 199, true), 0);
	assert_int_equal(host_counter(CTR_PAGES_DIRTIED), 2);
	kicks = 0;
	assert_int_equal(take(), 2);
	assert_true(is_told(5) && is_told(199));
	assert_int_equal(kicks, 1);
	/* Writes fault again; reads don't. */
	assert_false(may_write(HERE + 5));
	assert_int_equal(leaf_at(HERE + 5).level, EPT_LEVEL_4K);
	assert_int_equal(take(), 0);
	assert_int_equal(kicks, 1);
	assert_int_equal(fault(HERE + 5, true), 0);
	assert_int_equal(take(), 1);
	assert_true(is_told(5));
}

UNIT(leaves_are_of_single_pages)
{
	add_with(8192, 1024, MEMSLOT_LOG_DIRTY);
	assert_int_equal(fault(8192, false), 0);
	assert_int_equal(leaf_at(8192).level, EPT_LEVEL_4K);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(8192), 0), MEMSLOT_OK);
	assert_int_equal(fault(8192, false), 0);
	assert_int_equal(leaf_at(8192).level, EPT_LEVEL_2M);
	assert_true(may_write(8192));
	assert_int_equal(memslot_set_flags(memory, l1_gfn(8192), MEMSLOT_LOG_DIRTY), MEMSLOT_OK);
	assert_int_equal(leaf_at(8192).level, 0);
	assert_int_equal(fault(8300, false), 0);
	assert_int_equal(leaf_at(8300).level, EPT_LEVEL_4K);
	assert_false(may_write(8300));
	assert_int_equal(ept01_populate(memory), 0);
	assert_false(may_write(8301));
}

UNIT(writes_of_l0_are_told)
{
	u64 value = 0;

	assert_int_equal(write_page(1, 7), 0);
	assert_int_equal(guest_zero(memory, page_at(HERE + 2), 2 * PAGE_SIZE), 0);
	assert_int_equal(guest_or_byte(memory, page_at(HERE + 4), 1), 0);
	assert_int_equal(guest_cmpxchg(memory, page_at(HERE + 5), &value, 9), 0);
	assert_int_equal(guest_read(memory, page_at(HERE + 6), &value, sizeof(value)), 0);
	assert_int_equal(take(), 5);
	assert_int_equal(bits[0], 0x3e);
	assert_int_equal(guest_read(memory, page_at(HERE + 1), &value, sizeof(value)), 0);
	assert_int_equal(value, 7);
	assert_int_equal(take(), 0);
}

UNIT(writes_by_held_pages_are_told)
{
	static struct walk_cache walk;
	u64 value = 3, expected = 3;

	walk_cache_init(&walk, memory, 0);
	for (u32 round = 0; round < 3; round++) {
		for (u64 page = 0; page < 3; page++)
			assert_int_equal(walk_cache_read(&walk, page_at(HERE + page), &value, 8),
					 0);
		assert_int_equal(take(), 0);
		value = 3;
		assert_int_equal(walk_cache_write(&walk, page_at(HERE), &value, 8), 0);
		assert_int_equal(walk_cache_or_byte(&walk, page_at(HERE + 1), 4), 0);
		assert_int_equal(walk_cache_cmpxchg(&walk, page_at(HERE + 2), &expected, 4), 0);
		assert_int_equal(take(), 3);
		assert_int_equal(bits[0], 7);
		/* As a protection that comes and goes does it. */
		assert_int_equal(protect(HERE), 0);
		unprotect(HERE);
	}
	walk_cache_deactivate(&walk);
}

UNIT(pages_of_a_vmcs_are_dirty_all_the_time)
{
	struct pfn_user user = { 0 };
	struct pfn_cache cache;
	pfn_t pfn;

	pfn_cache_init_guest(&cache, memory, &user, 0);
	pfn_cache_activate(&cache, page_at(HERE + 70));
	assert_int_equal(pfn_cache_use(&cache, 0, &pfn), 0);
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(take(), 1);
		assert_true(is_told(70));
	}
	pfn_cache_deactivate(&cache);
	assert_int_equal(take(), 1);
	assert_int_equal(take(), 0);
}

UNIT(protected_pages_are_told_of_as_well)
{
	assert_int_equal(protect(HERE + 9), 0);
	assert_int_equal(fault(HERE + 9, true), -EACCES);
	assert_int_equal(take(), 0);
	assert_int_equal(write_page(9, 1), 0);
	assert_int_equal(told, 1);
	assert_int_equal(take(), 1);
	assert_int_equal(protect(HERE + 9), 0);
	assert_int_equal(write_page(9, 1), 0);
	assert_int_equal(fault(HERE + 9, true), 0);
	assert_int_equal(take(), 1);
}

UNIT(what_comes_back_from_a_balloon_is_news)
{
	assert_int_equal(memslot_balloon_out(memory, l1_gfn(HERE + 10), 3), MEMSLOT_OK);
	assert_int_equal(take(), 0);
	assert_int_equal(memslot_balloon_in(memory, l1_gfn(HERE + 10), 3), MEMSLOT_OK);
	assert_int_equal(memslot_migrate(memory, l1_gfn(HERE), 10), MEMSLOT_OK);
	assert_int_equal(take(), 3);
	assert_int_equal(bits[0], 7 << 10);
}

UNIT(a_log_goes_with_its_region)
{
	u64 pages = page_free_count(), dirty;

	write_page(3, 1);
	move(HERE, HERE + 1);
	assert_int_equal(take_of(HERE, sizeof(bits), NULL), MEMSLOT_MISSING);
	write_page(5, 1);
	assert_int_equal(take_of(HERE + 1, sizeof(bits), &dirty), MEMSLOT_OK);
	assert_int_equal(bits[0], 1 << 3 | 1 << 4);
	write_page(5, 1);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(HERE + 1), 0), MEMSLOT_OK);
	assert_int_equal(page_free_count(), pages + 1);
	assert_int_equal(take_of(HERE + 1, sizeof(bits), NULL), MEMSLOT_LOGS_NOTHING);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(HERE + 1), MEMSLOT_LOG_DIRTY),
			 MEMSLOT_OK);
	assert_int_equal(take_of(HERE + 1, sizeof(bits), &dirty), MEMSLOT_OK);
	assert_int_equal(dirty, 0);
	remove_at(HERE + 1);
	assert_int_equal(page_free_count(), pages + 1);
	assert_null(memory->logs);
}

UNIT(refusals_have_names_and_lose_nothing)
{
	struct dirty_buffer nowhere = { page_at(50), sizeof(bits), 0 };

	write_page(3, 1);
	assert_int_equal(fault(HERE + 4, true), 0);
	assert_int_equal(take_of(HERE + 1, sizeof(bits), NULL), MEMSLOT_MISSING);
	assert_int_equal(take_of(50, sizeof(bits), NULL), MEMSLOT_MISSING);
	assert_int_equal(take_of(BUFFER, sizeof(bits), NULL), MEMSLOT_LOGS_NOTHING);
	assert_int_equal(take_of(HERE, sizeof(bits) - 1, NULL), MEMSLOT_TOO_LARGE);
	assert_int_equal(memslot_take_dirty(memory, l1_gfn(HERE), &nowhere), MEMSLOT_NO_BUFFER);
	assert_false(memory->exclusive);
	assert_int_equal(take(), 2);
	assert_int_equal(bits[0], 3 << 3);
}

UNIT(without_room_for_the_bits_it_is_refused)
{
	u64 frames = guest_frame_free_count();

	while (page_free_count() > 256)
		assert_non_null(page_alloc(0));
	assert_int_equal(memslot_add_ram(memory, l1_gfn(0), 10, MEMSLOT_LOG_DIRTY),
			 MEMSLOT_NO_MEMORY);
	assert_int_equal(guest_frame_free_count(), frames);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(BUFFER), MEMSLOT_LOG_DIRTY),
			 MEMSLOT_NO_MEMORY);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(BUFFER), MEMSLOT_READONLY), MEMSLOT_OK);
	assert_int_equal(memory->active, 0);
}

static void write_in_kick(void)
{
	in_kick = NULL;
	/* A CPU that still has the page writable; another that faults, or writes for its guest. */
	assert_int_equal(fault(HERE + 7, true), 0);
	assert_false(may_write(HERE + 7));
	write_page(8, 1);
}

UNIT(writes_during_the_taking_are_of_the_next_log)
{
	assert_int_equal(fault(HERE + 7, true), 0);
	in_kick = write_in_kick;
	assert_int_equal(take(), 1);
	assert_null(in_kick);
	assert_true(is_told(7));
	assert_int_equal(take(), 1);
	assert_true(is_told(8));
}

UNIT(random_writes_agree_with_an_array)
{
	static bool model[PAGES];
	static struct walk_cache walk;
	u64 seed = 41;

	walk_cache_init(&walk, memory, 0);
	memset(model, 0, sizeof(model));
	for (u32 i = 0; i < 20000; i++) {
		u64 page = unit_random(&seed) % PAGES;

		switch (unit_random(&seed) % 5) {
		case 0:
			assert_int_equal(fault(HERE + page, false), 0);
			continue;
		case 1:
			assert_int_equal(fault(HERE + page, true), 0);
			assert_true(may_write(HERE + page));
			break;
		case 2:
			assert_int_equal(write_page(page, i), 0);
			break;
		case 3:
			assert_int_equal(walk_cache_write(&walk, page_at(HERE + page), &page, 8),
					 0);
			break;
		default:
			assert_false(may_write(HERE + page) && !model[page]);
			if (unit_random(&seed) % 20)
				continue;
			take();
			for (u32 p = 0; p < PAGES; p++)
				assert_int_equal(is_told(p), model[p]);
			memset(model, 0, sizeof(model));
			continue;
		}
		model[page] = true;
	}
	walk_cache_deactivate(&walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_dirty_at_first, set_up),
		cmocka_unit_test_setup(stores_of_l1_are_told_once_each, set_up),
		cmocka_unit_test_setup(leaves_are_of_single_pages, set_up),
		cmocka_unit_test_setup(writes_of_l0_are_told, set_up),
		cmocka_unit_test_setup(writes_by_held_pages_are_told, set_up),
		cmocka_unit_test_setup(pages_of_a_vmcs_are_dirty_all_the_time, set_up),
		cmocka_unit_test_setup(protected_pages_are_told_of_as_well, set_up),
		cmocka_unit_test_setup(what_comes_back_from_a_balloon_is_news, set_up),
		cmocka_unit_test_setup(a_log_goes_with_its_region, set_up),
		cmocka_unit_test_setup(refusals_have_names_and_lose_nothing, set_up),
		cmocka_unit_test_setup(without_room_for_the_bits_it_is_refused, set_up),
		cmocka_unit_test_setup(writes_during_the_taking_are_of_the_next_log, set_up),
		cmocka_unit_test_setup(random_writes_agree_with_an_array, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
