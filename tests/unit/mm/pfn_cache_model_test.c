/* SPDX-License-Identifier: MIT */
/*
 * Random updates of regions and random verbs beside a naive model: an array that says of each gfn
 * what it is, and of each cache whether an update has hit its page since it was made valid.
 */
#include "pfn_fixture.h"

#define GFNS    4096u
#define STRIDE  8u /* pages that caches are for; the others are not told apart */
#define REGIONS 40u
#define CACHES  20u
#define GUESTS  6u /* of them */
#define STEPS   400000u

struct page_model {
	bool is_there, read_only;
	u64 word;
};

struct region_model {
	u64 gfn, pages; /* no pages: none */
};

struct cache_model {
	bool is_active, is_valid, writes, is_guest;
	bool is_used, is_stale; /* by vCPU 1 */
	u64 gfn;
};

static struct page_model pages[GFNS];
static struct region_model regions[REGIONS];
static struct cache_model models[CACHES];
static struct pfn_cache caches[CACHES];
static struct pfn_user user;
static u64 seed, next_word;
static u64 invalidations, refreshes, call_outs; /* as they must be */

static u64 below(u64 limit)
{
	return unit_random(&seed) % limit;
}

static int set_up(void **state)
{
	(void)state;
	set_up_memory();
	memset(pages, 0, sizeof(pages));
	memset(regions, 0, sizeof(regions));
	memset(models, 0, sizeof(models));
	user.stale = 0;
	seed = 11;
	invalidations = 0;
	refreshes = 0;
	call_outs = 0;
	for (u32 i = 0; i < CACHES; i++) {
		models[i].is_guest = i < GUESTS;
		models[i].writes = i < GUESTS || i % 2;
		if (models[i].is_guest)
			pfn_cache_init_guest(&caches[i], memory, &user, i);
		else
			pfn_cache_init(&caches[i], memory,
				       models[i].writes ? WINDOW_WRITE : WINDOW_READ);
	}
	return 0;
}

/* The pages lose what they were. */
static void hit(u64 gfn, u64 count)
{
	bool is_called_out = false;

	for (u32 i = 0; i < CACHES; i++) {
		struct cache_model *m = &models[i];

		if (!m->is_active || m->gfn < gfn || m->gfn >= gfn + count)
			continue;
		invalidations += m->is_valid;
		m->is_valid = false;
		m->is_stale |= m->is_used;
		is_called_out |= m->is_used;
	}
	call_outs += is_called_out;
}

static bool is_free(u64 gfn, u64 count, const struct region_model *but)
{
	for (u32 i = 0; i < REGIONS; i++)
		if (&regions[i] != but && gfn < regions[i].gfn + regions[i].pages &&
		    regions[i].gfn < gfn + count)
			return false;
	return gfn + count <= GFNS;
}

static void add_region(struct region_model *region)
{
	u64 gfn = below(GFNS), count = below(8) ? below(150) + 1 : below(1200) + 1;
	bool read_only = below(4) == 0;

	if (!is_free(gfn, count, NULL))
		return;
	add_with(gfn, count, read_only ? MEMSLOT_READONLY : 0);
	*region = (struct region_model){ gfn, count };
	for (u64 i = ALIGN_UP(gfn, STRIDE); i < gfn + count; i += STRIDE) {
		pages[i] = (struct page_model){ true, read_only, ++next_word };
		stamp(i, next_word);
	}
}

static void delete_region(struct region_model *region)
{
	hit(region->gfn, region->pages);
	remove_at(region->gfn);
	memset(&pages[region->gfn], 0, region->pages * sizeof(pages[0]));
	region->pages = 0;
}

static void move_region(struct region_model *region)
{
	u64 to = ALIGN_DOWN(below(GFNS), STRIDE) + region->gfn % STRIDE;

	if (!is_free(to, region->pages, region))
		return;
	hit(region->gfn, region->pages);
	move(region->gfn, to);
	memmove(&pages[to], &pages[region->gfn], region->pages * sizeof(pages[0]));
	for (u64 i = region->gfn; i < region->gfn + region->pages; i++)
		if (i < to || i >= to + region->pages)
			pages[i] = (struct page_model){ 0 };
	region->gfn = to;
}

static void change_flags(struct region_model *region)
{
	bool read_only = below(2);

	hit(region->gfn, region->pages);
	assert_int_equal(
		memslot_set_flags(memory, l1_gfn(region->gfn), read_only ? MEMSLOT_READONLY : 0),
		MEMSLOT_OK);
	for (u64 i = region->gfn; i < region->gfn + region->pages; i++)
		pages[i].read_only = read_only && pages[i].is_there;
}

static void update(void)
{
	struct region_model *region = &regions[below(REGIONS)];
	u64 kind = below(6);

	if (!region->pages)
		add_region(region);
	else if (kind == 0)
		delete_region(region);
	else if (kind == 1)
		change_flags(region);
	else
		move_region(region);
}

static int expected_error(const struct cache_model *m)
{
	if (!m->is_active)
		return -EINVAL;
	if (m->is_valid)
		return 0;
	if (!pages[m->gfn].is_there)
		return -ENOENT;
	return m->writes && pages[m->gfn].read_only ? -EFAULT : 0;
}

static void refresh(u32 i)
{
	struct cache_model *m = &models[i];
	int error = expected_error(m);

	refreshes += m->is_active && !m->is_valid;
	m->is_valid = m->is_active && !error;
}

static void use(u32 i)
{
	struct cache_model *m = &models[i];
	int error = expected_error(m);
	pfn_t pfn;

	if (!m->is_active)
		return;
	refresh(i);
	assert_int_equal(pfn_cache_use(&caches[i], 1, &pfn), error);
	m->is_stale = error != 0;
	if (error)
		return;
	m->is_used = true;
	assert_int_equal(pfn.raw, frame_of(m->gfn).raw);
}

static void unuse(u32 i)
{
	pfn_cache_unuse(&caches[i], 1);
	models[i].is_used = false;
	models[i].is_stale = false;
}

static void access(u32 i)
{
	struct cache_model *m = &models[i];
	u64 *page = pfn_cache_hold(&caches[i], page_at(m->gfn), 0);

	assert_int_equal(page != NULL, m->is_valid);
	if (!page)
		return;
	assert_int_equal(*page, pages[m->gfn].word);
	assert_int_equal(caches[i].read_only, pages[m->gfn].read_only);
	if (m->writes) {
		*page = ++next_word;
		pages[m->gfn].word = next_word;
	}
	pfn_cache_release(&caches[i], 0);
}

/* Mostly where a region is. */
static u64 some_gfn(void)
{
	const struct region_model *region = &regions[below(REGIONS)];
	u64 gfn = region->pages && below(8) ? region->gfn + below(region->pages) : below(GFNS);

	return ALIGN_DOWN(gfn, STRIDE);
}

static void start_or_end(u32 i)
{
	struct cache_model *m = &models[i];

	if (m->is_active) {
		pfn_cache_deactivate(&caches[i]);
		m->is_active = m->is_valid = m->is_used = m->is_stale = false;
	} else {
		m->gfn = some_gfn();
		pfn_cache_activate(&caches[i], page_at(m->gfn));
		m->is_active = true;
	}
}

static void verb(void)
{
	u32 i = (u32)below(CACHES);
	u64 kind = below(16);

	if (kind == 0 && (!models[i].is_active || below(8) == 0))
		start_or_end(i);
	else if (kind < 5 && models[i].is_guest)
		use(i);
	else if (kind < 7 && models[i].is_guest)
		unuse(i);
	else if (kind < 9) {
		assert_int_equal(pfn_cache_refresh(&caches[i]), expected_error(&models[i]));
		refresh(i);
	} else if (!models[i].is_guest)
		access(i);
}

static void compare(void)
{
	u32 stale = 0;

	for (u32 i = 0; i < CACHES; i++) {
		const struct cache_model *m = &models[i];

		assert_int_equal(pfn_cache_check(&caches[i], page_at(m->gfn)), m->is_valid);
		stale |= (u32)m->is_stale << i;
	}
	assert_int_equal(user.stale, stale);
	assert_int_equal(host_counter(CTR_CACHE_INVALIDATIONS), invalidations);
	assert_int_equal(host_counter(CTR_CACHE_REFRESHES), refreshes);
	assert_int_equal(host_counter(CTR_CACHE_CALL_OUTS), call_outs);
}

UNIT(random_steps_agree_with_the_model)
{
	for (u32 i = 0; i < STEPS; i++) {
		if (below(12))
			verb();
		else
			update();
		compare();
	}
	/* It was not all misses. */
	assert_true(host_counter(CTR_CACHE_HITS) > STEPS / 20);
	assert_true(invalidations > 1000 && call_outs > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(random_steps_agree_with_the_model, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
