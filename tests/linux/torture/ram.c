/* SPDX-License-Identifier: MIT */
/* Changes of L1's own memory, and what must be seen of them: nothing, but for the balloon's. */
#include "tests/linux/torture/ram.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/linux/torture/calls.h"
#include "tests/linux/torture/pages.h"
#include "tests/linux/torture/regions.h"

#define MIB         (1ULL << 20)
#define RANGES_MAX  8u
#define PART_PAGES  1024u /* at most, at once */
#define TRIES       1000u
#define ONES        (~0ULL)
#define LOG_CHECKED 512u

/* Runs of memory, the last of which is the region that starts at 1 MiB. */
static struct range {
	uint64_t gpa, bytes;
} ranges[RANGES_MAX];
static unsigned int range_count, range_now;
static uint64_t part_at;
static uint64_t counts[RAM_COUNTS];
static bool logs;

uint64_t ram_count(enum ram_count which)
{
	return counts[which];
}

static void add_range(uint64_t gpa, uint64_t bytes)
{
	struct range *last = &ranges[range_count - 1];

	if (range_count && last->gpa + last->bytes == gpa)
		last->bytes += bytes;
	else if (range_count < RANGES_MAX)
		ranges[range_count++] = (struct range){ gpa, bytes };
	else
		fail("too many runs of memory");
}

/* The end of the last System RAM below 4 GiB. */
static uint64_t end_of_ram(void)
{
	FILE *f = fopen("/proc/iomem", "r");
	unsigned long long first, last, end = 0;
	char line[200];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " : System RAM") &&
		    sscanf(line, "%llx-%llx", &first, &last) == 2 && last < 4096 * MIB)
			end = last + 1;
	if (f)
		fclose(f);
	return end;
}

void ram_create(void)
{
	uint64_t end = end_of_ram();

	if (end <= MIB)
		fail("/proc/iomem tells of no memory");
	for (uint64_t gpa = 0; gpa < MIB; gpa += PAGE_BYTES) {
		struct call find = { NESTOR_CALL_REGION_FIND, gpa, 0, 0 };

		if (!port_call(&find))
			add_range(gpa, PAGE_BYTES);
	}
	if (range_count == RANGES_MAX)
		fail("too many runs of memory");
	ranges[range_count++] = (struct range){ MIB, end - MIB };
}

void ram_migrate_part(uint64_t *random)
{
	const struct range *range = &ranges[range_now];
	uint64_t bytes = (1 + random_below(random, PART_PAGES)) * PAGE_BYTES;
	uint64_t gpa = range->gpa + part_at;

	if (bytes > range->bytes - part_at)
		bytes = range->bytes - part_at;
	now_doing("PAGES_MIGRATE", gpa);
	call_make((struct call){ NESTOR_CALL_PAGES_MIGRATE, gpa, bytes, 0 });
	counts[RAM_MIGRATED] += bytes / PAGE_BYTES;
	part_at += bytes;
	if (part_at < range->bytes)
		return;
	part_at = 0;
	range_now = (range_now + 1) % range_count;
	counts[RAM_TURNS] += !range_now;
}

static struct page *any_page(uint64_t *random)
{
	return pages_nth((unsigned int)random_below(random, pages_count()));
}

/* Rather one that is being rewritten or verified at this moment. */
static const struct page *busy_page(uint64_t *random)
{
	return random_below(random, 4) ? pages_busy(random) : any_page(random);
}

void ram_migrate_page(uint64_t *random)
{
	const struct page *page = busy_page(random);
	bool all = page->kind == PAGE_HUGE && random_below(random, 4) == 0;
	uint64_t bytes = all ? HUGE_BYTES : PAGE_BYTES;
	uint64_t gpa = page->gpa & ~(bytes - 1);

	now_doing("PAGES_MIGRATE", gpa);
	counts[RAM_BUSY] += (uint64_t)page_is_busy(page);
	call_make((struct call){ NESTOR_CALL_PAGES_MIGRATE, gpa, bytes, 0 });
	counts[RAM_PAGES_MIGRATED]++;
}

void ram_poison_page(uint64_t *random)
{
	const struct page *page = busy_page(random);

	now_doing("PAGE_POISON", page->gpa);
	call_make((struct call){ NESTOR_CALL_PAGE_POISON, page->gpa, NESTOR_POISON_SOFT, 0 });
	counts[RAM_POISONED]++;
}

static void verify_all(const struct page *page, uint64_t expected, const char *when)
{
	for (uint64_t i = 0; i < PAGE_WORDS; i++) {
		uint64_t got = page->words[i];

		if (got != expected)
			fail("%s, at 0x%llx, L1-physical 0x%llx: expected 0x%016llx, got 0x%016llx",
			     when, (unsigned long long)(uintptr_t)&page->words[i],
			     (unsigned long long)(page->gpa + 8 * i), (unsigned long long)expected,
			     (unsigned long long)got);
		if (expected == ONES)
			i += PAGE_WORDS / 4 - 2; /* each look is emulated */
	}
}

void ram_balloon_page(uint64_t *random)
{
	struct page *page = any_page(random);

	page_take(page);
	page_verify(page);
	if (page_find(page) != page->gpa)
		fail("Linux has moved a locked page from L1-physical 0x%llx",
		     (unsigned long long)page->gpa);
	now_doing("BALLOON_OUT", page->gpa);
	if (random_below(random, 4))
		call_make((struct call){ NESTOR_CALL_BALLOON_OUT, page->gpa, PAGE_BYTES, 0 });
	else
		call_make(
			(struct call){ NESTOR_CALL_PAGE_POISON, page->gpa, NESTOR_POISON_HARD, 0 });
	page->words[random_below(random, PAGE_WORDS)] = 0;
	verify_all(page, ONES, "a page that is out");
	now_doing("BALLOON_IN", page->gpa);
	call_make((struct call){ NESTOR_CALL_BALLOON_IN, page->gpa, PAGE_BYTES, 0 });
	verify_all(page, 0, "a page that has come back");
	page_rewrite(page);
	page_release(page);
	counts[RAM_BALLOONED]++;
}

/* --- the log --- */
static void set_log(bool on)
{
	now_doing("REGION_FLAGS", MIB);
	pages_log_begins();
	call_make((struct call){ NESTOR_CALL_REGION_FLAGS, MIB, on ? NESTOR_REGION_LOG_DIRTY : 0,
				 0 });
	logs = on;
	if (on)
		pages_log_ended();
}

/* Pages whose last write this log has to tell of. */
static unsigned int note_written(uint64_t log, const struct page *written[LOG_CHECKED])
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < pages_count() && count < LOG_CHECKED; i++) {
		struct page *page = pages_nth(i);

		if (page->kind != PAGE_ADDED && page->gpa >= MIB && atomic_load(&page->told) == log)
			written[count++] = page;
	}
	return count;
}

static void take_log(void)
{
	const struct page *written[LOG_CHECKED];
	unsigned int count = note_written(pages_log_next(), written);
	volatile uint64_t *bits;
	uint64_t gpa;

	bits = regions_log(&gpa);
	now_doing("DIRTY_LOG", MIB);
	pages_log_begins();
	counts[RAM_TOLD] += call_make((struct call){ NESTOR_CALL_DIRTY_LOG, MIB, gpa, LOG_BYTES });
	pages_log_ended();
	for (unsigned int i = 0; i < count; i++) {
		uint64_t bit = (written[i]->gpa - MIB) / PAGE_BYTES;

		if (!(bits[bit / 64] >> bit % 64 & 1) && page_find(written[i]) == written[i]->gpa)
			fail("a page that was written to, at L1-physical 0x%llx, is not in the log",
			     (unsigned long long)written[i]->gpa);
	}
	counts[RAM_CHECKED] += count;
	counts[RAM_LOGS]++;
}

void ram_log(uint64_t *random)
{
	if (!logs)
		set_log(true);
	else if (random_below(random, 8))
		take_log();
	else
		set_log(false);
}
