/* SPDX-License-Identifier: MIT */
/* What the log of L1's writes costs: a page's first write after a taking, and a round of writes and
 * taking. docs/bench.md defines the rows. */
#include "tests/guest/lib/bench.h"
#include "tests/guest/lib/regions.h"

#define PAGES 512u
#define BYTES ((PAGES + 1) * PAGE_SIZE) /* one to warm up with */

static u64 bits[(PAGES + 64) / 64];
static u64 clean, dirty; /* pages that come next */
static const char *why;

static void store(u64 page)
{
	*(volatile u64 *)(REGION_HERE + page * PAGE_SIZE) = page;
}

static void take(u64 expected)
{
	u64 told;

	if (dirty_log(REGION_HERE, bits, sizeof(bits), &told) || told != expected)
		why = "a log has not the pages that were written to";
}

static const char *prepare(void)
{
	clean = dirty = 0;
	why = NULL;
	if (nestor_call3(NESTOR_CALL_REGION_ADD, REGION_HERE, BYTES, NESTOR_REGION_LOG_DIRTY))
		return "needs memory that L1 has not: see memory in nestor.cfg";
	for (u64 page = 0; page <= PAGES; page++)
		store(page);
	take(PAGES + 1);
	return NULL;
}

static const char *finish(void)
{
	if (region_delete(REGION_HERE))
		why = "the region was lost";
	return why;
}

static const struct bench_frame frame = { prepare, finish };

static void write_to_clean(u64 iterations)
{
	while (iterations--)
		store(clean++);
}

static void write_to_dirty(u64 iterations)
{
	while (iterations--)
		store(dirty++);
}

BENCH_DIFFERENCE(dirty_log_write, PAGES, write_to_clean, write_to_dirty, &frame);

static void write_all(u64 iterations)
{
	while (iterations--)
		for (u64 page = 0; page < PAGES; page++)
			store(page);
}

static void write_all_and_take(u64 iterations)
{
	while (iterations--) {
		write_all(1);
		take(PAGES);
	}
}

BENCH_DIFFERENCE(dirty_log_round, 20, write_all_and_take, write_all, &frame);
