/* SPDX-License-Identifier: MIT */
/* Many regions side by side. */
#include "tests/guest/lib/bench_regions.h"
#include "tests/guest/lib/nestor.h"
#include "tests/guest/lib/report.h"

static u32 there;
static u64 bytes;

static u64 at(u32 region)
{
	return BENCH_REGIONS_AT + region * bytes;
}

const char *bench_regions_add(u32 count, u64 bytes_each)
{
	there = 0;
	bytes = bytes_each;
	if (count * bytes_each > BENCH_REGIONS_BYTES)
		report_fatal("a bench wants %u regions", count);
	while (there < count) {
		if (nestor_call(NESTOR_CALL_REGION_ADD, at(there), bytes, NULL)) {
			bench_regions_delete();
			return "Nestor has too little memory for the regions";
		}
		there++;
	}
	return NULL;
}

void bench_regions_delete(void)
{
	while (there)
		if (nestor_call(NESTOR_CALL_REGION_DELETE, at(--there), 0, NULL))
			report_fatal("a region of a bench cannot be deleted");
}
