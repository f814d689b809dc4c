/* SPDX-License-Identifier: MIT */
/* The walk through a guest's paging structures: each mode, each right, each way to fault. */
#include "unit.h"
#include "hv/msr_index.h"
#include "vmx/guest_linear.h"

/* 16 pages of guest memory from address 0; what lies above does not exist. */
static u8 memory[16 * 4096];

static int read_memory(void *context, l1_gpa_t gpa, void *dst, size_t bytes)
{
	(void)context;
	if (gpa.raw + bytes > sizeof(memory))
		return -1;
	memcpy(dst, memory + gpa.raw, bytes);
	return 0;
}

static u32 marks;

static void mark_memory(void *context, l1_gpa_t gpa, u8 bits)
{
	(void)context;
	assert_true(gpa.raw < sizeof(memory));
	memory[gpa.raw] |= bits;
	marks++;
}

static const struct linear_source source = { read_memory, mark_memory, NULL };

static void put64(u64 at, u64 value)
{
	memcpy(memory + at, &value, sizeof(value));
}

static void put32(u64 at, u32 value)
{
	memcpy(memory + at, &value, sizeof(value));
}

#define P      1u
#define W      2u
#define U      4u
#define A      0x20u
#define D      0x40u
#define BIG    0x80u

/* 4-level: tables at pages 1 to 4 map linear 7f8040201xxx to page 5. */
#define LINEAR 0x7f8040201abcULL
static struct paging_mode four_level(void)
{
	memset(memory, 0, sizeof(memory));
	put64(0x1000 + 8 * 255, 0x2000 | P | W | U);
	put64(0x2000 + 8 * 1, 0x3000 | P | W | U);
	put64(0x3000 + 8 * 1, 0x4000 | P | W | U);
	put64(0x4000 + 8 * 1, 0x5000 | P | W | U);
	return (struct paging_mode){
		.cr0 = CR0_PE | CR0_PG | CR0_WP,
		.cr3 = 0x1000,
		.cr4 = CR4_PAE,
		.efer = EFER_LMA | EFER_NXE,
		.physical_bits = 40,
		.has_1g_pages = true,
	};
}

static void expect_address(const struct paging_mode *mode, u64 linear, u64 gpa)
{
	struct linear_result r = linear_translate(mode, linear, LINEAR_READ, &source);

	assert_false(r.faults);
	assert_int_equal(r.gpa.raw, gpa);
}

static void expect_fault(const struct paging_mode *mode, enum linear_access access, u32 error_code)
{
	struct linear_result r = linear_translate(mode, LINEAR, access, &source);

	assert_true(r.faults);
	assert_int_equal(r.error_code, error_code);
}

UNIT(without_paging_the_address_is_physical)
{
	struct paging_mode mode = { .cr0 = CR0_PE };

	expect_address(&mode, 0x12345678, 0x12345678);
}

UNIT(four_levels_reach_a_4k_page)
{
	struct paging_mode mode = four_level();

	expect_address(&mode, LINEAR, 0x5abc);
}

UNIT(large_pages_end_the_walk)
{
	struct paging_mode mode = four_level();

	put64(0x3000 + 8 * 1, 0x40000000 | P | W | U | BIG);
	expect_address(&mode, LINEAR, 0x40000000 + (LINEAR & BITS(20, 0)));
	put64(0x2000 + 8 * 1, 0x80000000 | P | W | U | BIG);
	expect_address(&mode, LINEAR, 0x80000000 + (LINEAR & BITS(29, 0)));
}

static struct paging_mode pae(void)
{
	memset(memory, 0, sizeof(memory));
	put64(0x2000 + 8 * 511, 0x3000 | P | W | U);
	put64(0x3000 + 8 * 2, 0x7000 | P | W | U);
	return (struct paging_mode){ .cr0 = CR0_PE | CR0_PG,
				     .cr3 = 0x1020,
				     .cr4 = CR4_PAE,
				     .pdptes = { [3] = 0x2000 | P },
				     .physical_bits = 40 };
}

UNIT(pae_has_four_pdptes_without_rights)
{
	struct paging_mode mode = pae();

	expect_address(&mode, 0xffe02004, 0x7004);
	assert_false(linear_translate(&mode, 0xffe02004, LINEAR_WRITE, &source).faults);
	assert_true(linear_translate(&mode, 0xbfe02004, LINEAR_WRITE, &source).faults);
}

UNIT(pae_uses_the_pdptes_that_were_loaded)
{
	struct paging_mode mode = pae();

	put64(0x1020 + 8 * 3, 0x9000 | P); /* memory has changed since MOV to CR3 */
	expect_address(&mode, 0xffe02004, 0x7004);
}

UNIT(reserved_bits_fault)
{
	static const struct {
		u64 at, bits;
	} wrong[] = {
		{ 0x4008, BIT(40) }, { 0x4008, BIT(51) },       { 0x1000 + 8 * 255, BIG },
		{ 0x3008, BIG },     { 0x2008, BIG | BIT(20) }, { 0x3008, BIG | BIT(13) },
	};

	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct paging_mode mode = four_level();
		u64 entry;

		memcpy(&entry, memory + wrong[i].at, sizeof(entry));
		put64(wrong[i].at, entry | wrong[i].bits);
		expect_fault(&mode, LINEAR_READ, PF_PRESENT | PF_RESERVED);
	}
}

UNIT(features_decide_what_is_reserved)
{
	struct paging_mode mode = four_level();

	put64(0x4008, 0x5000 | P | BIT(63) | BIT(62));
	expect_address(&mode, LINEAR, 0x5abc);
	mode.efer = EFER_LMA;
	expect_fault(&mode, LINEAR_READ, PF_PRESENT | PF_RESERVED);
	mode = four_level();
	put64(0x2008, 0x80000000 | P | BIG);
	expect_address(&mode, LINEAR, 0x80000000 + (LINEAR & BITS(29, 0)));
	mode.has_1g_pages = false;
	expect_fault(&mode, LINEAR_READ, PF_PRESENT | PF_RESERVED);
	mode = pae();
	put64(0x3000 + 8 * 2, 0x7000 | P | BIT(62));
	assert_int_equal(linear_translate(&mode, 0xffe02004, LINEAR_READ, &source).error_code,
			 PF_PRESENT | PF_RESERVED);
}

UNIT(reserved_bits_of_large_32bit_pages)
{
	struct paging_mode mode = {
		.cr0 = CR0_PE | CR0_PG, .cr3 = 0x1000, .cr4 = CR4_PSE, .physical_bits = 36
	};

	memset(memory, 0, sizeof(memory));
	put32(0x1000, 0x00c00000 | (u32)BIT(16) | P | BIG);
	expect_address(&mode, 0, 0x800c00000);
	put32(0x1000, 0x00c00000 | (u32)BIT(17) | P | BIG);
	assert_int_equal(linear_translate(&mode, 0, LINEAR_READ, &source).error_code,
			 PF_PRESENT | PF_RESERVED);
	put32(0x1000, 0x00c00000 | (u32)BIT(21) | P | BIG);
	assert_int_equal(linear_translate(&mode, 0, LINEAR_READ, &source).error_code,
			 PF_PRESENT | PF_RESERVED);
}

UNIT(a_walk_sets_accessed_and_a_write_dirty)
{
	static const u64 tables[] = { 0x1000 + 8 * 255, 0x2008, 0x3008 };
	struct paging_mode mode = four_level();

	marks = 0;
	expect_address(&mode, LINEAR, 0x5abc);
	for (u32 i = 0; i < ARRAY_SIZE(tables); i++)
		assert_int_equal(memory[tables[i]] & (A | D), A);
	assert_int_equal(memory[0x4008] & (A | D), A);
	assert_int_equal(marks, 4);
	assert_false(linear_translate(&mode, LINEAR, LINEAR_WRITE, &source).faults);
	assert_int_equal(memory[0x3008] & (A | D), A);
	assert_int_equal(memory[0x4008] & (A | D), A | D);
	assert_int_equal(marks, 5);
	assert_false(linear_translate(&mode, LINEAR, LINEAR_WRITE, &source).faults);
	assert_int_equal(marks, 5);
}

UNIT(a_write_that_faults_leaves_no_dirty_flag)
{
	struct paging_mode mode = four_level();

	put64(0x4008, 0x5000 | P);
	expect_fault(&mode, LINEAR_WRITE, PF_PRESENT | PF_WRITE);
	assert_int_equal(memory[0x4008] & D, 0);
}

UNIT(two_levels_of_32bit_entries)
{
	struct paging_mode mode = { .cr0 = CR0_PE | CR0_PG, .cr3 = 0x1000, .physical_bits = 40 };

	memset(memory, 0, sizeof(memory));
	put32(0x1000 + 4 * 3, 0x2000 | P | W | U);
	put32(0x2000 + 4 * 1023, 0x6000 | P | W | U);
	expect_address(&mode, 3u << 22 | 1023u << 12 | 8, 0x6008);
	put32(0x1000 + 4 * 4, 0x00c00000 | BIT(13) | P | W | U | BIG);
	mode.cr4 = CR4_PSE;
	expect_address(&mode, 4u << 22 | 0x123456, 0x100c00000 + 0x123456);
}

UNIT(not_present_at_every_level)
{
	static const u64 entries[] = { 0x1000 + 8 * 255, 0x2008, 0x3008, 0x4008 };

	for (u32 i = 0; i < ARRAY_SIZE(entries); i++) {
		struct paging_mode mode = four_level();

		put64(entries[i], 0);
		expect_fault(&mode, LINEAR_READ, 0);
		mode.cpl = 3;
		expect_fault(&mode, LINEAR_WRITE, PF_WRITE | PF_USER);
	}
}

UNIT(rights_are_anded_along_the_walk)
{
	static const u64 entries[] = { 0x1000 + 8 * 255, 0x2008, 0x3008, 0x4008 };

	for (u32 i = 0; i < ARRAY_SIZE(entries); i++) {
		struct paging_mode mode = four_level();
		u64 entry;

		memcpy(&entry, memory + entries[i], sizeof(entry));
		put64(entries[i], entry & ~(u64)W);
		expect_fault(&mode, LINEAR_WRITE, PF_PRESENT | PF_WRITE);
		put64(entries[i], entry & ~(u64)U);
		mode.cpl = 3;
		expect_fault(&mode, LINEAR_READ, PF_PRESENT | PF_USER);
	}
}

UNIT(supervisor_writes_read_only_pages_without_wp)
{
	struct paging_mode mode = four_level();

	put64(0x4008, 0x5000 | P);
	mode.cr0 &= ~(u64)CR0_WP;
	assert_false(linear_translate(&mode, LINEAR, LINEAR_WRITE, &source).faults);
}

UNIT(smap_guards_user_pages_unless_ac_is_set)
{
	struct paging_mode mode = four_level();

	mode.cr4 |= CR4_SMAP;
	expect_fault(&mode, LINEAR_READ, PF_PRESENT);
	mode.alignment_check = true;
	expect_address(&mode, LINEAR, 0x5abc);
}

UNIT(a_table_outside_memory_is_not_present)
{
	struct paging_mode mode = four_level();

	put64(0x3008, 0x7ffff000 | P | W | U);
	expect_fault(&mode, LINEAR_READ, 0);
}

static void expect_fetch(const struct paging_mode *mode)
{
	struct linear_result r = linear_translate(mode, LINEAR, LINEAR_FETCH, &source);

	assert_false(r.faults);
	assert_int_equal(r.gpa.raw, 0x5abc);
}

UNIT(fetches_go_where_reads_go)
{
	struct paging_mode mode = four_level();

	expect_fetch(&mode);
	mode.cpl = 3;
	expect_fetch(&mode);
	mode.efer |= EFER_NXE;
	mode.cr4 |= CR4_SMEP;
	expect_fetch(&mode);
}

UNIT(no_execute_counts_at_every_level)
{
	static const u64 entries[] = { 0x1000 + 8 * 255, 0x2008, 0x3008, 0x4008 };

	for (u32 i = 0; i < ARRAY_SIZE(entries); i++) {
		struct paging_mode mode = four_level();
		u64 entry;

		mode.efer |= EFER_NXE;
		memcpy(&entry, memory + entries[i], sizeof(entry));
		put64(entries[i], entry | BIT(63));
		expect_fault(&mode, LINEAR_FETCH, PF_PRESENT | PF_FETCH);
		expect_address(&mode, LINEAR, 0x5abc);
		mode.cpl = 3;
		expect_fault(&mode, LINEAR_FETCH, PF_PRESENT | PF_FETCH | PF_USER);
	}
}

UNIT(smep_guards_user_pages_from_supervisor_fetches_only)
{
	struct paging_mode mode = four_level();

	mode.cr4 |= CR4_SMEP;
	expect_fault(&mode, LINEAR_FETCH, PF_PRESENT | PF_FETCH);
	expect_address(&mode, LINEAR, 0x5abc);
	mode.cpl = 3;
	expect_fetch(&mode);
	put64(0x4008, 0x5000 | P);
	mode.cpl = 0;
	expect_fetch(&mode);
}

UNIT(smap_leaves_fetches_alone)
{
	struct paging_mode mode = four_level();

	mode.cr4 |= CR4_SMAP;
	expect_fetch(&mode);
}

UNIT(users_do_not_fetch_from_supervisor_pages)
{
	struct paging_mode mode = four_level();

	put64(0x2008, 0x3000 | P | W);
	mode.cpl = 3;
	expect_fault(&mode, LINEAR_FETCH, PF_PRESENT | PF_USER | PF_FETCH);
}

UNIT(the_fetch_bit_needs_smep_or_nxe_under_pae)
{
	struct paging_mode mode = four_level();

	put64(0x4008, 0);
	mode.efer = EFER_LMA;
	expect_fault(&mode, LINEAR_FETCH, 0);
	mode.cr4 |= CR4_SMEP;
	expect_fault(&mode, LINEAR_FETCH, PF_FETCH);
	mode.cr4 = CR4_PAE;
	mode.efer |= EFER_NXE;
	expect_fault(&mode, LINEAR_FETCH, PF_FETCH);
	mode.cr4 = 0; /* 32-bit paging has no NX */
	mode.cr3 = 0xf000;
	expect_fault(&mode, LINEAR_FETCH, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_paging_the_address_is_physical),
		cmocka_unit_test(four_levels_reach_a_4k_page),
		cmocka_unit_test(large_pages_end_the_walk),
		cmocka_unit_test(pae_has_four_pdptes_without_rights),
		cmocka_unit_test(pae_uses_the_pdptes_that_were_loaded),
		cmocka_unit_test(reserved_bits_fault),
		cmocka_unit_test(features_decide_what_is_reserved),
		cmocka_unit_test(reserved_bits_of_large_32bit_pages),
		cmocka_unit_test(a_walk_sets_accessed_and_a_write_dirty),
		cmocka_unit_test(a_write_that_faults_leaves_no_dirty_flag),
		cmocka_unit_test(two_levels_of_32bit_entries),
		cmocka_unit_test(not_present_at_every_level),
		cmocka_unit_test(rights_are_anded_along_the_walk),
		cmocka_unit_test(supervisor_writes_read_only_pages_without_wp),
		cmocka_unit_test(smap_guards_user_pages_unless_ac_is_set),
		cmocka_unit_test(a_table_outside_memory_is_not_present),
		cmocka_unit_test(fetches_go_where_reads_go),
		cmocka_unit_test(no_execute_counts_at_every_level),
		cmocka_unit_test(smep_guards_user_pages_from_supervisor_fetches_only),
		cmocka_unit_test(smap_leaves_fetches_alone),
		cmocka_unit_test(users_do_not_fetch_from_supervisor_pages),
		cmocka_unit_test(the_fetch_bit_needs_smep_or_nxe_under_pae),
	};

	return cmocka_run_group_tests_name("vmx/guest_linear", tests, NULL, NULL);
}
