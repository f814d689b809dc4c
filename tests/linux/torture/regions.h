/* SPDX-License-Identifier: MIT */
/* Memory above L1's RAM, which comes, moves and goes, by way of /dev/mem. */
#ifndef TESTS_LINUX_TORTURE_REGIONS_H
#define TESTS_LINUX_TORTURE_REGIONS_H

#include <stdint.h>

/* Makes the regions that stay: one that logs go to, and one for pages of workers. */
void regions_create(void);

#define LOG_BYTES   0x10000ULL /* tells of 2 GiB */
#define ADDED_PAGES 16u

volatile uint64_t *regions_log(uint64_t *gpa);
volatile uint64_t *regions_added(uint64_t *gpa);

/* One step in the life of one of the others. */
void regions_step(uint64_t *random);
/* All that are there hold what was written to them. */
void regions_verify(void);

enum region_count { REGIONS_ADDED, REGIONS_MOVED, REGIONS_DELETED, REGIONS_LOGGED, REGION_COUNTS };
unsigned int regions_count(enum region_count which);

#endif
