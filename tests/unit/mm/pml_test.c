/* SPDX-License-Identifier: MIT */
/* mm/pml.c and the dirty log with it: two CPUs write through EPT01 as hardware with PML does, with
 * TLBs that remember the dirty flag until a kick. */
#include "protect_fixture.h"
#include "mm/ept_iter.h"
#include "mm/pml.h"

#define HERE   4096ULL
#define THERE  8192ULL
#define PAGES  600u
#define WORDS  10u
#define BUFFER 100ULL /* a page for logs */
#define CPUS   2u

static struct cpu_model {
	struct pml_buffer buffer;
	u32 index;            /* the VMCS's PML index */
	bool is_dirty[PAGES]; /* TLB: page of HERE, writable and dirty */
} cpus[CPUS];

static u64 bits[WORDS];
static u64 moved_to; /* write_while_it_moves: not to be told there */

/* All pages of HERE are in EPT01, clean. */
static void read_all(void)
{
	for (u64 page = 0; page < PAGES; page++)
		assert_int_equal(fault(HERE + page, false), 0);
}

static int set_up(void **state)
{
	int rc = set_up_protection(state);

	pml_enable(memory);
	memset(cpus, 0, sizeof(cpus));
	for (u32 i = 0; i < CPUS; i++) {
		assert_int_equal(pml_attach(memory, &cpus[i].buffer), 0);
		cpus[i].index = PML_ENTRIES - 1;
	}
	add(BUFFER, 1);
	add_with(HERE, PAGES, MEMSLOT_LOG_DIRTY);
	read_all();
	return rc;
}

static u64 *entry_of(u64 gfn)
{
	struct ept_iter it;

	for (ept_iter_start(&it, memory->ept01.root, gfn, gfn + 1); it.slot; ept_iter_next(&it))
		if (ept_is_leaf(it.value, it.level))
			return it.slot;
	return NULL;
}

/* Bochs 2.7 leaves low bits in the entry. */
static void cpu_logs(struct cpu_model *cpu, u64 gfn)
{
	if (cpu->index >= PML_ENTRIES) { /* the exit of a full log */
		pml_restart(memory, &cpu->buffer);
		cpu->index = PML_ENTRIES - 1;
	}
	cpu->buffer.entries[cpu->index--] = gfn << PAGE_SHIFT | 0x128;
}

/* L1 writes to this page of HERE. */
static void cpu_writes(struct cpu_model *cpu, u64 page)
{
	u64 *entry;

	if (cpu->is_dirty[page])
		return;
	while (!may_write(HERE + page))
		assert_int_equal(fault(HERE + page, true), 0);
	entry = entry_of(HERE + page);
	assert_true(*entry & EPT_ACCESSED);
	if (!(*entry & EPT_DIRTY)) {
		cpu_logs(cpu, HERE + page);
		*entry |= EPT_DIRTY;
	}
	cpu->is_dirty[page] = true;
}

static void flush_tlbs(void)
{
	for (u32 i = 0; i < CPUS; i++)
		memset(cpus[i].is_dirty, 0, sizeof(cpus[i].is_dirty));
}

/* How many pages of the region at gfn; the bits are in bits. */
static u64 take_of(u64 gfn)
{
	struct dirty_buffer buffer = { page_at(BUFFER), sizeof(bits), 0 };
	u64 sum = 0;

	memset(bits, 0, sizeof(bits));
	assert_int_equal(memslot_take_dirty(memory, l1_gfn(gfn), &buffer), MEMSLOT_OK);
	assert_int_equal(guest_read(memory, page_at(BUFFER), bits, sizeof(bits)), 0);
	for (u32 i = 0; i < WORDS; i++)
		sum += (u64)__builtin_popcountll(bits[i]);
	assert_int_equal(sum, buffer.dirty);
	assert_null(memory->taking);
	assert_int_equal(memory->active, 0);
	return buffer.dirty;
}

/* At once after the kick that it made, all TLBs are empty. */
static u64 take(void)
{
	u64 dirty;

	kicks = 0;
	dirty = take_of(HERE);
	assert_int_equal(kicks, memory->pml.is_on ? 1 : kicks);
	return dirty;
}

static bool is_told(u64 page)
{
	return bits[page / 64] >> page % 64 & 1;
}

/* L0 does. */
static void write_page(u64 page)
{
	assert_int_equal(guest_write(memory, page_at(HERE + page), &page, sizeof(page)), 0);
}

static bool is_marked_dirty(u64 gfn)
{
	return leaf_at(gfn).bits & EPT_DIRTY;
}

UNIT(only_clean_pages_of_a_log_lack_the_dirty_flag)
{
	add(THERE, 1024);
	write_page(1);
	move(HERE, HERE + 1);
	move(HERE + 1, HERE);
	assert_int_equal(fault(HERE, false), 0);
	assert_int_equal(fault(HERE + 1, true), 0);
	assert_int_equal(fault(THERE, false), 0);
	assert_true(may_write(HERE) && !is_marked_dirty(HERE));
	assert_true(may_write(HERE + 1) && is_marked_dirty(HERE + 1));
	assert_true(is_marked_dirty(THERE));
	/* Hardware has an accessed flag to set nowhere. */
	for (u64 level = 0; level < 2; level++) {
		const u64 *table =
			level ? page_from_hpa(pfn_to_hpa(ept_entry_pfn(memory->ept01.root[0])))
			      : memory->ept01.root;

		assert_true(table[0] & EPT_ACCESSED);
	}
}

UNIT(taking_clears_the_dirty_flag_and_leaves_write_permission)
{
	in_kick = flush_tlbs;
	cpu_writes(&cpus[0], 3);
	write_page(4);
	assert_int_equal(take(), 2);
	assert_true(is_told(3) && is_told(4));
	for (u64 page = 3; page < 5; page++)
		assert_true(may_write(HERE + page) && !is_marked_dirty(HERE + page));
	assert_int_equal(take(), 0);
	cpu_writes(&cpus[1], 3);
	assert_int_equal(take(), 1);
	assert_true(is_told(3));
}

UNIT(what_the_cpus_logged_is_told_once)
{
	in_kick = flush_tlbs;
	for (u64 page = 0; page < 20; page++)
		cpu_writes(&cpus[page % CPUS], page);
	assert_int_equal(host_counter(CTR_PAGES_DIRTIED), 0);
	assert_int_equal(take(), 20);
	assert_int_equal(bits[0], BIT(20) - 1);
	assert_int_equal(host_counter(CTR_PML_PAGES), 20);
	for (u32 i = 0; i < CPUS; i++) {
		assert_int_equal(cpus[i].buffer.at, PML_ENTRIES - 11);
		for (u32 entry = 0; entry < PML_ENTRIES; entry++)
			assert_true(cpus[i].buffer.entries[entry] == PML_NONE);
	}
	assert_int_equal(take(), 0);
}

UNIT(full_buffers_begin_anew)
{
	in_kick = flush_tlbs;
	for (u32 round = 0; round < 4; round++) {
		for (u64 page = 0; page < PAGES; page++)
			cpu_writes(&cpus[0], page);
		assert_int_equal(take(), PAGES);
	}
	assert_int_equal(host_counter(CTR_PML_PAGES), 4 * PAGES);
}

static void restart(void)
{
	pml_restart(memory, &cpus[0].buffer);
}

UNIT(a_buffer_that_is_not_full_does_not_begin_anew)
{
	cpu_writes(&cpus[0], 1);
	assert_true(host_panics(restart, "PML_ENTRIES"));
}

static void write_in_kick(void)
{
	flush_tlbs();
	cpu_writes(&cpus[1], 7); /* just before the kick, or since */
	cpu_writes(&cpus[0], 3); /* was taken, and is written again */
}

UNIT(pages_found_after_the_kick_are_told_and_stay_dirty)
{
	cpu_writes(&cpus[0], 3);
	in_kick = write_in_kick;
	assert_int_equal(take(), 2);
	assert_true(is_told(3) && is_told(7));
	in_kick = flush_tlbs;
	assert_int_equal(take(), 2);
	assert_true(is_told(3) && is_told(7));
	assert_int_equal(take(), 0);
}

static void fill_in_kick(void)
{
	for (u64 page = 0; page < PAGES; page++)
		cpu_writes(&cpus[0], page);
	flush_tlbs();
}

UNIT(a_buffer_that_fills_meanwhile_is_told_too)
{
	in_kick = fill_in_kick;
	assert_int_equal(take(), PAGES);
	in_kick = flush_tlbs;
	assert_int_equal(take(), PAGES);
	assert_int_equal(take(), 0);
}

/* A CPU's TLB has the page dirty; its leaf is another one since, which is clean. */
UNIT(a_taking_kicks_whatever_the_leaves_say)
{
	in_kick = flush_tlbs;
	cpu_writes(&cpus[0], 9);
	assert_int_equal(protect(HERE + 9), 0);
	unprotect(HERE + 9);
	for (u64 page = 20; page < 20 + ROOM; page++)
		assert_int_equal(protect(HERE + page), 0);
	assert_true(may_write(HERE + 9) && !is_marked_dirty(HERE + 9));
	assert_int_equal(take(), 1);
	cpu_writes(&cpus[0], 9);
	assert_int_equal(take(), 1);
	assert_true(is_told(9));
}

UNIT(protected_pages_are_told_of_as_well)
{
	in_kick = flush_tlbs;
	cpu_writes(&cpus[0], 9);
	assert_int_equal(protect(HERE + 9), 0);
	assert_false(may_write(HERE + 9));
	flush_tlbs();
	assert_int_equal(take(), 1);
	assert_false(may_write(HERE + 9));
	assert_int_equal(fault(HERE + 9, true), -EACCES);
	unprotect(HERE + 9);
	cpu_writes(&cpus[0], 9);
	assert_int_equal(take(), 1);
	assert_int_equal(take(), 0);
}

UNIT(what_is_logged_of_other_pages_is_ignored)
{
	in_kick = flush_tlbs;
	cpu_writes(&cpus[0], 5);
	cpu_logs(&cpus[0], HERE - 1);
	cpu_logs(&cpus[0], BUFFER);
	cpu_logs(&cpus[1], BIT(40) - 1);
	cpu_logs(&cpus[1], HERE + PAGES);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(HERE), 0), MEMSLOT_OK);
	assert_int_equal(fault(HERE + 5, false), 0);
	assert_true(is_marked_dirty(HERE + 5));
	cpu_writes(&cpus[0], 6);
	/* A log that begins there begins clean. */
	assert_int_equal(memslot_set_flags(memory, l1_gfn(HERE), MEMSLOT_LOG_DIRTY), MEMSLOT_OK);
	flush_tlbs();
	assert_int_equal(take(), 0);
	cpu_writes(&cpus[0], 6);
	remove_at(HERE);
	add_with(HERE, PAGES, MEMSLOT_LOG_DIRTY);
	assert_int_equal(take(), 0);
	write_page(0);
	assert_int_equal(take(), 1);
}

/* Before the kick a CPU may go by a table that it remembers. */
static void write_while_it_moves(void)
{
	if (!moved_to) {
		cpu_logs(&cpus[1], HERE + 8);
		assert_int_equal(fault(HERE + 9, true), 0);
		assert_int_equal(leaf_at(HERE + 9).level, 0);
	}
	moved_to = THERE;
	flush_tlbs();
}

UNIT(a_region_takes_what_was_logged_with_it)
{
	moved_to = 0;
	cpu_writes(&cpus[0], 7);
	in_kick = write_while_it_moves;
	move(HERE, THERE);
	assert_int_equal(moved_to, THERE);
	in_kick = flush_tlbs;
	assert_int_equal(take_of(THERE), 2);
	assert_true(is_told(7) && is_told(8));
	assert_int_equal(take_of(THERE), 0);
	assert_false(memory->exclusive);
	/* What cannot move has lost nothing. */
	assert_int_equal(memslot_move(memory, l1_gfn(THERE), l1_gfn(BUFFER)), MEMSLOT_OVERLAPS);
	assert_int_equal(memory->active, 0);
	move(THERE, HERE);
	assert_int_equal(take(), 0);
}

UNIT(without_the_flags_what_is_clean_by_them_is_dirty)
{
	in_kick = flush_tlbs;
	add_with(THERE, 64, MEMSLOT_LOG_DIRTY);
	cpu_writes(&cpus[0], 7);
	assert_int_equal(take(), 1);
	assert_true(pml_give_up(memory));
	assert_false(pml_give_up(memory));
	/* One CPU writes untold now, the other still logs. */
	cpu_writes(&cpus[1], 9);
	assert_int_equal(take(), PAGES);
	assert_false(may_write(HERE + 7));
	cpu_writes(&cpus[0], 7);
	assert_int_equal(take(), 1);
	assert_true(is_told(7));
	assert_int_equal(take_of(THERE), 64);
	assert_int_equal(take_of(THERE), 0);
}

static void give_up_in_kick(void)
{
	flush_tlbs();
	in_kick = flush_tlbs;
	pml_give_up(memory);
}

UNIT(giving_up_during_a_taking_leaves_nothing_out)
{
	cpu_writes(&cpus[0], 7);
	in_kick = give_up_in_kick;
	assert_int_equal(take_of(HERE), 1);
	assert_int_equal(take(), PAGES);
	assert_int_equal(take(), 0);
}

/* --- beside an array --- */
static u64 seed = 43;
static bool written[PAGES]; /* since the last taking began; must be told */
static bool maybe[PAGES];   /* written during the last taking: may be told once more */

static void write_some_in_kick(void)
{
	for (u32 i = 0; i < 3; i++) {
		u64 page = unit_random(&seed) % PAGES;

		cpu_writes(&cpus[i % CPUS], page);
		maybe[page] = true;
	}
	flush_tlbs();
}

static void take_and_compare(void)
{
	bool before[PAGES];

	memcpy(before, maybe, sizeof(before));
	memset(maybe, 0, sizeof(maybe));
	take();
	for (u32 page = 0; page < PAGES; page++) {
		if (written[page])
			assert_true(is_told(page));
		else if (is_told(page))
			assert_true(before[page] || maybe[page]);
		/* What was written in the kick is told, now or the next time. */
		written[page] = maybe[page] && !is_told(page);
	}
}

UNIT(random_writes_agree_with_an_array)
{
	memset(written, 0, sizeof(written));
	memset(maybe, 0, sizeof(maybe));
	in_kick = write_some_in_kick;
	for (u32 i = 0; i < 20000; i++) {
		u64 page = unit_random(&seed) % PAGES;

		switch (unit_random(&seed) % 8) {
		case 0:
			assert_int_equal(fault(HERE + page, false), 0);
			continue;
		case 1:
			write_page(page);
			break;
		case 2:
			if (unit_random(&seed) % 20 == 0)
				take_and_compare();
			continue;
		default:
			cpu_writes(&cpus[unit_random(&seed) % CPUS], page);
			break;
		}
		written[page] = true;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_clean_pages_of_a_log_lack_the_dirty_flag, set_up),
		cmocka_unit_test_setup(taking_clears_the_dirty_flag_and_leaves_write_permission,
				       set_up),
		cmocka_unit_test_setup(what_the_cpus_logged_is_told_once, set_up),
		cmocka_unit_test_setup(full_buffers_begin_anew, set_up),
		cmocka_unit_test_setup(a_buffer_that_is_not_full_does_not_begin_anew, set_up),
		cmocka_unit_test_setup(pages_found_after_the_kick_are_told_and_stay_dirty, set_up),
		cmocka_unit_test_setup(a_buffer_that_fills_meanwhile_is_told_too, set_up),
		cmocka_unit_test_setup(a_taking_kicks_whatever_the_leaves_say, set_up),
		cmocka_unit_test_setup(protected_pages_are_told_of_as_well, set_up),
		cmocka_unit_test_setup(what_is_logged_of_other_pages_is_ignored, set_up),
		cmocka_unit_test_setup(a_region_takes_what_was_logged_with_it, set_up),
		cmocka_unit_test_setup(without_the_flags_what_is_clean_by_them_is_dirty, set_up),
		cmocka_unit_test_setup(giving_up_during_a_taking_leaves_nothing_out, set_up),
		cmocka_unit_test_setup(random_writes_agree_with_an_array, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
