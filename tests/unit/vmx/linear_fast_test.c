/* SPDX-License-Identifier: MIT */
/* The usual walk beside the one with all rules, over random tables: the same, or nothing. */
#include "../mm/pfn_fixture.h"
#include "hv/msr_index.h"
#include "vmx/guest_linear.h"
#include "vmx/linear_fast.h"

#define PHYSICAL_BITS 40
#define PAGES         64u
#define ROUNDS        200000u
#define USUAL         (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
/* Tables at pages 1 to 4, the root first, each with one entry for it, in another place. */
#define LINEAR        0x7f8080604abcULL

static struct vm vm;
static struct vcpu vcpu;
static struct paging_mode mode;
static u64 entries[5]; /* by level; what the tables hold */
static u32 marks;

static int set_up(void **state)
{
	(void)state;
	set_up_memory();
	add(0, PAGES);
	vm.pte_reserved = BITS(51, PHYSICAL_BITS);
	vcpu = (struct vcpu){ .vm = &vm };
	walk_cache_init(&vcpu.walk, memory, 0);
	mode = (struct paging_mode){
		.cr0 = CR0_PE | CR0_PG | CR0_WP,
		.cr3 = PAGE_SIZE,
		.cr4 = CR4_PAE,
		.efer = EFER_LMA | EFER_LME | EFER_NXE,
		.physical_bits = PHYSICAL_BITS,
		.has_1g_pages = true,
	};
	for (u32 level = 4; level > 1; level--)
		entries[level] = (6 - level) * PAGE_SIZE | USUAL;
	entries[1] = 5 * PAGE_SIZE | USUAL | PTE_DIRTY;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	walk_cache_deactivate(&vcpu.walk);
	return 0;
}

static void store_entry(u64 page, u32 level)
{
	u64 index = LINEAR >> (12 + 9 * (level - 1)) & 511;
	hpa_t at = hpa_add(pfn_to_hpa(frame_of(page)), index * 8);

	host_guest_ram_write(at, &entries[level], sizeof(u64));
}

static void store_tables(void)
{
	for (u32 level = 4; level; level--)
		store_entry(5 - level, level);
	host_vmcs[VMCS_SLOT(VMCS_GUEST_CR3)] = mode.cr3;
	host_vmcs[VMCS_SLOT(VMCS_GUEST_CR4)] = mode.cr4;
	host_vmcs[VMCS_SLOT(VMCS_GUEST_EFER)] = mode.efer;
}

static int read_memory(void *context, l1_gpa_t gpa, void *dst, size_t bytes)
{
	(void)context;
	return walk_cache_read(&vcpu.walk, gpa, dst, bytes);
}

static void count_mark(void *context, l1_gpa_t gpa, u8 bits)
{
	(void)context, (void)gpa, (void)bits;
	marks++;
}

/* Whether the usual walk found the address, which must then be right and owe no flag. */
static bool walks(bool is_write)
{
	const struct linear_source source = { read_memory, count_mark, NULL };
	struct linear_result all_rules;
	l1_gpa_t gpa = l1_gpa(0);
	bool found;

	store_tables();
	found = linear_fast(&vcpu, LINEAR, is_write, &gpa);
	marks = 0;
	all_rules = linear_translate(&mode, LINEAR, is_write ? LINEAR_WRITE : LINEAR_READ, &source);
	if (found) {
		assert_false(all_rules.faults);
		assert_int_equal(gpa.raw, all_rules.gpa.raw);
		assert_int_equal(marks, 0);
	}
	return found;
}

UNIT(pages_of_4k_and_2m_are_usual)
{
	assert_true(walks(false));
	assert_true(walks(true));
	entries[1] |= PTE_LARGE; /* the page-attribute bit */
	assert_true(walks(true));
	entries[2] = 0x40000000 | USUAL | PTE_DIRTY | PTE_LARGE;
	assert_true(walks(false));
	assert_true(walks(true));
	entries[2] |= BIT(12); /* likewise */
	assert_true(walks(true));
	for (u32 level = 2; level <= 4; level++)
		entries[level] |= PTE_NO_EXECUTE | PTE_USER;
	assert_true(walks(true));
}

UNIT(what_is_less_usual_is_left_to_the_rules)
{
	static const u64 needed_by_writes[] = { PTE_PRESENT, PTE_ACCESSED, PTE_WRITE };

	for (u32 level = 1; level <= 4; level++) {
		u64 usual = entries[level];

		for (u32 i = 0; i < ARRAY_SIZE(needed_by_writes); i++) {
			entries[level] = usual & ~needed_by_writes[i];
			assert_false(walks(true));
		}
		entries[level] = usual | BIT(PHYSICAL_BITS);
		assert_false(walks(false));
		entries[level] = usual | PTE_NO_EXECUTE;
		mode.efer &= ~(u64)EFER_NXE;
		assert_false(walks(false));
		mode.efer |= EFER_NXE;
		entries[level] = usual;
	}
	entries[1] &= ~PTE_DIRTY;
	assert_true(walks(false));
	assert_false(walks(true));
	entries[3] |= PTE_LARGE;
	assert_false(walks(false));
}

UNIT(user_pages_under_smap_are_left_to_the_rules)
{
	for (u32 level = 1; level <= 4; level++)
		entries[level] |= PTE_USER;
	assert_true(walks(false));
	mode.cr4 |= CR4_SMAP;
	assert_false(walks(false));
	entries[3] &= ~PTE_USER;
	assert_true(walks(false));
}

static bool is_repeated(bool is_write)
{
	u64 before = host_counter(CTR_WALKS_REPEATED);

	assert_true(walks(is_write));
	return host_counter(CTR_WALKS_REPEATED) != before;
}

/* A walk that brings pages to the walk cache is not remembered: others may have had to go. */
UNIT(a_walk_is_repeated_while_all_it_read_stays)
{
	assert_false(is_repeated(false));
	assert_false(is_repeated(false));
	assert_true(is_repeated(false));
	assert_false(is_repeated(true));
	assert_true(is_repeated(true));
	for (u32 level = 1; level <= 4; level++) {
		entries[level] |= BIT(9); /* ignored, but it might not be */
		assert_false(is_repeated(true));
		assert_true(is_repeated(true));
	}
	mode.cr3 |= BIT(3);
	assert_false(is_repeated(true));
	assert_true(is_repeated(true));
	entries[2] = 0x40000000 | USUAL | PTE_DIRTY | PTE_LARGE;
	assert_false(is_repeated(true));
	assert_true(is_repeated(true));
	entries[1] = 0; /* no part of it any more */
	assert_true(is_repeated(true));
}

UNIT(what_depends_on_more_than_entries_is_not_repeated)
{
	entries[3] |= PTE_NO_EXECUTE;
	assert_false(is_repeated(false));
	assert_false(is_repeated(false));
	mode.efer &= ~(u64)EFER_NXE;
	assert_false(walks(false));
}

UNIT(tables_that_move_or_go_are_seen)
{
	assert_false(is_repeated(false));
	for (u32 page = 1; page <= 4; page++) {
		assert_int_equal(memslot_migrate(memory, l1_gfn(page), 1), MEMSLOT_OK);
		assert_false(is_repeated(false));
		assert_false(is_repeated(false));
		assert_true(is_repeated(false));
	}
	walk_cache_deactivate(&vcpu.walk);
	assert_false(is_repeated(false));
	assert_int_equal(memslot_delete(memory, l1_gfn(0)), MEMSLOT_OK);
	assert_false(linear_fast(&vcpu, LINEAR, false, &(l1_gpa_t){ 0 }));
	add(0, PAGES);
	assert_true(walks(false));
}

/* So many others come that the tables leave the cache, and all that come look like them. */
UNIT(a_page_in_a_tables_place_is_not_taken_for_it)
{
	u64 value;

	walks(false);
	walks(false);
	for (u32 page = 6; page < PAGES; page++) {
		for (u32 level = 4; level; level--)
			store_entry(page, level);
		assert_int_equal(walk_cache_read_u64(&vcpu.walk, page_at(page), &value), 0);
	}
	entries[1] += PAGE_SIZE;
	assert_false(is_repeated(false));
}

/* Mostly usual: up to three bits are others. */
static void randomize(u64 *seed)
{
	static const u8 bits[] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 12,
				   13, 20, 21, 30, 39, 40, 51, 52, 62, 63 };
	u64 flips = unit_random(seed) % 4;

	for (u32 level = 4; level; level--)
		entries[level] = ((6 - level) * PAGE_SIZE | USUAL | PTE_DIRTY) |
				 (unit_random(seed) % 2 ? PTE_USER : 0);
	if (unit_random(seed) % 3 == 0)
		entries[2] = (unit_random(seed) & BITS(39, 21)) | USUAL | PTE_DIRTY | PTE_LARGE;
	while (flips--)
		entries[1 + unit_random(seed) % 4] ^=
			BIT(bits[unit_random(seed) % ARRAY_SIZE(bits)]);
	mode.cr0 = CR0_PE | CR0_PG | (unit_random(seed) % 2 ? CR0_WP : 0);
	mode.cr4 = CR4_PAE | (unit_random(seed) % 2 ? CR4_SMAP : 0);
	mode.efer = EFER_LMA | EFER_LME | (unit_random(seed) % 4 ? EFER_NXE : 0);
	mode.cr3 = PAGE_SIZE | (unit_random(seed) & 0xfff);
	mode.alignment_check = unit_random(seed) % 4 == 0;
	mode.has_1g_pages = unit_random(seed) % 2;
}

UNIT(random_tables_lead_both_to_the_same_address)
{
	u64 seed = 29;
	u32 found = 0;

	for (u32 i = 0; i < ROUNDS; i++) {
		if (unit_random(&seed) % 2)
			randomize(&seed);
		else if (unit_random(&seed) % 2)
			entries[1 + unit_random(&seed) % 4] ^= BIT(unit_random(&seed) % 64);
		found += walks(unit_random(&seed) % 2);
	}
	assert_in_range(found, ROUNDS / 8, ROUNDS * 3 / 4);
	assert_in_range(host_counter(CTR_WALKS_REPEATED), found / 10, found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pages_of_4k_and_2m_are_usual, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_less_usual_is_left_to_the_rules, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(user_pages_under_smap_are_left_to_the_rules, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_walk_is_repeated_while_all_it_read_stays, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_depends_on_more_than_entries_is_not_repeated,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(tables_that_move_or_go_are_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_page_in_a_tables_place_is_not_taken_for_it,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(random_tables_lead_both_to_the_same_address, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
