/* SPDX-License-Identifier: MIT */
/* A pfn-cache's check by itself: tests/run/hot_path_test.sh counts its instructions. */
#include "mm/pfn_cache.h"

bool hot_path_check(const struct pfn_cache *cache, l1_gpa_t gpa);

bool hot_path_check(const struct pfn_cache *cache, l1_gpa_t gpa)
{
	return pfn_cache_check(cache, gpa);
}
