/* SPDX-License-Identifier: MIT */
/* Pages of the program's, their patterns, and which writes a log must tell of. */
#define _GNU_SOURCE
#include "tests/linux/torture/pages.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/linux/torture/calls.h"

#define SMALL_PAGES 128u
#define HUGE_PAGES  2u
#define HUGE_STEP   8u /* of a large page every so manieth page is used */
#define HUGE_USED   (HUGE_PAGES * (unsigned int)(HUGE_BYTES / PAGE_BYTES) / HUGE_STEP)
#define PAGES_MAX   (SMALL_PAGES + HUGE_USED + 64u)

static struct page pages[PAGES_MAX];
static unsigned int count;
static _Atomic uint64_t logs_begun, logs_ended;

static const char *const kind_names[] = {
	[PAGE_SMALL] = "a page of 4 KiB",
	[PAGE_HUGE] = "a page of 2 MiB",
	[PAGE_ADDED] = "added memory",
};

unsigned int pages_count(void)
{
	return count;
}

struct page *pages_nth(unsigned int i)
{
	return &pages[i];
}

uint64_t page_find(const struct page *page)
{
	return page->kind == PAGE_ADDED ? page->gpa : physical_address(page->words);
}

/* Above: which word it is; the low 20 bits: the generation. */
static uint64_t expected(const struct page *page, uint64_t i)
{
	return (uint64_t)(uintptr_t)&page->words[i] / 8 << 20 | (page->generation & 0xfffff);
}

static void add(volatile uint64_t *words, enum page_kind kind, uint64_t gpa)
{
	struct page *page = &pages[count++];

	page->words = words;
	page->kind = kind;
	page_rewrite(page);
	page->gpa = kind == PAGE_ADDED ? gpa : page_find(page);
	if (!page->gpa)
		fail("no L1-physical address of 0x%llx", (unsigned long long)(uintptr_t)words);
}

/* Anonymous memory, aligned to 2 MiB, that Linux gives large pages or does not. */
static volatile uint64_t *map(uint64_t bytes, int advice)
{
	uint8_t *at = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		fail("no memory");
	at += -(uintptr_t)at % HUGE_BYTES;
	if (madvise(at, bytes, advice) || mlock(at, bytes))
		fail("pages are not locked");
	return (volatile uint64_t *)(void *)at;
}

static void set(const char *file, const char *value)
{
	FILE *f = fopen(file, "w");

	if (!f || fputs(value, f) < 0 || fclose(f))
		fail("%s does not take %s", file, value);
}

/* Locked pages keep their addresses; large ones are for whoever asks, in a small machine too. */
static void set_linux_up(void)
{
	set("/proc/sys/vm/compact_unevictable_allowed", "0");
	set("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
}

void pages_create(volatile uint64_t *added, uint64_t gpa, unsigned int added_pages)
{
	volatile uint64_t *words;

	set_linux_up();
	words = map(SMALL_PAGES * PAGE_BYTES, MADV_NOHUGEPAGE);
	for (unsigned int i = 0; i < SMALL_PAGES; i++)
		add(words + i * PAGE_WORDS, PAGE_SMALL, 0);
	words = map(HUGE_PAGES * HUGE_BYTES, MADV_HUGEPAGE);
	for (unsigned int i = 0; i < HUGE_USED; i++)
		add(words + i * HUGE_STEP * PAGE_WORDS, PAGE_HUGE, 0);
	for (unsigned int i = 0; i < added_pages; i++)
		add(added + i * PAGE_WORDS, PAGE_ADDED, gpa + i * PAGE_BYTES);
}

unsigned int pages_huge(void)
{
	unsigned int huge = 0;

	for (unsigned int i = 0; i < count; i++)
		huge += pages[i].kind == PAGE_HUGE &&
			!(((uintptr_t)pages[i].words ^ pages[i].gpa) % HUGE_BYTES);
	return huge;
}

int page_is_busy(const struct page *page)
{
	int taken = atomic_load(&page->taken);

	return taken && taken != sched_getcpu() + 1;
}

struct page *pages_busy(uint64_t *random)
{
	unsigned int first = (unsigned int)random_below(random, count);

	for (unsigned int i = 0; i < count; i++)
		if (page_is_busy(&pages[(first + i) % count]))
			return &pages[(first + i) % count];
	return &pages[first];
}

int page_try_take(struct page *page)
{
	int nobody = 0;

	return atomic_compare_exchange_strong(&page->taken, &nobody, sched_getcpu() + 1);
}

void page_take(struct page *page)
{
	while (!page_try_take(page))
		sched_yield();
}

void page_release(struct page *page)
{
	atomic_store(&page->taken, 0);
}

void page_verify(const struct page *page)
{
	for (uint64_t i = 0; i < PAGE_WORDS; i++) {
		uint64_t got = page->words[i];

		if (got != expected(page, i))
			fail("wrong word at 0x%llx, L1-physical 0x%llx, in %s: "
			     "expected 0x%016llx, got 0x%016llx",
			     (unsigned long long)(uintptr_t)&page->words[i],
			     (unsigned long long)(page->gpa + 8 * i), kind_names[page->kind],
			     (unsigned long long)expected(page, i), (unsigned long long)got);
	}
}

/* The number of the log that tells of a write now; 0: a call is on its way. */
static uint64_t log_of_now(void)
{
	uint64_t ended = atomic_load(&logs_ended);

	return atomic_load(&logs_begun) == ended ? ended + 1 : 0;
}

void page_rewrite(struct page *page)
{
	uint64_t before = log_of_now();

	page->generation++;
	for (uint64_t i = 0; i < PAGE_WORDS; i++)
		page->words[i] = expected(page, i);
	/* The words are written before the look at whether a call has begun meanwhile. */
	atomic_thread_fence(memory_order_seq_cst);
	if (before && log_of_now() == before)
		atomic_store(&page->told, before);
}

void pages_log_begins(void)
{
	atomic_fetch_add(&logs_begun, 1);
}

void pages_log_ended(void)
{
	atomic_store(&logs_ended, atomic_load(&logs_begun));
}

uint64_t pages_log_next(void)
{
	return atomic_load(&logs_begun) + 1;
}
