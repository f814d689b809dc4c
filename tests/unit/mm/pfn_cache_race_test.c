/* SPDX-License-Identifier: MIT */
/*
 * Threads as CPUs. Some own a walk cache each, and all hold, refresh, activate and deactivate a few
 * pfn-caches that they share; others add, move and delete regions, and poison the frame of a
 * deleted one at once. Who holds a page sees the page's stamp, never poison and never a hole.
 * Guests are played: a vCPU is in its guest between a gate that it found lowered and its next look,
 * and whoever is called out must be out before the frame goes.
 */
#include "race_fixture.h"
#include "mm/walk_cache.h"

#define WRITERS 2u
#define READERS 3u
#define SLOTS   12u /* regions by writer */
#define SHARED  4u  /* pfn-caches for host use */
#define UPDATES 600u
#define STAMP   0x5a5a000000000000ULL

static struct walk_cache walks[READERS];
static struct pfn_cache shared[SHARED];
static u32 turns[SHARED]; /* who activates or deactivates it now, + 1; atomic */
static struct pfn_cache used[READERS];
static struct pfn_user users[READERS];
static u64 guests[READERS];   /* the frame that the reader's guest has, + 1; 0: in root; atomic */
static u32 requests[READERS]; /* the reader is asked to leave its guest; atomic */
static u64 places[WRITERS * SLOTS]; /* gfn of a stamped region, 0: none; atomic */
static u32 writing;                 /* writers at work; atomic */
static u64 hits, entries, called;   /* atomic */

static void kick_and_wait(u64 cpu_mask)
{
	(void)cpu_mask;
}

/* As vmx/request.c: ask, then wait until the guest is left or the request was taken. */
static void call_out(u64 vcpu_mask)
{
	__atomic_fetch_add(&called, 1, __ATOMIC_RELAXED);
	for (u32 i = 0; i < READERS; i++)
		if (vcpu_mask & BIT(i))
			__atomic_store_n(&requests[i], 1, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < READERS; i++)
		while ((vcpu_mask & BIT(i)) && __atomic_load_n(&guests[i], __ATOMIC_SEQ_CST) &&
		       __atomic_load_n(&requests[i], __ATOMIC_SEQ_CST))
			sched_yield();
}

static int set_up(void **state)
{
	static const struct change_ops ops = { .kick_and_wait = kick_and_wait,
					       .call_out = call_out };

	(void)state;
	race_set_up(WRITERS + READERS, &ops);
	for (u32 i = 0; i < SHARED; i++)
		pfn_cache_init(&shared[i], memory, WINDOW_READ);
	for (u32 i = 0; i < READERS; i++) {
		walk_cache_init(&walks[i], memory, i);
		pfn_cache_init_guest(&used[i], memory, &users[i], 0);
	}
	writing = WRITERS;
	return 0;
}

/* Few gfns, so that what is cached is hit again and again. */
static l1_gfn_t some_gfn(u32 writer, u64 *seed)
{
	return l1_gfn((u64)(writer + 1) << 20 | (unit_random(seed) % 32) << 4);
}

static void add_region(u32 writer, u64 *place, u64 *seed)
{
	l1_gfn_t gfn = some_gfn(writer, seed);
	u64 pages = unit_random(seed) % 16 + 1, stamp = STAMP;

	/* Stamped elsewhere, so that nobody sees it before. */
	l1_gfn_t hidden = l1_gfn((u64)(writer + 1) << 24);

	CHECK(memslot_add_ram(memory, hidden, pages, 0) == MEMSLOT_OK);
	CHECK(guest_write(memory, l1_gfn_to_l1_gpa(hidden), &stamp, sizeof(stamp)) == 0);
	if (memslot_move(memory, hidden, gfn) == MEMSLOT_OK)
		__atomic_store_n(place, gfn.raw, __ATOMIC_RELEASE);
	else
		CHECK(memslot_delete(memory, hidden) == MEMSLOT_OK);
}

static void move_region(u32 writer, u64 *place, u64 *seed)
{
	l1_gfn_t gfn = some_gfn(writer, seed);

	if (memslot_move(memory, l1_gfn(*place), gfn) == MEMSLOT_OK)
		__atomic_store_n(place, gfn.raw, __ATOMIC_RELEASE);
}

/* No guest has it: called out were all that had. */
static void poison(pfn_t frame)
{
	const u64 word = RACE_POISON;

	for (u32 i = 0; i < READERS; i++)
		CHECK(__atomic_load_n(&guests[i], __ATOMIC_SEQ_CST) != frame.raw + 1);
	host_guest_ram_write(pfn_to_hpa(frame), &word, sizeof(word));
}

static void delete_region(u64 *place)
{
	struct memslot_frame first = { .run = 0 };
	pfn_t frame;

	CHECK(memslot_find(memory, l1_gfn(*place), &first) == 0);
	CHECK(memslot_delete(memory, l1_gfn(*place)) == MEMSLOT_OK);
	/* The pool gives its lowest frame, mostly the one that has just come back. */
	if (guest_frame_alloc(0, &frame) == 0) {
		if (frame.raw == first.pfn.raw)
			poison(frame);
		guest_frame_free(frame, 0);
	}
	__atomic_store_n(place, 0, __ATOMIC_RELEASE);
}

/* However the host shares its CPUs out, everything happened. */
static bool is_enough(void)
{
	return __atomic_load_n(&hits, __ATOMIC_RELAXED) > UPDATES &&
	       __atomic_load_n(&entries, __ATOMIC_RELAXED) > UPDATES / 10 &&
	       __atomic_load_n(&called, __ATOMIC_RELAXED) > 0;
}

static void *writer_main(void *argument)
{
	u32 me = (u32)(uintptr_t)argument;
	u64 seed = me + 1;

	host_run_on(me);
	for (u32 i = 0; i < UPDATES || !is_enough(); i++) {
		u64 *place = &places[me * SLOTS + unit_random(&seed) % SLOTS];

		if (!*place)
			add_region(me, place, &seed);
		else if (unit_random(&seed) % 2)
			delete_region(place);
		else
			move_region(me, place, &seed);
		sched_yield();
	}
	for (u32 i = 0; i < SLOTS; i++)
		if (places[me * SLOTS + i])
			delete_region(&places[me * SLOTS + i]);
	__atomic_fetch_sub(&writing, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void walk_one(u32 me, l1_gpa_t gpa, bool generic)
{
	u64 word = STAMP;
	int rc = generic ? walk_cache_read(&walks[me], gpa, &word, sizeof(word))
			 : walk_cache_read_u64(&walks[me], gpa, &word);

	CHECK((rc == 0 && word == STAMP) || rc == -EFAULT);
}

static void hold_one(u32 me, struct pfn_cache *cache, l1_gpa_t gpa)
{
	u64 *page = pfn_cache_hold(cache, gpa, me);

	if (!page)
		return;
	CHECK(pfn_cache_check(cache, gpa) || cache->gpa.raw == gpa.raw);
	for (u32 i = 0; i < 3; i++)
		CHECK(__atomic_load_n(page, __ATOMIC_RELAXED) == STAMP);
	pfn_cache_release(cache, me);
	__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
}

static void share_one(u32 me, l1_gpa_t gpa, u64 kind)
{
	u32 number = (u32)(kind / 8 % SHARED), nobody = 0;
	struct pfn_cache *cache = &shared[number];
	int rc;

	/* Only its owner of the moment moves it to another page; anybody refreshes it. */
	if (kind % 8 == 0 && __atomic_compare_exchange_n(&turns[number], &nobody, me + 1, false,
							 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		pfn_cache_deactivate(cache);
		pfn_cache_activate(cache, gpa);
		__atomic_store_n(&turns[number], 0, __ATOMIC_RELEASE);
	}
	rc = pfn_cache_refresh(cache);
	CHECK(rc == 0 || rc == -ENOENT || rc == -EBUSY || rc == -EINVAL);
	hold_one(me, cache, gpa);
	hold_one(me, cache, l1_gpa(__atomic_load_n(&cache->gpa.raw, __ATOMIC_RELAXED)));
}

/* The gate: declare to be in the guest, with a full fence, then test. */
static void enter_one(u32 me, l1_gpa_t gpa, bool change)
{
	pfn_t pfn;

	if (change) {
		pfn_cache_deactivate(&used[me]);
		pfn_cache_activate(&used[me], gpa);
	}
	if (pfn_cache_use(&used[me], me, &pfn))
		return;
	for (u32 i = 0; i < 3; i++) {
		__atomic_store_n(&guests[me], pfn.raw + 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&users[me].stale, __ATOMIC_SEQ_CST) &&
		    !__atomic_load_n(&requests[me], __ATOMIC_SEQ_CST)) {
			__atomic_fetch_add(&entries, 1, __ATOMIC_RELAXED);
			for (u32 j = 0; j < 20 && !__atomic_load_n(&requests[me], __ATOMIC_SEQ_CST);
			     j++)
				sched_yield();
		}
		__atomic_store_n(&guests[me], 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&requests[me], 0, __ATOMIC_SEQ_CST);
	}
}

static void *reader_main(void *argument)
{
	u32 me = (u32)(uintptr_t)argument - WRITERS;
	u64 seed = me + 100;

	host_run_on(me + WRITERS);
	while (__atomic_load_n(&writing, __ATOMIC_ACQUIRE)) {
		u64 kind = unit_random(&seed);
		u64 gfn = __atomic_load_n(&places[unit_random(&seed) % ARRAY_SIZE(places)],
					  __ATOMIC_ACQUIRE);
		l1_gpa_t gpa = l1_gfn_to_l1_gpa(l1_gfn(gfn));

		if (!gfn)
			continue;
		if (kind % 3 == 0)
			walk_one(me, gpa, kind & 8);
		else if (kind % 3 == 1)
			share_one(me, gpa, kind / 3);
		else
			enter_one(me, gpa, kind / 3 % 4 == 0);
	}
	walk_cache_deactivate(&walks[me]);
	pfn_cache_deactivate(&used[me]);
	return NULL;
}

static void *thread_main(void *number)
{
	return (uintptr_t)number < WRITERS ? writer_main(number) : reader_main(number);
}

UNIT(holders_see_their_page_and_guests_have_theirs)
{
	u64 frames = guest_frame_free_count();

	race(WRITERS + READERS, thread_main);
	for (u32 i = 0; i < SHARED; i++)
		pfn_cache_deactivate(&shared[i]);
	assert_true(is_enough());
	/* Nothing leaked. */
	epoch_wait(&memory->retired);
	assert_int_equal(guest_frame_free_count(), frames);
	assert_int_equal(memory->caches.count, 0);
	assert_int_equal(memory->active, 0);
	for (u32 i = 0; i < SHARED; i++)
		assert_int_equal(shared[i].state & ~PFN_CACHE_GENERATION, 0);
	for (u32 i = 0; i < READERS; i++)
		assert_int_equal(users[i].stale, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(holders_see_their_page_and_guests_have_theirs, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
