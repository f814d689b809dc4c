/* SPDX-License-Identifier: MIT */
/* Writes of L0 to protected pages, by every path: told once, before the bytes are there, and only
 * where the page is protected. */
#include "protect_fixture.h"
#include "hv/x86.h"
#include "mm/walk_cache.h"

#define PAGE 5u
#define OLD  0x1111111111111111ULL
#define NEW  0x2222222222222222ULL

static struct walk_cache walk;

static int set_up(void **state)
{
	int rc = set_up_protection(state);

	add(0, 64);
	add_with(0x1000, 1, MEMSLOT_READONLY);
	walk_cache_init(&walk, memory, 3);
	for (u64 gfn = 0; gfn < 64; gfn++)
		stamp(gfn, OLD);
	return rc;
}

static int tear_down(void **state)
{
	(void)state;
	walk_cache_deactivate(&walk);
	return 0;
}

/* The first word of the frame, past all windows. */
static u64 word_at(u64 gfn)
{
	u64 value;

	host_guest_ram_read(pfn_to_hpa(frame_of(gfn)), &value, sizeof(value));
	return value;
}

static int by_window(l1_gpa_t gpa)
{
	const u64 value = NEW;

	return guest_write(memory, gpa, &value, sizeof(value));
}

static int by_zeros(l1_gpa_t gpa)
{
	return guest_zero(memory, gpa, sizeof(u64));
}

static int by_bits(l1_gpa_t gpa)
{
	return guest_or_byte(memory, gpa, 0x22);
}

static int by_exchange(l1_gpa_t gpa)
{
	u64 expected = OLD;

	return guest_cmpxchg(memory, gpa, &expected, NEW);
}

static int by_walk(l1_gpa_t gpa)
{
	const u64 value = NEW;

	return walk_cache_write(&walk, gpa, &value, sizeof(value));
}

static int by_walk_bits(l1_gpa_t gpa)
{
	return walk_cache_or_byte(&walk, gpa, 0x22);
}

static int by_walk_exchange(l1_gpa_t gpa)
{
	u64 expected = OLD;

	return walk_cache_cmpxchg(&walk, gpa, &expected, NEW);
}

static const struct {
	int (*write)(l1_gpa_t gpa);
	u64 result;
} paths[] = {
	{ by_window, NEW },           { by_zeros, 0 },           { by_bits, OLD | 0x22 },
	{ by_exchange, NEW },         { by_walk_exchange, NEW }, { by_walk, NEW },
	{ by_walk_bits, OLD | 0x22 },
};

static u64 seen_when_told;

static void look_and_unprotect(u64 gfn)
{
	u64 value;

	seen_when_told = word_at(gfn);
	assert_int_equal(walk_cache_read_u64(&walk, page_at(gfn), &value), 0);
	assert_int_equal(value, seen_when_told);
	unprotect(gfn);
}

UNIT(each_path_tells_before_it_writes_and_only_of_the_page)
{
	in_told = look_and_unprotect;
	for (u32 i = 0; i < ARRAY_SIZE(paths); i++) {
		stamp(PAGE, OLD);
		stamp(PAGE + 1, OLD);
		told = 0;
		assert_int_equal(protect(PAGE), 0);
		ept01_protect_wait(memory);
		assert_int_equal(paths[i].write(page_at(PAGE + 1)), 0);
		assert_int_equal(told, 0);
		assert_int_equal(word_at(PAGE + 1), paths[i].result);
		seen_when_told = 0;
		assert_int_equal(paths[i].write(page_at(PAGE)), 0);
		assert_int_equal(told, 1);
		assert_int_equal(told_gfn, PAGE);
		assert_int_equal(seen_when_told, OLD);
		assert_int_equal(word_at(PAGE), paths[i].result);
		stamp(PAGE, OLD);
		assert_int_equal(paths[i].write(page_at(PAGE)), 0);
		assert_int_equal(told, 1);
	}
}

/* The page is in the walk cache before it is protected, or comes there afterwards. */
UNIT(held_page_is_closed_whenever_it_came)
{
	u64 value;

	for (u32 before = 0; before < 2; before++) {
		walk_cache_deactivate(&walk);
		if (before)
			assert_int_equal(walk_cache_read_u64(&walk, page_at(PAGE), &value), 0);
		told = 0;
		assert_int_equal(protect(PAGE), 0);
		assert_int_equal(walk_cache_read_u64(&walk, page_at(PAGE), &value), 0);
		assert_int_equal(told, 0);
		assert_int_equal(by_walk(page_at(PAGE)), 0);
		assert_int_equal(told, 1);
	}
}

UNIT(each_user_is_asked_until_none_is_left)
{
	for (u32 i = 0; i < ARRAY_SIZE(paths); i++) {
		stamp(PAGE, OLD);
		told = 0;
		for (u32 user = 0; user < 3; user++)
			assert_int_equal(protect(PAGE), 0);
		assert_int_equal(paths[i].write(page_at(PAGE)), 0);
		assert_int_equal(told, 3);
		assert_false(is_protected(PAGE));
	}
}

static void unprotect_and_protect_once(u64 gfn)
{
	unprotect(gfn);
	if (told == 1)
		assert_int_equal(protect(gfn), 0);
}

/* Another CPU has protected it again between the notice and the write. */
UNIT(page_that_is_protected_again_meanwhile_is_told_again)
{
	in_told = unprotect_and_protect_once;
	for (u32 i = 0; i < ARRAY_SIZE(paths); i++) {
		stamp(PAGE, OLD);
		told = 0;
		assert_int_equal(protect(PAGE), 0);
		assert_int_equal(paths[i].write(page_at(PAGE)), 0);
		assert_int_equal(told, 2);
		assert_int_equal(word_at(PAGE), paths[i].result);
	}
}

UNIT(copy_over_several_pages_tells_of_the_protected_ones)
{
	static char bytes[4 * PAGE_SIZE];

	memset(bytes, 0x77, sizeof(bytes));
	assert_int_equal(protect(PAGE), 0);
	assert_int_equal(protect(PAGE + 2), 0);
	assert_int_equal(protect(PAGE + 4), 0);
	assert_int_equal(guest_write(memory, page_at(PAGE - 1), bytes, sizeof(bytes)), 0);
	assert_int_equal(told, 2);
	for (u64 gfn = PAGE - 1; gfn < PAGE + 3; gfn++)
		assert_int_equal(word_at(gfn), 0x7777777777777777ULL);
	assert_int_equal(word_at(PAGE + 3), OLD);
	assert_true(is_protected(PAGE + 4));
}

UNIT(reads_are_not_told)
{
	u64 value;

	assert_int_equal(protect(PAGE), 0);
	assert_int_equal(guest_read(memory, page_at(PAGE), &value, sizeof(value)), 0);
	assert_int_equal(value, OLD);
	assert_int_equal(walk_cache_read(&walk, page_at(PAGE), &value, sizeof(value)), 0);
	assert_int_equal(value, OLD);
	assert_int_equal(told, 0);
	assert_true(is_protected(PAGE));
}

UNIT(writes_that_fail_are_not_told)
{
	assert_int_equal(protect(0x1000), 0);
	assert_int_equal(protect(PAGE), 0);
	remove_at(0);
	for (u32 i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(paths[i].write(page_at(0x1000)), -EFAULT);
		assert_int_equal(paths[i].write(page_at(PAGE)), -EFAULT);
	}
	assert_int_equal(told, 0);
	assert_true(is_protected(0x1000));
	assert_true(is_protected(PAGE));
}

UNIT(new_region_at_a_protected_gfn_is_closed_for_every_path)
{
	u64 value;

	assert_int_equal(walk_cache_read_u64(&walk, page_at(PAGE), &value), 0);
	assert_int_equal(protect(PAGE), 0);
	for (u32 i = 0; i < ARRAY_SIZE(paths); i++) {
		move(0, 0x2000);
		assert_int_equal(paths[i].write(page_at(0x2000 + PAGE)), 0);
		assert_int_equal(told, i);
		move(0x2000, 0);
		stamp(PAGE, OLD);
		assert_int_equal(paths[i].write(page_at(PAGE)), 0);
		assert_int_equal(told, i + 1);
		assert_int_equal(protect(PAGE), 0);
	}
}

/* With a page protected elsewhere, and with this one unprotected again, a held page is written as
 * ever: no window, no look-up. */
UNIT(writes_to_held_pages_cost_no_window_unless_the_page_is_protected)
{
	u64 windows, lookups;

	assert_int_equal(by_walk(page_at(PAGE)), 0);
	assert_int_equal(protect(PAGE), 0);
	assert_int_equal(by_walk(page_at(PAGE)), 0);
	assert_int_equal(by_walk(page_at(PAGE + 1)), 0);
	assert_int_equal(protect(PAGE + 2), 0);
	windows = host_counter(CTR_WINDOW_PTE_WRITES);
	lookups = host_counter(CTR_REGION_LOOKUPS);
	for (u32 i = 0; i < 100; i++) {
		assert_int_equal(by_walk(page_at(PAGE)), 0);
		assert_int_equal(by_walk(page_at(PAGE + 1)), 0);
	}
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), windows);
	assert_int_equal(host_counter(CTR_REGION_LOOKUPS), lookups);
	assert_int_equal(told, 1);
}

/* vCPU 1 holds the page, and may be amid a write that met no protection. */
static void wait_for_who_does_not_let_go(void)
{
	static struct pfn_cache cache;

	pfn_cache_init(&cache, memory, WINDOW_READ);
	pfn_cache_activate(&cache, page_at(PAGE));
	pfn_cache_refresh(&cache);
	pfn_cache_hold(&cache, page_at(PAGE), 1);
	host_x86.tsc_step = BIT(41);
	protect(PAGE);
	ept01_protect_wait(memory);
}

UNIT(wait_is_for_who_held_the_page)
{
	assert_true(host_panics(wait_for_who_does_not_let_go, "vCPU 1 does not let go"));
}

/* A page that is held from after the protection on is waited for by nobody. */
UNIT(wait_is_not_for_who_came_later)
{
	static struct pfn_cache cache;

	pfn_cache_init(&cache, memory, WINDOW_READ);
	pfn_cache_activate(&cache, page_at(PAGE));
	assert_int_equal(pfn_cache_refresh(&cache), 0);
	assert_int_equal(protect(PAGE), 0);
	assert_non_null(pfn_cache_hold(&cache, page_at(PAGE), 1));
	ept01_protect_wait(memory);
	pfn_cache_release(&cache, 1);
	pfn_cache_deactivate(&cache);
}

static u32 pauses;

static void other_cpu_ends_its_section(void)
{
	if (pauses++ < 3)
		return;
	host_run_on(1);
	epoch_read_end();
	host_run_on(0);
	host_x86.pause = NULL;
}

/* CPU 1 has found the page unprotected and is about to copy. */
UNIT(wait_is_for_who_writes_by_a_window)
{
	host_run_on(1);
	epoch_read_begin();
	assert_false(ept01_may_be_protected(memory, l1_gfn(PAGE)));
	host_run_on(0);
	assert_int_equal(protect(PAGE), 0);
	pauses = 0;
	host_x86.pause = other_cpu_ends_its_section;
	ept01_protect_wait(memory);
	assert_int_equal(pauses, 4);
}

static void write_in_a_section(void)
{
	protect(PAGE);
	epoch_read_begin();
	by_window(page_at(PAGE));
}

UNIT(write_in_a_reader_section_is_caught)
{
	assert_true(host_panics(write_in_a_section, "epoch_depth"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_path_tells_before_it_writes_and_only_of_the_page),
		TEST(held_page_is_closed_whenever_it_came),
		TEST(each_user_is_asked_until_none_is_left),
		TEST(page_that_is_protected_again_meanwhile_is_told_again),
		TEST(copy_over_several_pages_tells_of_the_protected_ones),
		TEST(reads_are_not_told),
		TEST(writes_that_fail_are_not_told),
		TEST(new_region_at_a_protected_gfn_is_closed_for_every_path),
		TEST(writes_to_held_pages_cost_no_window_unless_the_page_is_protected),
		TEST(wait_is_for_who_held_the_page),
		TEST(wait_is_not_for_who_came_later),
		TEST(wait_is_for_who_writes_by_a_window),
		TEST(write_in_a_reader_section_is_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
