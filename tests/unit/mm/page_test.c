/* SPDX-License-Identifier: MIT */
/* mm/page.c: the two pools, their books, and what is in the pages. */
#include "unit.h"
#include "host_memory.h"
#include "hv/errno.h"

static int set_up(void **state)
{
	(void)state;
	host_memory_default();
	return 0;
}

UNIT(pages_come_zeroed_and_aligned)
{
	for (unsigned int order = 0; order < 6; order++) {
		unsigned char *page = page_alloc(order);

		assert_non_null(page);
		assert_int_equal((uintptr_t)page % (PAGE_SIZE << order), 0);
		for (u64 i = 0; i < PAGE_SIZE << order; i++)
			assert_int_equal(page[i], 0);
		page_free(page, order);
	}
}

UNIT(freed_pages_hold_junk_and_are_zeroed_when_used_again)
{
	u64 *page = page_alloc(0);
	u64 *again;

	page[5] = 5;
	page_free(page, 0);
	assert_true(page[5] == 0xccccccccccccccccULL);
	again = page_alloc(0);
	assert_ptr_equal(again, page);
	assert_int_equal(again[5], 0);
}

UNIT(address_of_a_host_page_is_its_physical_address)
{
	char *page = page_alloc(1);

	assert_int_equal(page_to_hpa(page + 4100).raw, (u64)(uintptr_t)page + 4100);
	assert_ptr_equal(page_from_hpa(page_to_hpa(page + 17)), page + 17);
}

static void address_outside(void)
{
	page_from_hpa(hpa(MIB));
}

UNIT(guest_address_is_no_host_page)
{
	assert_true(host_panics(address_outside, "host_range"));
}

UNIT(host_pool_runs_dry_and_recovers)
{
	u64 free_pages = page_free_count();
	void **pages = calloc(free_pages, sizeof(*pages));

	for (u64 i = 0; i < free_pages; i++) {
		pages[i] = page_alloc(0);
		assert_non_null(pages[i]);
	}
	assert_null(page_alloc(0));
	assert_int_equal(page_free_count(), 0);
	for (u64 i = 0; i < free_pages; i++)
		page_free(pages[i], 0);
	assert_int_equal(page_free_count(), free_pages);
	free(pages);
}

UNIT(guest_pool_is_the_sum_of_its_ranges)
{
	pfn_t first;

	assert_int_equal(guest_frame_free_count(), (639 * MIB + 2 * GIB) / PAGE_SIZE);
	assert_int_equal(guest_frame_alloc(18, &first), 0);
	assert_int_equal(first.raw, 4 * GIB / PAGE_SIZE);
	guest_frame_free(first, 18);
	assert_int_equal(guest_frame_free_count(), (639 * MIB + 2 * GIB) / PAGE_SIZE);
}

UNIT(books_of_64_gib_fit_into_8_mib_of_host_pool)
{
	const struct page_range guest = { hpa(4 * GIB), 64 * GIB };
	pfn_t first;

	host_memory_init(8 * MIB, &guest, 1, 1);
	assert_int_equal(guest_frame_free_count(), 64 * GIB / PAGE_SIZE);
	for (u32 i = 0; i < 64; i++)
		assert_int_equal(guest_frame_alloc(18, &first), 0);
	assert_int_equal(first.raw, 67 * GIB / PAGE_SIZE);
	assert_int_equal(guest_frame_alloc(0, &first), -ENOMEM);
}

UNIT(books_that_do_not_fit_are_refused)
{
	const struct page_range guest = { hpa(4 * GIB), 64 * GIB };
	char *arena = aligned_alloc(2 * MIB, 2 * MIB);
	struct page_range host = { hpa((u64)(uintptr_t)arena), 2 * MIB };

	assert_int_equal(page_init(host, &guest, 1), -ENOMEM);
	assert_int_equal(page_init(host, NULL, 0), 0);
	assert_int_equal(guest_frame_free_count(), 0);
	free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(pages_come_zeroed_and_aligned, set_up),
		cmocka_unit_test_setup(freed_pages_hold_junk_and_are_zeroed_when_used_again,
				       set_up),
		cmocka_unit_test_setup(address_of_a_host_page_is_its_physical_address, set_up),
		cmocka_unit_test_setup(guest_address_is_no_host_page, set_up),
		cmocka_unit_test_setup(host_pool_runs_dry_and_recovers, set_up),
		cmocka_unit_test_setup(guest_pool_is_the_sum_of_its_ranges, set_up),
		cmocka_unit_test_setup(books_of_64_gib_fit_into_8_mib_of_host_pool, set_up),
		cmocka_unit_test_setup(books_that_do_not_fit_are_refused, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
