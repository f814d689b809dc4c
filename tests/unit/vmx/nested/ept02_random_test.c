/* SPDX-License-Identifier: MIT */
/*
 * EPT02 against a naive model, over random histories: what a CPU uses is a translation that EPT12
 * then L1's memory gave at some time since the first entry after that CPU's last INVEPT; at that
 * entry, it is the one of now. Frames are few, so recycling happens all the time.
 */
#include "ept02_fixture.h"

#define ROOTS   3u
#define GFNS    12u
#define HISTORY 128u
#define STEPS   40000u

struct given {
	u64 pfn, rights;
};

/* A table with 4K leaves, and what the entries above it gave. */
struct way {
	u64 table, rights;
};

/* What each CPU may still have of a page of L2: translations, and the ways to it, along which it
 * may find others. */
struct history {
	struct given given[HISTORY];
	struct way ways[HISTORY];
	u32 count, way_count;
};

static struct history histories[2][ROOTS][GFNS];
static bool changed[2][ROOTS]; /* L1 wrote to the tables since then */
static bool owes[2][ROOTS];    /* the CPU did INVEPT, and has not entered since */
static u64 tops[ROOTS];
static u64 eptps[ROOTS];
static const u64 gfns[GFNS] = { 0,       1,       2,       0x200,    0x201,     0x40000,
				0x40001, 0x40200, 0x7ffff, 0x200000, 0x3000000, 0x3000001 };
static u64 seed;

static u64 pick(u64 n)
{
	return (unit_random(&seed) >> 20) % n;
}

static bool is_misconfigured(u64 entry, int shift)
{
	bool leaf = !shift || (entry & 0x80);

	if ((entry & 3) == 2 || (leaf && shift == 27))
		return true;
	return leaf ? (entry & 0xffffffffff000) & (BIT(shift + 12) - 1) : entry & 0x78;
}

/* EPT12 then the regions, without a line in common with the walk of the hypervisor: from the table
 * on whose entries map BIT(shift) pages. */
static struct given walk(struct way from, int shift, u64 gfn)
{
	struct memslot_frame frame;
	u64 entry = 0;

	for (;; shift -= 9) {
		if (world_read(NULL, l1_gpa(from.table + (gfn >> shift & 511) * 8), &entry) ||
		    !(entry & 7) || is_misconfigured(entry, shift))
			return (struct given){ 0 };
		from.rights &= entry;
		from.table = entry & 0xffffffffff000;
		if (!shift || (entry & 0x80))
			break;
	}
	if (memslot_find(memory, l1_gfn(from.table / 4096 + (gfn & (BIT(shift) - 1))), &frame))
		return (struct given){ 0 };
	if (frame.flags & MEMSLOT_READONLY)
		from.rights &= ~2ULL;
	return (struct given){ frame.pfn.raw, from.rights };
}

static struct given now(u32 root, u64 gfn)
{
	return walk((struct way){ tops[root], 7 }, 27, gfn);
}

static void note(struct history *h, struct given given)
{
	for (u32 i = 0; i < h->count; i++)
		if (h->given[i].pfn == given.pfn && h->given[i].rights == given.rights)
			return;
	assert_true(h->count < HISTORY);
	h->given[h->count++] = given;
}

static void note_way(struct history *h, u32 root, u64 gfn)
{
	struct way way = { tops[root], 7 };

	for (int shift = 27; shift > 0; shift -= 9) {
		u64 entry;

		if (world_read(NULL, l1_gpa(way.table + (gfn >> shift & 511) * 8), &entry) ||
		    !(entry & 7) || is_misconfigured(entry, shift) || (entry & 0x80))
			return;
		way.rights &= entry;
		way.table = entry & 0xffffffffff000;
	}
	for (u32 i = 0; i < h->way_count; i++)
		if (h->ways[i].table == way.table && h->ways[i].rights == way.rights)
			return;
	assert_true(h->way_count < HISTORY);
	h->ways[h->way_count++] = way;
}

static void note_all(void)
{
	for (u32 n = 0; n < 2 * ROOTS * GFNS; n++) {
		u32 root = n / 2 % ROOTS, g = n / 2 / ROOTS;
		struct history *h = &histories[n % 2][root][g];

		if (owes[n % 2][root])
			continue;
		note(h, now(root, gfns[g]));
		note_way(h, root, gfns[g]);
		for (u32 i = 0; i < h->way_count; i++)
			note(h, walk(h->ways[i], 0, gfns[g]));
	}
}

static void forget(u32 cpu, u32 root)
{
	for (u32 g = 0; g < GFNS; g++)
		histories[cpu][root][g].count = histories[cpu][root][g].way_count = 0;
	changed[cpu][root] = false;
}

static void invept(u32 cpu)
{
	bool all = pick(4) == 0;
	u32 root = (u32)pick(ROOTS);

	for (u32 r = 0; r < ROOTS; r++)
		owes[cpu][r] |= all || tops[r] == tops[root];
	if (all)
		ept02_invept_all(&vcpus[cpu]);
	else
		ept02_invept_single(&vcpus[cpu], eptps[root]);
}

static void enter(u32 cpu, u32 root)
{
	if (!owes[cpu][root])
		return;
	owes[cpu][root] = false;
	forget(cpu, root);
	note_all();
}

static u64 random_leaf(u32 level)
{
	static const u64 rights[] = { 1, 3, 4, 5, 7, 7, 7, 0 };
	/* Pages, L1's tables among them, the read-only one and one that is not there. */
	u64 to = pick(3) ? 0x1000 + pick(6) : TABLES_GFN + pick(12);

	if (pick(16) == 0)
		to = PAGES + pick(2);
	if (level > 1)
		to = ALIGN_DOWN(to, ept_level_pages(level));
	return to << PAGE_SHIFT | WB | rights[pick(8)] | (level > 1 ? LARGE : 0) |
	       (pick(2) ? EPT_ACCESSED | EPT_DIRTY : 0);
}

static void l1_writes(void)
{
	u32 root = (u32)pick(ROOTS);
	u32 level = pick(8) ? 1 : 2 + (u32)pick(2);
	u64 at = l1_entry_at(tops[root], gfns[pick(GFNS)], level), old = 0;

	assert_int_equal(world_read(NULL, l1_gpa(at), &old), 0);
	if (level > 1 && ept_is_table(old, level) && pick(2))
		l1_write(at, old ^ (pick(2) ? EPT_WRITE : EPT_EXECUTE)); /* R stays */
	else if (level == 1 && pick(4) == 0)
		l1_write(at, old & ~(pick(2) ? EPT_DIRTY : EPT_DIRTY | EPT_ACCESSED));
	else
		l1_write(at, random_leaf(level));
	for (u32 r = 0; r < ROOTS; r++)
		changed[0][r] = changed[1][r] = true; /* they share tables */
	note_all();
	if (next_table > TABLES_GFN + 300)
		next_table = TABLES_GFN + 20; /* tables are used again, while others use them */
}

static bool was_given(const struct history *h, const struct tlb_entry *used, u64 access)
{
	for (u32 i = 0; i < h->count; i++)
		if (h->given[i].pfn == used->leaf.pfn.raw && !(access & ~h->given[i].rights) &&
		    !(used->leaf.bits & RWX & ~h->given[i].rights))
			return true;
	return false;
}

/* Since the last INVEPT, L1 has taken no flag away: they are set. */
static void check_flags(u32 r, u64 gfn, u64 access)
{
	u64 table = tops[r], entry = 0;
	u32 level = 4;

	for (;; level--) {
		assert_int_equal(
			world_read(NULL, l1_gpa(table + ept_index(gfn, level) * 8), &entry), 0);
		assert_true(entry & EPT_ACCESSED);
		if (ept_is_leaf(entry, level))
			break;
		table = entry & EPT_FRAME_MASK;
	}
	assert_true(!(access & EPT_WRITE) || (entry & EPT_DIRTY));
}

static void l2_accesses(u32 cpu)
{
	u32 r = (u32)pick(ROOTS), g = (u32)pick(GFNS);
	u64 access = BIT(pick(3));
	struct ept02_root *root = ept02_root_get(pool, &vcpus[cpu], eptps[r], NULL);
	struct given given = now(r, gfns[g]);
	enum ept02_result result;

	enter(cpu, r);
	result = touch_on(cpu, root, gfns[g], access);

	if (result == EPT02_REFLECT_VIOLATION && (given.rights & access)) {
		/* By a table that L1 has replaced since the last INVEPT: told once. */
		assert_true(changed[cpu][r]);
		result = touch_on(cpu, root, gfns[g], access);
	}
	if (result == EPT02_MAPPED) {
		assert_true(was_given(&histories[cpu][r][g], tlb_of(cpu, root, gfns[g]), access));
		if ((eptps[r] & EPTP_AD_ENABLE) && !changed[cpu][r])
			check_flags(r, gfns[g], access);
	} else {
		assert_int_equal(given.rights & access, 0);
	}
	ept02_root_put(pool, root);
}

/* No CPU uses a frame that a change took, nor what its tables said. */
static void zap_something(void)
{
	u64 gfn = pick(2) ? 0x1000 + pick(6) : TABLES_GFN + pick(12);
	u64 pages = pick(8) ? 1 : 1 + pick(700);

	zap(gfn, pages);
	for (u32 i = 0; i < pool->root_count; i++) {
		struct ept02_root *root = &pool->roots[i];

		for (u32 g = 0; g < GFNS; g++) {
			struct ept_leaf leaf = { 0 };

			for (u64 n = gfn; root->key && n < gfn + MIN(pages, 8); n++)
				assert_false(walk02(root, gfns[g], &leaf) &&
					     leaf.pfn.raw == pfn_of_l1(n));
		}
	}
}

/* Whatever the history: counts and lists agree with the tables. */
static void check_pool(void)
{
	u32 free_count = 0, used = 0, pages = 0;

	for (const struct ept02_table *t = pool->free_tables; t; t = t->next, free_count++)
		assert_true(!t->live && !t->page && !hlist_has(&t->unsync));
	for (u32 i = 0; i < pool->root_count; i++)
		used += pool->roots[i].tables + 1;
	assert_int_equal(free_count + used, pool->table_count);
	for (u32 i = 0; i < pool->table_count; i++)
		pages += pool->page_array[i].tables.first && pool->page_array[i].is_protected;
	assert_int_equal(pages, protections);
}

static void run(u64 start, bool flags, u32 roots)
{
	assert_int_equal(world_create(4, roots), 0);
	seed = start;
	memset(histories, 0, sizeof(histories));
	memset(changed, 1, sizeof(changed));
	memset(owes, 1, sizeof(owes));
	for (u32 r = 0; r < ROOTS; r++) {
		/* With flags, two roots are one EPTP's: with and without them. */
		tops[r] = r == 1 && flags ? tops[0] : l1_table();
		eptps[r] = tops[r] | (flags && r != 1 ? 0x5e : 0x1e);
	}
	(void)ept02_root_get(pool, &vcpus[0], eptps[0], NULL); /* always in use */
	note_all();
	for (u32 step = 0; step < STEPS; step++) {
		u32 cpu = (u32)pick(2);
		u64 what = pick(20);

		if (what < 12)
			l2_accesses(cpu);
		else if (what < 16)
			l1_writes();
		else if (what < 19 || histories[cpu][0][0].count > 0)
			invept(cpu);
		if (pick(30) == 0)
			zap_something();
		if (step % 64 == 0)
			check_pool();
	}
}

UNIT(random_histories_without_flags)
{
	for (u64 start = 1; start <= 2; start++)
		run(start, false, ROOTS);
	assert_true(ept02_counts(pool)->recycles > 100);
	assert_true(ept02_counts(pool)->unsync_marks > 100);
}

UNIT(random_histories_with_flags)
{
	for (u64 start = 11; start <= 12; start++)
		run(start, true, ROOTS);
	assert_true(ept02_counts(pool)->zapped[EPT02_EPT12_MOVED] > 10);
	assert_true(ept02_counts(pool)->zapped[EPT02_INVALIDATED] > 100);
}

/* One is in use, and the other is one EPTP's, then another's. */
UNIT(random_histories_with_fewer_roots_than_eptps)
{
	for (u64 start = 21; start <= 22; start++)
		run(start, start & 1, 2);
	assert_true(ept02_counts(pool)->roots_recycled > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_histories_without_flags),
		cmocka_unit_test(random_histories_with_flags),
		cmocka_unit_test(random_histories_with_fewer_roots_than_eptps),
	};

	return cmocka_run_group_tests_name("vmx/nested/ept02_random", tests, NULL, NULL);
}
