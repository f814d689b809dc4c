/* SPDX-License-Identifier: MIT */
/* mm/protected_set.c: users, blocks, the queue of idle pages, and all beside a naive model. */
#include "unit.h"
#include "host_memory.h"
#include "hv/errno.h"
#include "mm/protected_set.h"

#define ROOM 40u

static struct protected_set set;

static int set_up(void **state)
{
	(void)state;
	host_memory_default();
	set = (struct protected_set){ 0 };
	return protected_set_create(&set, ROOM);
}

UNIT(empty_set_has_nothing)
{
	u64 gfn;

	for (u32 level = EPT_LEVEL_4K; level <= EPT_LEVEL_1G; level++)
		assert_false(protected_set_has(&set, 0, level));
	assert_int_equal(protected_set_users(&set, 0), 0);
	assert_false(protected_set_may_have(&set, 0));
	assert_false(protected_set_oldest(&set, &gfn));
}

UNIT(set_that_was_not_created_is_full)
{
	struct protected_set none = { 0 };
	u64 gfn;

	assert_int_equal(protected_set_get(&none, 0), -ENOSPC);
	assert_false(protected_set_has(&none, 0, EPT_LEVEL_4K));
	assert_false(protected_set_may_have(&none, 0));
	assert_false(protected_set_oldest(&none, &gfn));
}

UNIT(users_are_counted_and_the_page_stays_idle)
{
	u64 gfn;

	assert_int_equal(protected_set_get(&set, 7), 0);
	assert_int_equal(protected_set_get(&set, 7), 0);
	assert_int_equal(protected_set_users(&set, 7), 2);
	assert_int_equal(protected_set_users(&set, 8), 0);
	protected_set_put(&set, 7);
	assert_int_equal(protected_set_users(&set, 7), 1);
	assert_true(protected_set_may_have(&set, 7));
	assert_false(protected_set_oldest(&set, &gfn));
	protected_set_put(&set, 7);
	assert_int_equal(protected_set_users(&set, 7), 0);
	assert_false(protected_set_may_have(&set, 7));
	assert_true(protected_set_has(&set, 7, EPT_LEVEL_4K));
	assert_true(protected_set_oldest(&set, &gfn));
	assert_int_equal(gfn, 7);
	assert_int_equal(protected_set_get(&set, 7), 0);
	assert_false(protected_set_oldest(&set, &gfn));
}

UNIT(blocks_are_those_around_the_pages)
{
	const u64 page = 5 * 512 * 512 + 3 * 512 + 1;

	assert_int_equal(protected_set_get(&set, page), 0);
	assert_int_equal(protected_set_get(&set, page + 600), 0);
	assert_true(protected_set_has(&set, page - 1, EPT_LEVEL_2M));
	assert_true(protected_set_has(&set, page + 512, EPT_LEVEL_2M));
	assert_false(protected_set_has(&set, page - 2, EPT_LEVEL_2M));
	assert_false(protected_set_has(&set, page + 2 * 512, EPT_LEVEL_2M));
	assert_true(protected_set_has(&set, 5 * 512 * 512, EPT_LEVEL_1G));
	assert_false(protected_set_has(&set, 6 * 512 * 512, EPT_LEVEL_1G));
	assert_false(protected_set_has(&set, page + 1, EPT_LEVEL_4K));
	protected_set_put(&set, page);
	protected_set_forget(&set, page);
	assert_false(protected_set_has(&set, page, EPT_LEVEL_2M));
	assert_true(protected_set_has(&set, page, EPT_LEVEL_1G));
	protected_set_put(&set, page + 600);
	protected_set_forget(&set, page + 600);
	assert_false(protected_set_has(&set, page, EPT_LEVEL_1G));
}

UNIT(full_set_takes_more_users_but_no_more_pages)
{
	for (u64 i = 0; i < ROOM; i++) /* each in blocks of its own */
		assert_int_equal(protected_set_get(&set, i << 18), 0);
	assert_int_equal(protected_set_get(&set, 1), -ENOSPC);
	assert_int_equal(protected_set_get(&set, 0), 0);
	protected_set_put(&set, 3ULL << 18);
	assert_int_equal(protected_set_get(&set, 1), -ENOSPC);
	protected_set_forget(&set, 3ULL << 18);
	assert_int_equal(protected_set_get(&set, 1), 0);
}

static void misuse(void)
{
	protected_set_put(&set, 5);
}

static void forget_one_in_use(void)
{
	protected_set_get(&set, 5);
	protected_set_forget(&set, 5);
}

UNIT(misuse_is_caught)
{
	assert_true(host_panics(misuse, "count > 0"));
	assert_true(host_panics(forget_one_in_use, "count == 0"));
}

#define PAGES 96u

struct model {
	u32 users[PAGES];
	u64 idle_since[PAGES]; /* 0: not idle */
	u32 kept;
};

static u64 gfn_of(u32 page)
{
	return page % 4 + (u64)(page / 4 % 4) * 512 + (u64)(page / 16) * 512 * 512;
}

static bool is_kept(const struct model *m, u32 page)
{
	return m->users[page] || m->idle_since[page];
}

static bool model_has(const struct model *m, u64 gfn, u32 level)
{
	bool has = false;

	for (u32 i = 0; i < PAGES; i++)
		has |= is_kept(m, i) &&
		       gfn_of(i) >> ept_level_order(level) == gfn >> ept_level_order(level);
	return has;
}

static u32 model_oldest(const struct model *m)
{
	u32 oldest = PAGES;

	for (u32 i = 0; i < PAGES; i++)
		if (m->idle_since[i] &&
		    (oldest == PAGES || m->idle_since[i] < m->idle_since[oldest]))
			oldest = i;
	return oldest;
}

static void step(struct model *m, u32 page, u32 action, u64 now)
{
	if (action < 2) {
		bool fits = is_kept(m, page) || m->kept < ROOM;

		assert_int_equal(protected_set_get(&set, gfn_of(page)), fits ? 0 : -ENOSPC);
		m->kept += fits && !is_kept(m, page);
		m->users[page] += fits;
		m->idle_since[page] = fits ? 0 : m->idle_since[page];
	} else if (action == 2 && m->users[page]) {
		protected_set_put(&set, gfn_of(page));
		m->idle_since[page] = --m->users[page] ? 0 : now;
	} else if (action == 3 && m->idle_since[page]) {
		protected_set_forget(&set, gfn_of(page));
		m->idle_since[page] = 0;
		m->kept--;
	}
}

UNIT(random_use_agrees_with_the_model)
{
	static struct model m;
	u64 seed = 11, gfn = 0;

	for (u64 now = 1; now < 30000; now++) {
		u32 page = (u32)(unit_random(&seed) % PAGES), oldest;

		step(&m, page, (u32)(unit_random(&seed) % 4), now);
		page = (u32)(unit_random(&seed) % PAGES);
		assert_int_equal(protected_set_users(&set, gfn_of(page)), m.users[page]);
		if (m.users[page])
			assert_true(protected_set_may_have(&set, gfn_of(page)));
		for (u32 level = EPT_LEVEL_4K; level <= EPT_LEVEL_1G; level++)
			assert_int_equal(protected_set_has(&set, gfn_of(page), level),
					 model_has(&m, gfn_of(page), level));
		oldest = model_oldest(&m);
		assert_int_equal(protected_set_oldest(&set, &gfn), oldest < PAGES);
		if (oldest < PAGES)
			assert_int_equal(gfn, gfn_of(oldest));
		assert_int_equal(set.kept, m.kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty_set_has_nothing, set_up),
		cmocka_unit_test_setup(set_that_was_not_created_is_full, set_up),
		cmocka_unit_test_setup(users_are_counted_and_the_page_stays_idle, set_up),
		cmocka_unit_test_setup(blocks_are_those_around_the_pages, set_up),
		cmocka_unit_test_setup(full_set_takes_more_users_but_no_more_pages, set_up),
		cmocka_unit_test_setup(misuse_is_caught, set_up),
		cmocka_unit_test_setup(random_use_agrees_with_the_model, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
