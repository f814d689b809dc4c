/* SPDX-License-Identifier: MIT */
/*
 * Threads as CPUs. Some write to one page, each its own word: by a window, at a held page, or as L1
 * in its guest, whose TLB keeps what it may do until it is told to flush. Others protect the page,
 * wait, and read it: from then on the page stays as it was read for as long as no write was told.
 */
#include "race_fixture.h"
#include "mm/ept01_protect.h"
#include "mm/walk_cache.h"

#define READERS    2u
#define WRITERS    3u /* by window, held, and L1 */
#define ROUNDS     3000u
#define ROUNDS_MAX (100 * ROUNDS)
#define LOOKS      6u
#define PAGE       5u
#define WORD(n)    l1_gpa(PAGE *PAGE_SIZE + (n)*64)

static struct walk_cache walks[READERS + WRITERS];
static u32 reading;     /* readers at work; atomic */
static u32 quiet, loud; /* rounds, by whether a write was told; atomic */

static struct {
	bool protects; /* lock held */
	u32 told;      /* since it protects; written under the lock, atomic */
} readers[READERS];

static u32 in_guest, flush; /* L1's CPU; atomic */

static void kick_and_wait(u64 cpu_mask)
{
	CHECK(cpu_mask == BIT(READERS + WRITERS - 1));
	__atomic_store_n(&flush, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&in_guest, __ATOMIC_SEQ_CST) &&
	       __atomic_load_n(&flush, __ATOMIC_SEQ_CST))
		sched_yield();
}

static void page_written(l1_gfn_t gfn)
{
	vm_memory_lock(memory);
	for (u32 i = 0; i < READERS; i++) {
		if (!readers[i].protects)
			continue;
		readers[i].protects = false;
		__atomic_store_n(&readers[i].told, 1, __ATOMIC_RELEASE);
		ept01_unprotect(memory, gfn);
	}
	vm_memory_unlock(memory);
}

static int set_up(void **state)
{
	static const struct change_ops ops = { .kick_and_wait = kick_and_wait,
					       .page_written = page_written };

	(void)state;
	race_set_up(READERS + WRITERS, &ops);
	for (u32 i = 0; i < READERS + WRITERS; i++)
		walk_cache_init(&walks[i], memory, i);
	return memslot_add_ram(memory, l1_gfn(0), 512, 0) == MEMSLOT_OK
		       ? ept01_protect_create(memory, 4)
		       : -1;
}

static void read_words(u32 me, u64 words[WRITERS])
{
	for (u32 i = 0; i < WRITERS; i++)
		CHECK(walk_cache_read_u64(&walks[me], WORD(i), &words[i]) == 0);
}

/* Protect, wait, read, look again. */
static void one_round(u32 me)
{
	u64 first[WRITERS], now[WRITERS];
	bool told = false;

	vm_memory_lock(memory);
	readers[me].protects = true;
	readers[me].told = 0;
	CHECK(ept01_protect(memory, l1_gfn(PAGE)) == 0);
	vm_memory_unlock(memory);
	ept01_protect_wait(memory);
	told = __atomic_load_n(&readers[me].told, __ATOMIC_ACQUIRE);
	read_words(me, first);
	for (u32 i = 0; i < LOOKS && !told; i++) {
		if (i % 2)
			sched_yield();
		read_words(me, now);
		told = __atomic_load_n(&readers[me].told, __ATOMIC_ACQUIRE);
		CHECK(told || memcmp(first, now, sizeof(now)) == 0);
	}
	__atomic_fetch_add(told ? &loud : &quiet, 1, __ATOMIC_RELAXED);
	vm_memory_lock(memory);
	if (readers[me].protects)
		ept01_unprotect(memory, l1_gfn(PAGE));
	readers[me].protects = false;
	vm_memory_unlock(memory);
}

/* Whether rounds of both kinds have come about: a host with other work may take longer for it. */
static bool has_seen_enough(void)
{
	return __atomic_load_n(&quiet, __ATOMIC_RELAXED) >= 10 &&
	       __atomic_load_n(&loud, __ATOMIC_RELAXED) >= 10;
}

static void *reader(void *arg)
{
	u32 me = (u32)(uintptr_t)arg;

	host_run_on(me);
	for (u32 i = 0; i < ROUNDS || (i < ROUNDS_MAX && !has_seen_enough()); i++)
		one_round(me);
	walk_cache_deactivate(&walks[me]);
	__atomic_fetch_sub(&reading, 1, __ATOMIC_RELEASE);
	return NULL;
}

static bool may_write_in_ept01(void)
{
	struct ept_leaf leaf = { 0 };
	bool found;

	vm_memory_lock(memory);
	found = ept_lookup(&memory->ept01, PAGE, &leaf) == 0;
	vm_memory_unlock(memory);
	return found && (leaf.bits & EPT_WRITE);
}

/* One entry into L1's guest, which writes the word if its TLB lets it. */
static void enter_and_write(u64 value, bool *tlb_writes)
{
	struct memslot_frame frame;

	CHECK(memslot_find(memory, l1_gfn(PAGE), &frame) == 0);
	__atomic_exchange_n(&in_guest, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&flush, __ATOMIC_SEQ_CST) && *tlb_writes)
		host_guest_ram_write(hpa_add(pfn_to_hpa(frame.pfn), (WRITERS - 1) * 64ULL), &value,
				     sizeof(value));
	__atomic_store_n(&in_guest, 0, __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&flush, 0, __ATOMIC_SEQ_CST))
		*tlb_writes = false;
	if (!*tlb_writes) {
		int rc = ept01_fault(memory, WORD(0), true);

		if (rc == -EACCES)
			change_page_written(memory, l1_gfn(PAGE));
		CHECK(rc == 0 || rc == -EACCES);
		*tlb_writes = !__atomic_load_n(&flush, __ATOMIC_SEQ_CST) && may_write_in_ept01();
	}
}

static void *writer(void *arg)
{
	u32 me = (u32)(uintptr_t)arg, word = me - READERS;
	u64 seed = me, value = 0;
	bool tlb_writes = false;

	host_run_on(me);
	if (word == WRITERS - 1)
		change_cpu_joins(memory);
	while (__atomic_load_n(&reading, __ATOMIC_ACQUIRE)) {
		value++;
		if (word == 0)
			CHECK(guest_write(memory, WORD(0), &value, sizeof(value)) == 0);
		else if (word == 1)
			CHECK(walk_cache_write(&walks[me], WORD(1), &value, sizeof(value)) == 0);
		else
			enter_and_write(value, &tlb_writes);
		for (u64 i = unit_random(&seed) % 64; i > 0; i--)
			sched_yield();
	}
	walk_cache_deactivate(&walks[me]);
	return NULL;
}

static void *thread_main(void *number)
{
	return (uintptr_t)number < READERS ? reader(number) : writer(number);
}

UNIT(page_stays_as_it_was_read_until_a_write_is_told)
{
	host_run_on(READERS + WRITERS - 1);
	change_cpu_joins(memory);
	host_run_on(0);
	reading = READERS;
	race(READERS + WRITERS, thread_main);
	assert_int_equal(memory->protected_pages.in_use, 0);
	assert_true(has_seen_enough());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(page_stays_as_it_was_read_until_a_write_is_told, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
