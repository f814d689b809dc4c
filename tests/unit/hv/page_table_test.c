/* SPDX-License-Identifier: MIT */
/* L0's page tables on host memory:
 * pages of the test program play physical memory, mapped one to one. */
#include "unit.h"
#include "hv/errno.h"
#include "hv/page_table.h"

#define PAGES_MAX 256
#define VA        0xffffa00000000000ULL
#define HPA       0x40000000ULL
#define SIZE_2M   (2 * MIB)

static void *pages[PAGES_MAX];
static u32 pages_made, pages_allowed;

static void *take_page(unsigned int order)
{
	size_t bytes = (size_t)PAGE_SIZE << order;

	if (pages_made == pages_allowed)
		return NULL;
	pages[pages_made] = aligned_alloc(bytes, bytes);
	assert_non_null(pages[pages_made]);
	return memset(pages[pages_made++], 0, bytes);
}

static int setup(void **state)
{
	static struct page_table table;

	pages_made = 0;
	pages_allowed = PAGES_MAX;
	*state = &table;
	return page_table_init(&table, take_page);
}

static int teardown(void **state)
{
	(void)state;
	while (pages_made > 0)
		free(pages[--pages_made]);
	return 0;
}

/* Visit every leaf, whatever its size. */
struct leaves {
	u32 small, large;
	bool writable_and_executable;
	bool for_user;
};

static void walk(const u64 *table, u32 level, struct leaves *leaves)
{
	for (u32 i = 0; i < 512; i++) {
		bool leaf = level == 0 || table[i] & PTE_LARGE;

		if (!(table[i] & PTE_PRESENT))
			continue;
		leaves->for_user |= (table[i] & BIT(2)) != 0;
		if (!leaf) {
			walk((const u64 *)(uintptr_t)(table[i] & PTE_ADDRESS), level - 1, leaves);
			continue;
		}
		leaves->small += level == 0;
		leaves->large += level != 0;
		if (table[i] & PTE_WRITE && !(table[i] & PTE_NO_EXECUTE))
			leaves->writable_and_executable = true;
	}
}

UNIT(large_leaves_where_both_addresses_allow)
{
	struct page_table *table = *state;
	struct page_span span = { VA + SIZE_2M - PAGE_SIZE, HPA - PAGE_SIZE,
				  2 * SIZE_2M + 2 * PAGE_SIZE };
	struct page_span skewed = { VA + 16 * SIZE_2M, HPA + PAGE_SIZE, SIZE_2M };
	struct leaves leaves = { 0 };

	assert_int_equal(page_table_map(table, span, PAGE_DATA), 0);
	walk(table->root, 3, &leaves);
	assert_int_equal(leaves.large, 2);
	assert_int_equal(leaves.small, 2);
	assert_int_equal(page_table_map(table, skewed, PAGE_DATA), 0);
	leaves = (struct leaves){ 0 };
	walk(table->root, 3, &leaves);
	assert_int_equal(leaves.large, 2);
	assert_int_equal(leaves.small, 2 + 512);
}

UNIT(every_page_of_a_span_leads_to_its_frame)
{
	struct page_table *table = *state;
	struct page_span span = { VA + SIZE_2M - 2 * PAGE_SIZE, HPA - 2 * PAGE_SIZE,
				  SIZE_2M + 5 * PAGE_SIZE };

	assert_int_equal(page_table_map(table, span, PAGE_CONST), 0);
	for (u64 at = 0; at < span.size; at += PAGE_SIZE) {
		const u64 *entry = page_table_find(table, span.va + at);
		u64 inside = *entry & PTE_LARGE ? (span.va + at) % SIZE_2M : 0;

		assert_int_equal((*entry & PTE_ADDRESS) + inside, span.hpa + at);
	}
	assert_null(page_table_find(table, span.va - 1));
	assert_null(page_table_find(table, span.va + span.size));
	assert_null(page_table_find(table, 0));
}

UNIT(no_purpose_is_writable_and_executable)
{
	struct page_table *table = *state;
	struct leaves leaves = { 0 };

	for (enum page_purpose purpose = PAGE_CODE; purpose < PAGE_PURPOSES; purpose++) {
		struct page_span span = { VA + purpose * 8 * SIZE_2M, HPA, SIZE_2M + PAGE_SIZE };

		assert_int_equal(page_table_map(table, span, purpose), 0);
	}
	walk(table->root, 3, &leaves);
	assert_int_equal(leaves.small, PAGE_PURPOSES);
	assert_int_equal(leaves.large, PAGE_PURPOSES);
	assert_false(leaves.writable_and_executable);
	assert_false(leaves.for_user);
}

UNIT(purposes_have_their_rights)
{
	static const struct {
		enum page_purpose purpose;
		u64 set, clear;
	} cases[] = {
		{ PAGE_CODE, PTE_PRESENT, PTE_WRITE | PTE_NO_EXECUTE | PTE_CACHE_DISABLE },
		{ PAGE_CONST, PTE_NO_EXECUTE, PTE_WRITE | PTE_CACHE_DISABLE },
		{ PAGE_DATA, PTE_NO_EXECUTE | PTE_WRITE, PTE_CACHE_DISABLE },
		{ PAGE_DEVICE, PTE_NO_EXECUTE | PTE_WRITE | PTE_CACHE_DISABLE | PTE_WRITE_THROUGH,
		  0 },
	};
	struct page_table *table = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct page_span span = { VA + i * PAGE_SIZE, HPA, PAGE_SIZE };
		u64 entry;

		assert_int_equal(page_table_map(table, span, cases[i].purpose), 0);
		entry = *page_table_find(table, span.va);
		assert_int_equal(entry & cases[i].set, cases[i].set);
		assert_int_equal(entry & cases[i].clear, 0);
	}
}

UNIT(mapping_twice_is_refused)
{
	struct page_table *table = *state;
	struct page_span large = { VA, HPA, SIZE_2M };
	struct page_span inside = { VA + PAGE_SIZE, HPA, PAGE_SIZE };
	struct page_span beside = { VA + SIZE_2M, HPA, PAGE_SIZE };
	struct page_span over = { VA + SIZE_2M, HPA, SIZE_2M };

	assert_int_equal(page_table_map(table, large, PAGE_DATA), 0);
	assert_int_equal(page_table_map(table, inside, PAGE_DATA), -EEXIST);
	assert_int_equal(page_table_map(table, beside, PAGE_DATA), 0);
	assert_int_equal(page_table_map(table, beside, PAGE_CODE), -EEXIST);
	assert_int_equal(page_table_map(table, over, PAGE_DATA), -EEXIST);
}

UNIT(reserved_entries_are_one_array)
{
	struct page_table *table = *state;
	u64 *entries = page_table_reserve(table, VA, 1300);

	assert_non_null(entries);
	assert_null(page_table_find(table, VA));
	for (u32 i = 0; i < 1300; i += 13) {
		entries[i] = (HPA + i * PAGE_SIZE) | PTE_PRESENT;
		assert_ptr_equal(page_table_find(table, VA + i * PAGE_SIZE), &entries[i]);
	}
	assert_null(page_table_reserve(table, VA, 1));
}

/* Wherever the pages run out, the caller is told. */
UNIT(running_out_of_pages_is_reported)
{
	struct page_table *table = *state;
	struct page_span span = { VA, HPA, PAGE_SIZE };

	for (u32 left = 0; left < 3; left++) {
		pages_allowed = pages_made + left;
		assert_int_equal(page_table_map(table, span, PAGE_DATA), -ENOMEM);
		pages_allowed = pages_made;
		assert_null(page_table_reserve(table, VA + GIB, 1));
		teardown(state);
		setup(state);
	}
	pages_allowed = pages_made;
	assert_int_equal(page_table_init(table, take_page), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(large_leaves_where_both_addresses_allow, setup,
						teardown),
		cmocka_unit_test_setup_teardown(every_page_of_a_span_leads_to_its_frame, setup,
						teardown),
		cmocka_unit_test_setup_teardown(no_purpose_is_writable_and_executable, setup,
						teardown),
		cmocka_unit_test_setup_teardown(purposes_have_their_rights, setup, teardown),
		cmocka_unit_test_setup_teardown(mapping_twice_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(reserved_entries_are_one_array, setup, teardown),
		cmocka_unit_test_setup_teardown(running_out_of_pages_is_reported, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
