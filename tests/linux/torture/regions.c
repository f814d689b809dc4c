/* SPDX-License-Identifier: MIT */
/*
 * Regions and their windows. Each has a range of addresses of its own, in which it starts anywhere,
 * so that it may overlap where it was, but no other.
 */
#include "tests/linux/torture/regions.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#include "tests/linux/torture/calls.h"
#include "tests/linux/torture/pages.h"

#define ABOVE_RAM    (8ULL << 30)
#define REGIONS      4u
#define WINDOW_PAGES 1024ULL
#define WINDOW_BYTES (WINDOW_PAGES * PAGE_BYTES)
#define PAGES_MOST   64ULL
#define LOOKS        4u /* at what is gone; each is emulated */
#define WINDOW_LOG   REGIONS
#define WINDOW_ADDED (REGIONS + 1)
#define WINDOWS      (REGIONS + 2)
#define ONES         (~0ULL)

struct region {
	volatile uint64_t *window;
	uint64_t window_gpa;
	uint64_t first, pages; /* in the window; no pages: it is not there */
	uint64_t generation;
	uint64_t dirty; /* pages that its log must tell of */
	bool logs;
};

static struct region regions[REGIONS];
static volatile uint64_t *windows[WINDOWS];
static unsigned int counts[REGION_COUNTS];

static uint64_t gpa_of_window(unsigned int window)
{
	return ABOVE_RAM + window * 2 * WINDOW_BYTES;
}

static uint64_t gpa_of(const struct region *r)
{
	return r->window_gpa + r->first * PAGE_BYTES;
}

static volatile uint64_t *word_at(const struct region *r, uint64_t word)
{
	return r->window + r->first * PAGE_WORDS + word;
}

static uint64_t expected(const struct region *r, uint64_t word)
{
	return (uint64_t)(r - regions + 1) << 56 | word << 32 | (r->generation & 0xffffffff);
}

static void verify(const struct region *r)
{
	for (uint64_t i = 0; i < r->pages * PAGE_WORDS; i++) {
		uint64_t got = *word_at(r, i);

		if (got != expected(r, i))
			fail("wrong word at L1-physical 0x%llx, word 0x%llx of a region: "
			     "expected 0x%016llx, got 0x%016llx",
			     (unsigned long long)(gpa_of(r) + 8 * i), (unsigned long long)i,
			     (unsigned long long)expected(r, i), (unsigned long long)got);
	}
}

static void rewrite(struct region *r)
{
	r->generation++;
	for (uint64_t i = 0; i < r->pages * PAGE_WORDS; i++)
		*word_at(r, i) = expected(r, i);
	r->dirty = r->pages == 64 ? ONES : (1ULL << r->pages) - 1;
}

/* Some of the pages of the window that are not the region's read all ones. */
static void verify_gone(const struct region *r, uint64_t first, uint64_t pages, uint64_t *random)
{
	for (unsigned int i = 0; i < LOOKS; i++) {
		uint64_t page = first + random_below(random, pages);
		uint64_t word = page * PAGE_WORDS + random_below(random, PAGE_WORDS);

		if (page - r->first >= r->pages && r->window[word] != ONES)
			fail("memory that is gone, at L1-physical 0x%llx: "
			     "expected 0x%016llx, got 0x%016llx",
			     (unsigned long long)(r->window_gpa + 8 * word),
			     (unsigned long long)ONES, (unsigned long long)r->window[word]);
	}
}

static void add(struct region *r, uint64_t *random)
{
	r->first = random_below(random, WINDOW_PAGES - PAGES_MOST);
	r->pages = 1 + random_below(random, PAGES_MOST);
	r->logs = random_below(random, 2);
	now_doing("REGION_ADD", gpa_of(r));
	call_make((struct call){ NESTOR_CALL_REGION_ADD, gpa_of(r), r->pages * PAGE_BYTES,
				 r->logs ? NESTOR_REGION_LOG_DIRTY : 0 });
	counts[REGIONS_ADDED]++;
	rewrite(r);
}

static void move(struct region *r, uint64_t *random)
{
	uint64_t from = r->first, gpa = gpa_of(r);

	r->first = random_below(random, 2) ? random_below(random, WINDOW_PAGES - PAGES_MOST)
					   : (from ? from - 1 : 1);
	now_doing("REGION_MOVE", gpa);
	call_make((struct call){ NESTOR_CALL_REGION_MOVE, gpa, gpa_of(r), 0 });
	counts[REGIONS_MOVED]++;
	verify_gone(r, from, r->pages, random);
}

static void delete (struct region *r, uint64_t *random)
{
	uint64_t pages = r->pages;

	now_doing("REGION_DELETE", gpa_of(r));
	call_make((struct call){ NESTOR_CALL_REGION_DELETE, gpa_of(r), 0, 0 });
	counts[REGIONS_DELETED]++;
	r->pages = 0;
	verify_gone(r, r->first, pages, random);
}

static void migrate(struct region *r)
{
	now_doing("PAGES_MIGRATE", gpa_of(r));
	call_make((struct call){ NESTOR_CALL_PAGES_MIGRATE, gpa_of(r), r->pages * PAGE_BYTES, 0 });
}

static void take_log(struct region *r)
{
	uint64_t log, told;

	now_doing("DIRTY_LOG", gpa_of(r));
	(void)regions_log(&log);
	call_make((struct call){ NESTOR_CALL_DIRTY_LOG, gpa_of(r), log, LOG_BYTES });
	told = *windows[WINDOW_LOG];
	if (r->dirty & ~told)
		fail("the log of the region at L1-physical 0x%llx: expected 0x%016llx, got "
		     "0x%016llx",
		     (unsigned long long)gpa_of(r), (unsigned long long)r->dirty,
		     (unsigned long long)told);
	r->dirty = 0;
	counts[REGIONS_LOGGED]++;
}

void regions_step(uint64_t *random)
{
	struct region *r = &regions[random_below(random, REGIONS)];

	if (!r->pages) {
		add(r, random);
		return;
	}
	verify(r);
	switch (random_below(random, 6)) {
	case 0:
	case 1:
		move(r, random);
		break;
	case 2:
		delete (r, random);
		break;
	case 3:
		migrate(r);
		break;
	case 4:
		if (r->logs)
			take_log(r);
		break;
	default:
		rewrite(r);
		break;
	}
	verify(r);
}

void regions_verify(void)
{
	for (unsigned int i = 0; i < REGIONS; i++)
		verify(&regions[i]);
}

unsigned int regions_count(enum region_count which)
{
	return counts[which];
}

volatile uint64_t *regions_log(uint64_t *gpa)
{
	*gpa = gpa_of_window(WINDOW_LOG);
	return windows[WINDOW_LOG];
}

volatile uint64_t *regions_added(uint64_t *gpa)
{
	*gpa = gpa_of_window(WINDOW_ADDED);
	return windows[WINDOW_ADDED];
}

void regions_create(void)
{
	int memory = open("/dev/mem", O_RDWR);

	for (unsigned int i = 0; i < WINDOWS; i++) {
		void *at = mmap(NULL, WINDOW_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
				(off_t)gpa_of_window(i));

		if (memory < 0 || at == MAP_FAILED)
			fail("/dev/mem at 0x%llx cannot be mapped",
			     (unsigned long long)gpa_of_window(i));
		windows[i] = at;
	}
	for (unsigned int i = 0; i < REGIONS; i++) {
		regions[i].window = windows[i];
		regions[i].window_gpa = gpa_of_window(i);
	}
	call_make((struct call){ NESTOR_CALL_REGION_ADD, gpa_of_window(WINDOW_LOG), LOG_BYTES, 0 });
	call_make((struct call){ NESTOR_CALL_REGION_ADD, gpa_of_window(WINDOW_ADDED),
				 ADDED_PAGES * PAGE_BYTES, 0 });
}
