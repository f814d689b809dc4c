/* SPDX-License-Identifier: MIT */
/*
 * Threads as CPUs: some look regions up, copy from and to them and fault them in, while others add,
 * move, migrate and delete regions. Every region's first page holds a stamp; the frame of a deleted
 * region is poisoned as soon as memslot_delete returns, and so are those that migrated pages leave.
 * A reader must find the stamp or no page, never poison, and what it wrote itself.
 */
#include "race_fixture.h"

#define WRITERS 2u
#define READERS 2u
#define SLOTS   24u /* regions by writer */
#define UPDATES 1500u
#define STAMP   0x5a5a000000000000ULL

static u64 places[WRITERS][SLOTS]; /* gfn of a stamped region, 0: none; atomic */
static u32 writing;                /* writers at work; atomic */
static u64 reads, kicks;           /* atomic */

static void kick_and_wait(u64 cpu_mask)
{
	__atomic_fetch_add(&kicks, cpu_mask != 0, __ATOMIC_RELAXED);
	sched_yield();
}

static int set_up(void **state)
{
	static const struct change_ops ops = { .kick_and_wait = kick_and_wait };

	(void)state;
	race_set_up(WRITERS + READERS, &ops);
	memset(places, 0, sizeof(places));
	writing = WRITERS;
	return 0;
}

/* Each region comes to gfns that none had before, so that what a reader finds there is known. */
static l1_gfn_t fresh_gfn(u32 writer)
{
	static u64 next[WRITERS];

	return l1_gfn((u64)(writer + 1) << 20 | (next[writer]++ % BIT(16)) << 4);
}

static void add_region(u32 writer, u64 *place, u64 pages)
{
	l1_gfn_t gfn = fresh_gfn(writer);
	u64 stamp = STAMP;

	CHECK(memslot_add_ram(memory, gfn, pages, 0) == MEMSLOT_OK);
	CHECK(guest_write(memory, l1_gfn_to_l1_gpa(gfn), &stamp, sizeof(stamp)) == 0);
	__atomic_store_n(place, gfn.raw, __ATOMIC_RELEASE);
}

static void move_region(u32 writer, u64 *place)
{
	l1_gfn_t gfn = fresh_gfn(writer);

	CHECK(memslot_move(memory, l1_gfn(*place), gfn) == MEMSLOT_OK);
	__atomic_store_n(place, gfn.raw, __ATOMIC_RELEASE);
}

/* Any writer's region, which may go meanwhile. */
static void migrate_region(const u64 *place)
{
	u64 gfn = __atomic_load_n(place, __ATOMIC_ACQUIRE);
	enum memslot_result result = memslot_migrate(memory, l1_gfn(gfn), 1);

	CHECK(result == MEMSLOT_OK || result == MEMSLOT_HOLE);
	poison_a_free_frame();
}

static void delete_region(u64 *place)
{
	CHECK(memslot_delete(memory, l1_gfn(*place)) == MEMSLOT_OK);
	poison_a_free_frame();
	__atomic_store_n(place, 0, __ATOMIC_RELEASE);
}

/* However the host shares its CPUs out, readers were there, and met what writers took away. */
static bool is_enough(void)
{
	return __atomic_load_n(&reads, __ATOMIC_RELAXED) > UPDATES / 10 &&
	       __atomic_load_n(&kicks, __ATOMIC_RELAXED) > 0;
}

static void *writer_main(void *argument)
{
	u32 me = (u32)(uintptr_t)argument;
	u64 seed = me + 1;

	host_run_on(me);
	for (u32 i = 0; i < UPDATES || !is_enough(); i++) {
		u64 *place = &places[me][unit_random(&seed) % SLOTS];

		if (!*place)
			add_region(me, place, unit_random(&seed) % 16 + 1);
		else if (unit_random(&seed) % 2)
			delete_region(place);
		else if (unit_random(&seed) % 2)
			migrate_region(&places[unit_random(&seed) % WRITERS][place - places[me]]);
		else
			move_region(me, place);
	}
	for (u32 i = 0; i < SLOTS; i++)
		if (places[me][i])
			delete_region(&places[me][i]);
	__atomic_fetch_sub(&writing, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* A reader's own word of a page: what was written is there, wherever the page is meanwhile. */
static void write_one(u32 me, u64 gfn, u64 value)
{
	l1_gpa_t gpa = l1_gpa_add(l1_gfn_to_l1_gpa(l1_gfn(gfn)), 64 * (u64)me);
	u64 back = value;
	int rc = guest_write(memory, gpa, &value, sizeof(value));

	CHECK(rc == 0 || rc == -EFAULT);
	if (rc == 0 && guest_read(memory, gpa, &back, sizeof(back)) == 0)
		CHECK(back == value);
}

static void read_one(u64 gfn, bool fault)
{
	l1_gpa_t gpa = l1_gfn_to_l1_gpa(l1_gfn(gfn));
	struct memslot_frame frame;
	u64 stamp = 0;
	int rc = fault ? ept01_fault(memory, gpa, true) : 0;

	CHECK(rc == 0 || rc == -ENOENT);
	rc = guest_read(memory, gpa, &stamp, sizeof(stamp));
	CHECK(rc == -EFAULT || (rc == 0 && stamp == STAMP));
	rc = memslot_find(memory, l1_gfn(gfn), &frame);
	CHECK(rc == -ENOENT || rc == -EAGAIN || (rc == 0 && frame.run >= 1 && frame.run <= 16));
}

static void *reader_main(void *argument)
{
	u32 me = (u32)(uintptr_t)argument;
	u64 seed = me + 100;

	host_run_on(me);
	change_cpu_joins(memory);
	while (__atomic_load_n(&writing, __ATOMIC_ACQUIRE)) {
		u64 *place = &places[unit_random(&seed) % WRITERS][unit_random(&seed) % SLOTS];
		u64 gfn = __atomic_load_n(place, __ATOMIC_ACQUIRE);

		if (gfn) {
			read_one(gfn, unit_random(&seed) % 4 == 0);
			write_one(me, gfn, unit_random(&seed));
		}
		__atomic_fetch_add(&reads, gfn != 0, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *thread_main(void *number)
{
	return (uintptr_t)number < WRITERS ? writer_main(number) : reader_main(number);
}

UNIT(readers_find_a_region_whole_or_not_at_all)
{
	u64 frames = guest_frame_free_count();

	race(WRITERS + READERS, thread_main);
	assert_true(is_enough());
	/* Nothing leaked: all frames, all objects, all leaves. */
	epoch_wait(&memory->retired);
	assert_int_equal(guest_frame_free_count(), frames);
	assert_int_equal(memory->objects.free_count % (PAGE_SIZE / OBJECT_BYTES), 0);
	assert_int_equal(memslot_count(memory), 0);
	assert_int_equal(memory->active, 0);
	assert_int_equal(memory->ept01.leaves[EPT_LEVEL_4K] + memory->ept01.leaves[EPT_LEVEL_2M],
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(readers_find_a_region_whole_or_not_at_all, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
