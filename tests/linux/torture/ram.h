/* SPDX-License-Identifier: MIT */
/* L1's own memory, the kernel's code and data among it: what is done to it under L1. */
#ifndef TESTS_LINUX_TORTURE_RAM_H
#define TESTS_LINUX_TORTURE_RAM_H

#include <stdint.h>

/* Learns what there is, by Linux' map of it and by Nestor's. */
void ram_create(void);

/* Other frames for the next part of all memory, which begins anew behind the last one. */
void ram_migrate_part(uint64_t *random);
/* For a page of the workers', or the large page that it is in. */
void ram_migrate_page(uint64_t *random);
void ram_poison_page(uint64_t *random);
/* A page of the workers' goes, and comes back empty. */
void ram_balloon_page(uint64_t *random);
/* The log of the machine's memory comes, tells what it must, and goes. */
void ram_log(uint64_t *random);

enum ram_count {
	RAM_MIGRATED,       /* pages of all memory */
	RAM_TURNS,          /* how often all of it */
	RAM_PAGES_MIGRATED, /* calls for workers' pages */
	RAM_BUSY,           /* of them, while another CPU had the page in hand */
	RAM_POISONED,
	RAM_BALLOONED,
	RAM_LOGS,
	RAM_TOLD,    /* pages that they told of */
	RAM_CHECKED, /* of them, known to have been written to */
	RAM_COUNTS
};
uint64_t ram_count(enum ram_count which);

#endif
