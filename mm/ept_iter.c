/* SPDX-License-Identifier: MIT */
/* The three steps of a walk: down into a table, to the side within it, up out of it. */
#include "mm/ept_iter.h"
#include "hv/panic.h"
#include "mm/page.h"

static void stand_on(struct ept_iter *it, u64 gfn)
{
	it->gfn = ALIGN_DOWN(gfn, ept_level_pages(it->level));
	it->slot = &it->tables[it->level][ept_index(gfn, it->level)];
	it->value = READ_ONCE(*it->slot);
}

static bool step_down(struct ept_iter *it)
{
	u64 value = READ_ONCE(*it->slot);

	if (!ept_is_table(value, it->level))
		return false;
	it->level--;
	it->tables[it->level] = page_from_hpa(pfn_to_hpa(ept_entry_pfn(value)));
	stand_on(it, MAX(it->gfn, it->start));
	return true;
}

static bool step_side(struct ept_iter *it)
{
	u64 next = it->gfn + ept_level_pages(it->level);

	if (next >= it->end || ept_index(next, it->level) == 0)
		return false;
	stand_on(it, next);
	return true;
}

static bool step_up(struct ept_iter *it)
{
	if (it->level == EPT_LEVEL_ROOT)
		return false;
	it->level++;
	stand_on(it, it->gfn);
	return true;
}

void ept_iter_start(struct ept_iter *it, u64 *root, u64 start, u64 end)
{
	ASSERT(end <= EPT_GFN_END);
	*it = (struct ept_iter){ .level = EPT_LEVEL_ROOT, .start = start, .end = end };
	it->tables[EPT_LEVEL_ROOT] = root;
	if (start < end)
		stand_on(it, start);
}

void ept_iter_next(struct ept_iter *it)
{
	if (step_down(it))
		return;
	do {
		if (step_side(it))
			return;
	} while (step_up(it));
	it->slot = NULL;
}
