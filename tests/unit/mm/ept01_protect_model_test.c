/* SPDX-License-Identifier: MIT */
/* Protection beside a naive model of users and regions. After each step every leaf of EPT01
 * is what the two allow, and there are no more small ones than the set has room for. */
#include "protect_fixture.h"
#include "mm/walk_cache.h"

#define BLOCKS  6u /* of 2M, at BASE */
#define BASE    4096ULL
#define PLACES  24u /* gfns that are protected: 4 in each block */
#define REGIONS 3u  /* of two blocks */
#define STEPS   20000u

struct model {
	u32 users[PLACES];
	bool exists[REGIONS], read_only[REGIONS];
	u32 told;
};

static struct model model;
static struct walk_cache walk;

static u64 gfn_of(u32 place)
{
	return BASE + place / 4 * 512 + place % 4 * 170;
}

static u32 region_of(u64 gfn)
{
	return (u32)((gfn - BASE) / 1024);
}

static u64 region_gfn(u32 region)
{
	return BASE + region * 1024ULL;
}

static u32 protected_count(void)
{
	u32 count = 0;

	for (u32 i = 0; i < PLACES; i++)
		count += model.users[i] > 0;
	return count;
}

static void protect_place(u32 place)
{
	u64 gfn = gfn_of(place);
	int rc = protect(gfn);

	if (!model.exists[region_of(gfn)])
		assert_int_equal(rc, -ENOENT);
	else if (!model.users[place] && protected_count() == ROOM)
		assert_int_equal(rc, -ENOMEM);
	else
		assert_int_equal(rc, 0);
	model.users[place] += rc == 0;
}

static void unprotect_place(u32 place)
{
	if (!model.users[place])
		return;
	unprotect(gfn_of(place));
	model.users[place]--;
}

static void toggle_region(u32 region, bool read_only)
{
	if (model.exists[region])
		remove_at(region_gfn(region));
	else
		add_with(region_gfn(region), 1024, read_only ? MEMSLOT_READONLY : 0);
	model.exists[region] = !model.exists[region];
	model.read_only[region] = read_only;
}

static void fault_at(u64 gfn, u32 users, bool write)
{
	u32 region = region_of(gfn);
	int expected = 0;

	if (!model.exists[region])
		expected = -ENOENT;
	else if (write && model.read_only[region])
		expected = -EFAULT;
	else if (write && users)
		expected = -EACCES;
	assert_int_equal(fault(gfn, write), expected);
	if (!expected)
		assert_int_not_equal(leaf_at(gfn).level, 0);
	if (!expected && write)
		assert_true(may_write(gfn));
}

/* By a window, or by the walk cache. */
static void write_place(u32 place, bool held)
{
	u64 gfn = gfn_of(place), value = 0, after = 1;
	bool works = model.exists[region_of(gfn)] && !model.read_only[region_of(gfn)];
	int rc;

	told = 0;
	rc = held ? walk_cache_write(&walk, page_at(gfn), &after, sizeof(after))
		  : guest_write(memory, page_at(gfn), &after, sizeof(after));
	assert_int_equal(rc, works ? 0 : -EFAULT);
	assert_int_equal(told, works ? model.users[place] : 0);
	if (!works)
		return;
	model.users[place] = 0;
	assert_int_equal(walk_cache_read_u64(&walk, page_at(gfn), &value), 0);
	assert_int_equal(value, 1);
}

/* Each leaf of a block is right. */
static void check_block(u32 block)
{
	u32 region = block / 2;
	u64 first = BASE + block * 512ULL;

	for (u64 gfn = first; gfn < first + 512; gfn += 17) {
		struct ept_leaf leaf = leaf_at(gfn);
		u32 place = block * 4 + (u32)((gfn - first) / 170);
		bool closed = place < PLACES && gfn_of(place) == gfn && model.users[place];

		if (leaf.level && !model.exists[region])
			assert_int_equal(leaf.level, 0);
		if (!leaf.level)
			continue;
		assert_int_equal(mapped_frame(gfn), frame_of(gfn).raw);
		if (closed || model.read_only[region])
			assert_false(leaf.bits & EPT_WRITE);
		if (leaf.level > EPT_LEVEL_4K && !model.read_only[region])
			assert_true(leaf.bits & EPT_WRITE);
	}
	for (u32 place = block * 4; place < block * 4 + 4; place++)
		if (model.users[place] && leaf_at(gfn_of(place)).level)
			assert_false(may_write(gfn_of(place)));
}

static void step(u64 *seed)
{
	u32 place = (u32)(unit_random(seed) % PLACES);

	switch (unit_random(seed) % 16) {
	case 0 ... 3:
		protect_place(place);
		break;
	case 4 ... 6:
		unprotect_place(place);
		break;
	case 7:
		fault_at(gfn_of(place), model.users[place], true);
		break;
	case 8:
		fault_at(gfn_of(place), model.users[place], false);
		break;
	case 9:
		fault_at(gfn_of(place) + 1, 0, true);
		break;
	case 10:
		write_place(place, false);
		break;
	case 11:
		write_place(place, true);
		break;
	case 12:
		ept01_protect_wait(memory);
		break;
	case 13:
		if (unit_random(seed) % 8 == 0)
			toggle_region(place % REGIONS, unit_random(seed) % 4 == 0);
		break;
	case 14:
		if (unit_random(seed) % 8 == 0)
			assert_int_equal(ept01_populate(memory), 0);
		break;
	default:
		break;
	}
}

UNIT(random_use_agrees_with_the_model)
{
	u64 seed = 17, small = 0, large = 0;

	model = (struct model){ 0 };
	walk_cache_init(&walk, memory, 2);
	for (u32 i = 0; i < STEPS; i++) {
		step(&seed);
		for (u32 block = 0; block < BLOCKS; block++)
			check_block(block);
		small += memory->ept01.leaves[EPT_LEVEL_4K] > 0;
		large += memory->ept01.leaves[EPT_LEVEL_2M] > 0;
		assert_true(memory->ept01.leaves[EPT_LEVEL_4K] <= 512 * ROOM);
	}
	assert_in_range(small, STEPS / 10, STEPS);
	assert_in_range(large, STEPS / 10, STEPS);
	for (u32 i = 0; i < PLACES; i++)
		while (model.users[i])
			unprotect_place(i);
	assert_int_equal(memory->protected_pages.in_use, 0);
	walk_cache_deactivate(&walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(random_use_agrees_with_the_model, set_up_protection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
