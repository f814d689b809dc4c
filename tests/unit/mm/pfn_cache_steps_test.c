/* SPDX-License-Identifier: MIT */
/* mm/pfn_cache.c: another CPU comes in between at each step of a verb. The steps are where the
 * memory's lock is taken, where a window PTE is stored without it, and where a CPU waits. */
#include <pthread.h>
#include <sched.h>
#include "pfn_fixture.h"

static struct pfn_cache cache;
static u32 step;       /* steps since arm() */
static u32 armed_step; /* the one at which the intruder acts */
static void (*intruder)(void);
static pthread_t thread;

static void come_in(void)
{
	void (*act)(void) = intruder;

	if (step++ != armed_step || !act)
		return;
	intruder = NULL;
	host_run_on(1);
	act();
	host_run_on(0);
}

static void at_lock(struct spinlock *lock)
{
	if (lock == &memory->lock)
		come_in();
}

static void at_store(u64 *entry, u64 old)
{
	(void)entry;
	(void)old;
	if (memory->lock.next == memory->lock.serving)
		come_in();
}

static void arm(void (*act)(void), u32 at)
{
	intruder = act;
	step = 0;
	armed_step = at;
	host_lock_watch = at_lock;
	host_store_watch = at_store;
}

/* Was there such a step? */
static bool disarm(void)
{
	host_lock_watch = NULL;
	host_store_watch = NULL;
	host_x86.pause = NULL;
	return !intruder;
}

static int set_up(void **state)
{
	(void)state;
	set_up_memory();
	intruder = NULL;
	add(10, 4);
	add(100, 4);
	stamp(11, 0x11);
	stamp(100, 0x100);
	pfn_cache_init(&cache, memory, WINDOW_READ);
	return 0;
}

/* Valid means: what the page is now. */
static void expect_current(void)
{
	struct memslot_frame frame;
	u64 word;

	if (!pfn_cache_check(&cache, page_at(11)))
		return;
	assert_int_equal(memslot_find(memory, l1_gfn(11), &frame), 0);
	host_guest_ram_read(pfn_to_hpa(frame.pfn), &word, sizeof(word));
	assert_int_equal(word_of(&cache, 11), word);
	assert_int_equal(cache.read_only, (frame.flags & MEMSLOT_READONLY) != 0);
}

static void take_away(void)
{
	remove_at(10);
}

static void replace(void)
{
	remove_at(10);
	move(100, 11);
}

static void move_away_and_back(void)
{
	move(10, 200);
	move(200, 10);
}

static void make_read_only(void)
{
	assert_int_equal(memslot_set_flags(memory, l1_gfn(10), MEMSLOT_READONLY), MEMSLOT_OK);
}

static void refresh_too(void)
{
	int rc = pfn_cache_refresh(&cache);

	assert_true(rc == -EBUSY || rc == 0 || rc == -EINVAL);
}

static void refresh_and_replace(void)
{
	refresh_too();
	replace();
}

static void (*const intruders[])(void) = { take_away,      replace,     move_away_and_back,
					   make_read_only, refresh_too, refresh_and_replace };

/* Run a verb with each intruder at each of its steps. Returns how many there were. */
static u32 at_each_step(void (*verb)(void), bool refreshed_before)
{
	u32 steps = 0;

	for (u32 i = 0; i < ARRAY_SIZE(intruders); i++) {
		bool came = true;

		for (u32 at = 0; came; at++) {
			set_up(NULL);
			if (refreshed_before) {
				pfn_cache_activate(&cache, page_at(11));
				assert_int_equal(pfn_cache_refresh(&cache), 0);
				move_away_and_back();
			}
			arm(intruders[i], at);
			verb();
			came = disarm();
			steps += came;
			expect_current();
			if (!(cache.state & PFN_CACHE_ACTIVE))
				continue;
			/* Nothing is left behind that would not let it go on. */
			assert_false(cache.state & (PFN_CACHE_REFRESHING | PFN_CACHE_HELD_BY_ANY));
			assert_int_not_equal(pfn_cache_refresh(&cache), -EBUSY);
			expect_current();
			pfn_cache_deactivate(&cache);
		}
	}
	return steps;
}

static void activate_and_refresh(void)
{
	pfn_cache_activate(&cache, page_at(11));
	(void)pfn_cache_refresh(&cache);
}

static void refresh(void)
{
	(void)pfn_cache_refresh(&cache);
}

static void move_here(void)
{
	pfn_cache_activate(&cache, page_at(100));
	(void)pfn_cache_move(&cache, page_at(11));
}

static void move_away(void)
{
	refresh();
	(void)pfn_cache_move(&cache, page_at(13));
}

static void deactivate(void)
{
	pfn_cache_deactivate(&cache);
	assert_false(pfn_cache_check(&cache, page_at(11)));
	assert_null(cache.slot);
	assert_int_equal(memory->caches.count, 0);
}

static void refresh_and_deactivate(void)
{
	refresh();
	deactivate();
}

UNIT(valid_is_current_whatever_came_between)
{
	assert_true(at_each_step(activate_and_refresh, false) >= 2 * ARRAY_SIZE(intruders));
	assert_true(at_each_step(refresh, true) >= ARRAY_SIZE(intruders));
	assert_true(at_each_step(move_here, false) >= 2 * ARRAY_SIZE(intruders));
	assert_true(at_each_step(move_away, true) >= 2 * ARRAY_SIZE(intruders));
	assert_true(at_each_step(deactivate, true) >= ARRAY_SIZE(intruders));
	assert_true(at_each_step(refresh_and_deactivate, true) >= 2 * ARRAY_SIZE(intruders));
}

UNIT(refresh_that_a_change_overtook_begins_again)
{
	pfn_cache_activate(&cache, page_at(11));
	arm(replace, 0); /* between the look-up and the lock */
	assert_int_equal(pfn_cache_refresh(&cache), 0);
	assert_true(disarm());
	assert_int_equal(word_of(&cache, 11), 0x100);
	assert_int_equal(host_counter(CTR_CACHE_OVERTAKEN), 1);
}

static void add_it(void)
{
	move(100, 11);
}

UNIT(error_that_an_addition_overtook_is_not_told)
{
	pfn_cache_activate(&cache, page_at(11));
	remove_at(10);
	arm(add_it, 0); /* between the look-up and the lock */
	assert_int_equal(pfn_cache_refresh(&cache), 0);
	assert_true(disarm());
	assert_int_equal(word_of(&cache, 11), 0x100);
}

static u32 waits;

static void let_go_after_a_while(void)
{
	assert_int_equal(*(u64 *)(void *)cache.va, 0x11); /* still there */
	if (++waits == 3)
		pfn_cache_release(&cache, 5);
}

static void hold_by_another(void)
{
	waits = 0;
	pfn_cache_activate(&cache, page_at(11));
	assert_int_equal(pfn_cache_refresh(&cache), 0);
	assert_non_null(pfn_cache_hold(&cache, page_at(11), 5));
	host_x86.pause = let_go_after_a_while;
}

UNIT(change_waits_for_holders)
{
	u64 frames = guest_frame_free_count();

	hold_by_another();
	remove_at(10);
	assert_int_equal(waits, 3);
	assert_int_equal(guest_frame_free_count(), frames + 4);
	assert_int_equal(host_counter(CTR_CACHE_HOLDER_WAITS), 1);
	disarm();
}

UNIT(change_of_other_pages_waits_for_nobody)
{
	hold_by_another();
	remove_at(100);
	assert_int_equal(waits, 0);
	pfn_cache_release(&cache, 5);
	disarm();
}

UNIT(deactivation_waits_for_holders)
{
	hold_by_another();
	deactivate();
	assert_int_equal(waits, 3);
	disarm();
}

static void delete_while_a_holder_is_waited_for(void)
{
	static bool inside;

	if (inside) {
		let_go_after_a_while();
		return;
	}
	inside = true;
	host_run_on(1);
	remove_at(10);
	host_run_on(0);
	inside = false;
	assert_int_equal(waits, 3);
}

/* A cache that is on its way out is still found by a change, which must wait too. */
UNIT(change_waits_for_holders_of_a_cache_that_is_deactivated)
{
	hold_by_another();
	host_x86.pause = delete_while_a_holder_is_waited_for;
	deactivate();
	disarm();
}

/* There is another page by now, which is not mapped yet. */
static void refresh_while_held(void)
{
	host_run_on(1);
	if (waits == 0)
		move(100, 11);
	assert_int_equal(pfn_cache_refresh(&cache), -EBUSY);
	host_run_on(0);
	let_go_after_a_while();
}

UNIT(refresh_leaves_the_mapping_to_a_holder)
{
	hold_by_another();
	host_x86.pause = refresh_while_held;
	remove_at(10);
	disarm();
	assert_int_equal(waits, 3);
	assert_int_equal(pfn_cache_refresh(&cache), 0);
	assert_int_equal(word_of(&cache, 11), 0x100);
}

static u32 deactivator_waits; /* atomic */

static void note_wait(void)
{
	if (host_cpu->index == 1)
		__atomic_store_n(&deactivator_waits, 1, __ATOMIC_RELEASE);
}

static void *deactivator(void *argument)
{
	host_run_on(1);
	pfn_cache_deactivate(&cache);
	return argument;
}

/* Let the other CPU deactivate, up to where it waits, or is through. */
static void begin_deactivation(void)
{
	host_x86.pause = note_wait;
	assert_int_equal(pthread_create(&thread, NULL, deactivator, NULL), 0);
	for (u32 i = 0; i < 100000 && !__atomic_load_n(&deactivator_waits, __ATOMIC_ACQUIRE); i++)
		sched_yield();
}

UNIT(deactivation_waits_for_a_refresh_under_way)
{
	pfn_cache_activate(&cache, page_at(11));
	arm(begin_deactivation, 0);
	assert_int_equal(pfn_cache_refresh(&cache), 0);
	pthread_join(thread, NULL);
	assert_true(disarm());
	assert_true(deactivator_waits);
	assert_int_equal(cache.state, 1 * BIT(32));
	assert_null(cache.slot);
	assert_int_equal(memory->caches.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(valid_is_current_whatever_came_between, set_up),
		cmocka_unit_test_setup(refresh_that_a_change_overtook_begins_again, set_up),
		cmocka_unit_test_setup(error_that_an_addition_overtook_is_not_told, set_up),
		cmocka_unit_test_setup(change_waits_for_holders, set_up),
		cmocka_unit_test_setup(change_of_other_pages_waits_for_nobody, set_up),
		cmocka_unit_test_setup(deactivation_waits_for_holders, set_up),
		cmocka_unit_test_setup(change_waits_for_holders_of_a_cache_that_is_deactivated,
				       set_up),
		cmocka_unit_test_setup(refresh_leaves_the_mapping_to_a_holder, set_up),
		cmocka_unit_test_setup(deactivation_waits_for_a_refresh_under_way, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
