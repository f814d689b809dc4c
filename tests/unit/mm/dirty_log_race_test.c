/* SPDX-License-Identifier: MIT */
/*
 * Threads as CPUs: some write to pages that log, by windows and by their walk caches, while one
 * takes the log and copies what it is told, and one has pages migrate and go in and out of a
 * balloon, and writes to the frames that they leave. In the end the copy is what the pages say,
 * and nobody has ever read what was written to free frames.
 */
#include "race_fixture.h"
#include "mm/walk_cache.h"

#define WRITERS 2u
#define THREADS (WRITERS + 2u)
#define HERE    4096ULL
#define PAGES   24u
#define MOVING  16u /* from here on pages come and go, and nobody writes to them but with zeros */
#define BUFFER  16ULL
#define ROUNDS  600u

static struct walk_cache walks[WRITERS];
static u64 copy[PAGES];
static u64 writes; /* atomic */
static u32 taking; /* atomic: rounds to go on */

static void kick_and_wait(u64 cpu_mask)
{
	(void)cpu_mask;
	sched_yield();
}

static l1_gpa_t page_at(u64 gfn)
{
	return l1_gfn_to_l1_gpa(l1_gfn(gfn));
}

static int set_up(void **state)
{
	static const struct change_ops ops = { .kick_and_wait = kick_and_wait };

	(void)state;
	race_set_up(THREADS, &ops);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(BUFFER), 1, 0), MEMSLOT_OK);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(HERE), PAGES, MEMSLOT_LOG_DIRTY),
			 MEMSLOT_OK);
	assert_int_equal(guest_zero(memory, page_at(HERE), PAGES * PAGE_SIZE), 0);
	for (u32 i = 0; i < WRITERS; i++)
		walk_cache_init(&walks[i], memory, i);
	change_cpu_joins(memory);
	taking = ROUNDS;
	return 0;
}

static bool is_going_on(void)
{
	return __atomic_load_n(&taking, __ATOMIC_ACQUIRE);
}

/* Each has pages of its own to count up in; any may read those that come and go. */
static void *writer_main(void *argument)
{
	u32 me = (u32)(uintptr_t)argument;
	u64 seed = me + 1, found;

	host_run_on(me);
	while (is_going_on()) {
		u64 page = unit_random(&seed) % (MOVING / WRITERS) * WRITERS + me;
		l1_gpa_t at = page_at(HERE + page);

		CHECK(guest_read(memory, at, &found, sizeof(found)) == 0);
		found++;
		if (seed & 64)
			CHECK(guest_write(memory, at, &found, sizeof(found)) == 0);
		else
			CHECK(walk_cache_write(&walks[me], at, &found, sizeof(found)) == 0);
		at = page_at(HERE + MOVING + page % (PAGES - MOVING));
		if (guest_read(memory, at, &found, sizeof(found)) == 0)
			CHECK(found == 0);
		if (walk_cache_read(&walks[me], at, &found, sizeof(found)) == 0)
			CHECK(found == 0);
		__atomic_fetch_add(&writes, 1, __ATOMIC_RELAXED);
	}
	walk_cache_deactivate(&walks[me]);
	return NULL;
}

static void take_and_copy(void)
{
	struct dirty_buffer buffer = { page_at(BUFFER), sizeof(u64), 0 };
	u64 bits;

	CHECK(memslot_take_dirty(memory, l1_gfn(HERE), &buffer) == MEMSLOT_OK);
	CHECK(guest_read(memory, buffer.at, &bits, sizeof(bits)) == 0);
	for (u64 page = 0; page < MOVING; page++)
		if (bits >> page & 1)
			CHECK(guest_read(memory, page_at(HERE + page), &copy[page], 8) == 0);
}

static void *taker_main(void *argument)
{
	host_run_on((u32)(uintptr_t)argument);
	for (u32 i = 0; i < ROUNDS; i++) {
		take_and_copy();
		sched_yield();
		/* However the host shares its CPUs out, there is something to take. */
		while (__atomic_load_n(&writes, __ATOMIC_RELAXED) < i)
			sched_yield();
		__atomic_fetch_sub(&taking, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void *mover_main(void *argument)
{
	u64 seed = 7;

	host_run_on((u32)(uintptr_t)argument);
	while (is_going_on()) {
		l1_gfn_t gfn = l1_gfn(HERE + MOVING + unit_random(&seed) % (PAGES - MOVING));

		CHECK(memslot_balloon_out(memory, gfn, 1) == MEMSLOT_OK);
		poison_a_free_frame();
		CHECK(memslot_balloon_in(memory, gfn, 1) == MEMSLOT_OK);
		CHECK(memslot_migrate(memory, l1_gfn(HERE), PAGES) == MEMSLOT_OK);
		poison_a_free_frame();
	}
	return NULL;
}

static void *thread_main(void *number)
{
	if ((uintptr_t)number < WRITERS)
		return writer_main(number);
	return (uintptr_t)number == WRITERS ? taker_main(number) : mover_main(number);
}

UNIT(no_write_is_left_out_and_no_free_frame_is_read)
{
	race(THREADS, thread_main);
	host_run_on(0);
	take_and_copy();
	for (u64 page = 0; page < MOVING; page++) {
		u64 now;

		assert_int_equal(guest_read(memory, page_at(HERE + page), &now, sizeof(now)), 0);
		assert_int_equal(now, copy[page]);
	}
	assert_true(writes >= ROUNDS - 1);
	assert_int_equal(memory->active, 0);
	assert_false(memory->exclusive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_write_is_left_out_and_no_free_frame_is_read, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
