/* SPDX-License-Identifier: MIT */
/*
 * EPT01 under a hardware walker that looks after every single store of every edit: faults,
 * population, regions that come, go, move and get other flags, protection, the overlay, migration,
 * balloon, poison, the log of writes. Each page translates as before the edit or as after it, to a
 * walker that begins at the root; and to one that stands at a table from before the edit, so or
 * not at all, until the kick.
 */
#include "protect_fixture.h"
#include "mm/block.h"

#define SMALL        4096ULL /* four blocks of 2M with regions of small pages */
#define SMALL_END    (SMALL + 4 * 512)
#define LARGE        BIT(18) /* a region of 1 GiB */
#define SAMPLES      96u     /* of its pages */
#define TRACKED      (4u * 512u + SAMPLES)
#define OVERLAY      (SMALL_END + 5)
#define BUFFER       16ULL /* for logs */
#define BUFFER_BYTES (BIT(18) / 8)
#define STEPS        1500u
#define ABSENT       0ULL
#define BAD          (~0ULL)
#define OBSERVED     4u

struct tracked {
	u64 gfn;
	u64 before;
	u64 observed[OBSERVED]; /* other values than before, in the course of the edit */
	u32 count;
	const u64 *tables[EPT_LEVEL_ROOT]; /* where a walker may stand, from before the edit */
};

static struct tracked pages[TRACKED];
static u64 stores;
static bool is_kicked; /* no CPU stands at a table from before any more */

/* SDM "EPT Misconfigurations", as far as these entries go. */
static bool is_bad(u64 entry, u32 level)
{
	u64 type = (entry & EPT_TYPE_MASK) >> EPT_TYPE_SHIFT;

	if ((entry & EPT_WRITE) && !(entry & EPT_READ))
		return true;
	if (ept_is_table(entry, level) || level == EPT_LEVEL_ROOT)
		return entry & BITS(7, 3);
	return type == 2 || type == 3 || type == 7 ||
	       !IS_ALIGNED(ept_entry_pfn(entry).raw, ept_level_pages(level));
}

/* Frame and bits, the flags aside. */
static u64 translate_from(const u64 *table, u32 level, u64 gfn)
{
	for (;; level--) {
		u64 entry = READ_ONCE(table[ept_index(gfn, level)]);

		if (!ept_is_present(entry))
			return ABSENT;
		if (is_bad(entry, level))
			return BAD;
		if (ept_is_leaf(entry, level))
			return (entry & ~(EPT_LEAF | EPT_ACCESSED | EPT_DIRTY)) +
			       (gfn % ept_level_pages(level) << PAGE_SHIFT);
		table = page_from_hpa(pfn_to_hpa(ept_entry_pfn(entry)));
	}
}

static u64 translate(u64 gfn)
{
	return translate_from(memory->ept01.root, EPT_LEVEL_ROOT, gfn);
}

static void observe(struct tracked *page, u64 value)
{
	if (value == page->before)
		return;
	for (u32 i = 0; i < page->count; i++)
		if (page->observed[i] == value)
			return;
	assert_true(page->count < OBSERVED);
	page->observed[page->count++] = value;
}

/* A walker that stands at a table may find that what was there has gone. */
static void observe_from_inside(struct tracked *page)
{
	for (u32 level = EPT_LEVEL_4K; level < EPT_LEVEL_ROOT; level++) {
		u64 value;

		if (!page->tables[level])
			continue;
		value = translate_from(page->tables[level], level, page->gfn);
		if (value != ABSENT)
			observe(page, value);
	}
}

static void look(u64 *entry, u64 old)
{
	(void)entry;
	(void)old;
	stores++;
	for (u32 i = 0; i < TRACKED; i++) {
		observe(&pages[i], translate(pages[i].gfn));
		if (!is_kicked)
			observe_from_inside(&pages[i]);
	}
}

static void look_in_kick(void)
{
	if (!is_kicked && host_store_watch)
		look(NULL, 0);
	is_kicked = true;
}

static void remember(struct tracked *page)
{
	const u64 *table = memory->ept01.root;

	page->before = translate(page->gfn);
	page->count = 0;
	memset(page->tables, 0, sizeof(page->tables));
	for (u32 level = EPT_LEVEL_ROOT; level > EPT_LEVEL_4K; level--) {
		u64 entry = table[ept_index(page->gfn, level)];

		if (!ept_is_table(entry, level))
			break;
		table = page_from_hpa(pfn_to_hpa(ept_entry_pfn(entry)));
		page->tables[level - 1] = table;
	}
}

static void begin(void)
{
	for (u32 i = 0; i < TRACKED; i++)
		remember(&pages[i]);
	is_kicked = false;
	host_store_watch = look;
}

/* What was seen is what is now; and that is what the regions say. */
static void end(void)
{
	look(NULL, 0);
	host_store_watch = NULL;
	for (u32 i = 0; i < TRACKED; i++) {
		const struct tracked *page = &pages[i];
		u64 after = translate(page->gfn);
		struct memslot_frame frame;

		for (u32 n = 0; n < page->count; n++)
			assert_int_equal(page->observed[n], after);
		if (after == ABSENT || page->gfn == OVERLAY)
			continue;
		assert_int_equal(memslot_find(memory, l1_gfn(page->gfn), &frame), 0);
		assert_int_equal(ept_entry_pfn(after).raw, frame.pfn.raw);
	}
}

/* --- edits --- */
#define REGIONS 4u

static const struct {
	u64 gfn, pages;
} slots[REGIONS] = {
	{ SMALL, 1024 },       /* two large leaves */
	{ SMALL + 1024, 700 }, /* one, and a rest */
	{ SMALL + 1800, 100 }, /* none */
	{ LARGE, BIT(18) },
};

static u64 random_gfn(u64 *seed)
{
	return pages[unit_random(seed) % TRACKED].gfn;
}

static u64 random_pages(u64 *seed)
{
	return unit_random(seed) % 3 ? unit_random(seed) % 4 + 1 : unit_random(seed) % 700 + 1;
}

static void edit_region(u64 *seed, u64 gfn, u64 count)
{
	switch (unit_random(seed) % 6) {
	case 0:
		(void)memslot_delete(memory, l1_gfn(gfn));
		break;
	case 1:
		/* A page each of 1 GiB would take a while. */
		(void)memslot_set_flags(memory, l1_gfn(gfn),
					(u32)unit_random(seed) & (gfn == LARGE ? 1 : 3));
		break;
	case 2: /* back and forth, by less than it has */
		if (memslot_move(memory, l1_gfn(gfn), l1_gfn(gfn + 4)) == MEMSLOT_OK) {
			end();
			begin();
			(void)memslot_move(memory, l1_gfn(gfn + 4), l1_gfn(gfn));
		}
		break;
	default:
		(void)memslot_add_ram(memory, l1_gfn(gfn), count, 0);
	}
}

static u64 protected_gfns[ROOM + 4];
static u32 protected_count;

static void edit_protection(u64 *seed, u64 gfn)
{
	if (protected_count < ARRAY_SIZE(protected_gfns) && !protect(gfn)) {
		protected_gfns[protected_count++] = gfn;
		ept01_protect_wait(memory);
	}
	while (protected_count > unit_random(seed) % ROOM)
		unprotect(protected_gfns[--protected_count]);
}

static void edit_backing(u64 *seed, u64 gfn)
{
	u64 count = random_pages(seed);

	switch (unit_random(seed) % 5) {
	case 0:
		(void)memslot_migrate(memory, l1_gfn(gfn), count);
		break;
	case 1:
		(void)memslot_balloon_out(memory, l1_gfn(gfn), count);
		break;
	case 2:
		(void)memslot_poison(memory, l1_gfn(gfn), unit_random(seed) % 2);
		break;
	default:
		(void)memslot_balloon_in(memory, l1_gfn(gfn), count);
	}
}

static void take_log(u64 gfn)
{
	struct dirty_buffer buffer = { page_at(BUFFER), BUFFER_BYTES, 0 };

	(void)memslot_take_dirty(memory, l1_gfn(gfn), &buffer);
}

static void edit_overlay(void)
{
	if (memory->overlay.hidden)
		ept01_overlay_show(memory);
	else
		ept01_overlay_hide(memory);
}

static void edit(u64 *seed)
{
	u64 kind = unit_random(seed) % 18;
	u32 slot = (u32)(unit_random(seed) % REGIONS);
	u64 gfn = random_gfn(seed);

	if (kind < 6)
		(void)fault(gfn, unit_random(seed) % 2);
	else if (kind < 9)
		edit_protection(seed, gfn);
	else if (kind < 13)
		edit_backing(seed, gfn);
	else if (kind < 14)
		edit_region(seed, slots[slot].gfn, slots[slot].pages);
	else if (kind < 15)
		(void)ept01_populate(memory);
	else if (kind < 17)
		take_log(slots[slot].gfn);
	else
		edit_overlay();
}

/* Whether an edit finds pages for tables. */
static void edit_without_memory(u64 *seed)
{
	void *taken[4096];
	u32 count = 0;

	while (count < ARRAY_SIZE(taken) && (taken[count] = page_alloc(0)))
		count++;
	edit(seed);
	while (count)
		page_free(taken[--count], 0);
}

static void track(void)
{
	u32 n = 0;

	for (u64 gfn = SMALL; gfn < SMALL_END; gfn++)
		pages[n++].gfn = gfn;
	pages[n++].gfn = OVERLAY;
	for (u64 i = 0; n < TRACKED; i++, n++)
		pages[n].gfn = LARGE + i * 2753 + i % 3;
}

UNIT(every_store_of_every_edit_leaves_old_or_new)
{
	u64 seed = 77, kinds = 0;

	track();
	in_kick = look_in_kick;
	add(BUFFER, BUFFER_BYTES / PAGE_SIZE);
	for (u32 i = 0; i < REGIONS; i++)
		add(slots[i].gfn, slots[i].pages);
	assert_int_equal(ept01_overlay_create(memory, l1_gfn(OVERLAY), pfn(1)), 0);
	assert_int_equal(ept01_populate(memory), 0);
	for (u32 i = 0; i < STEPS; i++) {
		begin();
		if (unit_random(&seed) % 8)
			edit(&seed);
		else
			edit_without_memory(&seed);
		end();
		for (u32 level = EPT_LEVEL_4K; level <= EPT_LEVEL_1G; level++)
			kinds |= memory->ept01.leaves[level] ? BIT(level) : 0;
	}
	assert_true(stores > 10 * STEPS);
	assert_int_equal(kinds, BIT(EPT_LEVEL_4K) | BIT(EPT_LEVEL_2M) | BIT(EPT_LEVEL_1G));
	assert_true(host_counter(CTR_PAGES_MIGRATED) > 20);
	assert_true(host_counter(CTR_PAGES_BALLOONED) > 20);
	assert_true(host_counter(CTR_PAGES_DEFLATED) > 20);
	assert_true(host_counter(CTR_PAGE_PROTECTIONS) > 20);
	assert_true(host_counter(CTR_FRAMES_POISONED) > 20);
	assert_true(host_counter(CTR_PAGES_DIRTIED) > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_store_of_every_edit_leaves_old_or_new,
				       set_up_protection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
