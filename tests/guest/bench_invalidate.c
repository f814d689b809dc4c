/* SPDX-License-Identifier: MIT */
/* Does a change of a page cost more where there are more pfn-caches? docs/bench.md has the rows. */
#include "tests/guest/lib/bench.h"
#include "tests/guest/lib/nestor.h"

#define CACHES_AT 0x100000000ULL
#define PAGES_AT  0x200000000ULL /* no cache is at any of them */

static bool failed;

static void invalidate(u64 pages)
{
	failed |= nestor_call(NESTOR_CALL_INVALIDATE, PAGES_AT, pages * PAGE_SIZE, NULL) != 0;
}

static const char *prepare(u32 caches)
{
	failed = nestor_call(NESTOR_CALL_CACHES, CACHES_AT, caches, NULL) != 0;
	return failed ? "Nestor has no room for the caches" : NULL;
}

static const char *finish(void)
{
	failed |= nestor_call(NESTOR_CALL_CACHES, 0, 0, NULL) != 0;
	return failed ? "a call failed" : NULL;
}

#define BENCH_WITH_CACHES(count_)                                                      \
	static const char *prepare_##count_(void)                                      \
	{                                                                              \
		return prepare(count_);                                                \
	}                                                                              \
	static const struct bench_frame frame_##count_ = { prepare_##count_, finish }; \
	BENCH_WHEN_NAMED(invalidate_##count_, 10000, invalidate, &frame_##count_)

BENCH_WITH_CACHES(16);
BENCH_WITH_CACHES(1024);
BENCH_WITH_CACHES(16384);
