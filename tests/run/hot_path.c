/* SPDX-License-Identifier: MIT */
/* The check of a pfn-cache by itself, for its instructions to be counted (tests/run/hot_path_test.sh). */
#include "mm/pfn_cache.h"

bool hot_path_check(const struct pfn_cache *cache, l1_gpa_t gpa);

bool hot_path_check(const struct pfn_cache *cache, l1_gpa_t gpa)
{
	return pfn_cache_check(cache, gpa);
}
