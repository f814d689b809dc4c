/* SPDX-License-Identifier: MIT */
/*
 * The pages that workers rewrite and verify: each word tells its address and its generation. A page
 * is one thread's while it is taken.
 */
#ifndef TESTS_LINUX_TORTURE_PAGES_H
#define TESTS_LINUX_TORTURE_PAGES_H

#include <stdatomic.h>
#include <stdint.h>

#define PAGE_BYTES 4096ULL
#define PAGE_WORDS (PAGE_BYTES / 8)
#define HUGE_BYTES (2ULL << 20)

enum page_kind { PAGE_SMALL, PAGE_HUGE, PAGE_ADDED };

struct page {
	volatile uint64_t *words;
	uint64_t gpa; /* L1-physical */
	enum page_kind kind;
	atomic_int taken;    /* by a thread on this CPU, counted from 1 */
	uint32_t generation; /* its taker's */
	_Atomic uint64_t
		told; /* the log that must tell of its last write: see pages_log_begins() */
};

/* Map, lock and fill all of them. Memory that was added is at this address, so many pages. */
void pages_create(volatile uint64_t *added, uint64_t gpa, unsigned int count);
unsigned int pages_count(void);
struct page *pages_nth(unsigned int i);
/* How many of 4 KiB lie in large pages of L1's, as far as their addresses tell. */
unsigned int pages_huge(void);

/* One that a thread on another CPU has taken, or any if there is none. */
struct page *pages_busy(uint64_t *random);
/* Whether one has it at this moment. */
int page_is_busy(const struct page *page);

int page_try_take(struct page *page);
void page_take(struct page *page);
void page_release(struct page *page);
/* It is taken. */
void page_verify(const struct page *page);
void page_rewrite(struct page *page);
/* Where it is; 0: nowhere. */
uint64_t page_find(const struct page *page);

/*
 * What a log must tell: writes between the end of one call and the beginning of the next. Calls are
 * numbered from 1; between pages_log_begins() and pages_log_ended() no write counts.
 */
void pages_log_begins(void);
void pages_log_ended(void);
/* The number that the next call will have. */
uint64_t pages_log_next(void);

#endif
