/* SPDX-License-Identifier: MIT */
/* Many regions side by side for a bench, each of a few pages, added and deleted by hypercalls. */
#ifndef TESTS_GUEST_LIB_BENCH_REGIONS_H
#define TESTS_GUEST_LIB_BENCH_REGIONS_H

#include "hv/types.h"

#define BENCH_REGIONS_AT    0xd0000000ULL /* nothing of the machine is here */
#define BENCH_REGIONS_BYTES (128 * MIB)   /* nor up to here */

/* NULL, or why they are not there. */
const char *bench_regions_add(u32 count, u64 bytes_each);
void bench_regions_delete(void);

#endif
