/* SPDX-License-Identifier: MIT */
/* Sections read no field that the table does not name, and what passed a section still passes it
 * after a write that does not ask for it. */
#include <sanitizer/asan_interface.h>
#include "unit.h"
#include "entry_cases.h"

#define ROUNDS   30000
#define ALL_HOLD "all rules hold"

static u32 readers_of(u32 row)
{
	u32 mask = 0;

	for (u32 bit = 0; bit < 64; bit++)
		mask |= entry_checks_after_write(row, 0, BIT(bit));
	return mask;
}

static const char *answer(const struct world *w, u32 section)
{
	const char *rule = entry_checks_run(&w->c, 1u << section).rule;

	return rule ? rule : ALL_HOLD;
}

/* The sanitizer ends the program when the section touches a poisoned field. */
static void run_poisoned(struct world *w, u32 section, const u32 *readers)
{
	for (u32 row = 0; row < VMCS12_ROWS; row++)
		if (!(readers[row] & 1u << section))
			ASAN_POISON_MEMORY_REGION(&w->v.fields[row], sizeof(u64));
	answer(w, section);
	ASAN_UNPOISON_MEMORY_REGION(&w->v, sizeof(w->v));
}

UNIT(sections_read_only_the_fields_of_the_table)
{
	struct world *w = malloc(sizeof(*w));
	u32 readers[VMCS12_ROWS];

	for (u32 row = 0; row < VMCS12_ROWS; row++)
		readers[row] = readers_of(row);
	for (u32 i = 0; i < 2 * ARRAY_SIZE(entry_cases); i++) {
		entry_cases[i / 2].make(w, i % 2);
		for (u32 section = 0; section < ENTRY_CHECK_SECTIONS; section++)
			run_poisoned(w, section, readers);
	}
	free(w);
}

/* One bit, or all bits that the field has. */
static u64 other_value(u64 before, u32 row, u64 *seed)
{
	u64 flips = unit_random(seed) % 4 ? BIT(unit_random(seed) % 64) : unit_random(seed);

	return (before ^ flips) & world_width(&vmcs_field_table[row]);
}

UNIT(a_write_breaks_only_rules_that_it_asks_for)
{
	u64 seed = 12;
	struct world w;

	for (u32 round = 0; round < ROUNDS; round++) {
		u32 i = (u32)unit_random(&seed) % ARRAY_SIZE(entry_cases);
		u32 row = (u32)unit_random(&seed) % VMCS12_ROWS;
		const char *before[ENTRY_CHECK_SECTIONS];
		u64 old;
		u32 asked;

		entry_cases[i].make(&w, round % 2);
		for (u32 s = 0; s < ENTRY_CHECK_SECTIONS; s++)
			before[s] = answer(&w, s);
		old = w.v.fields[row];
		w.v.fields[row] = other_value(old, row, &seed);
		asked = entry_checks_after_write(row, old, w.v.fields[row]);
		for (u32 s = 0; s < ENTRY_CHECK_SECTIONS; s++)
			if (!(asked & 1u << s) && is_same(before[s], ALL_HOLD) &&
			    !is_same(answer(&w, s), ALL_HOLD))
				fail_msg("%s breaks \"%s\" after: %s", vmcs_field_table[row].name,
					 answer(&w, s), entry_cases[i].text);
	}
}

UNIT(no_code_forbids_a_rip_below_4g)
{
	struct world w;

	for (u32 i = 0; i < 2 * ARRAY_SIZE(entry_cases); i++) {
		entry_cases[i / 2].make(&w, i % 2);
		w.v.GUEST_RIP = i % 3 ? 0xffffffff : 0;
		assert_string_equal(answer(&w, ENTRY_CHECK_rip), ALL_HOLD);
	}
}

UNIT(frequent_writes_ask_for_little)
{
	assert_int_equal(entry_checks_after_write(VMCS12_ROW_GUEST_RIP, 1, 1), 0);
	assert_int_equal(entry_checks_after_write(VMCS12_ROW_GUEST_RIP, BIT(40), 2), 0);
	assert_int_equal(entry_checks_after_write(VMCS12_ROW_GUEST_RIP, 1, BIT(32)),
			 ENTRY_CHECK_MASK(rip));
	assert_int_equal(entry_checks_after_write(VMCS12_ROW_GUEST_RSP, 1, 2), 0);
	assert_int_equal(entry_checks_after_write(VMCS12_ROW_CPU_CONTROLS, 0, CPU_INTERRUPT_WINDOW),
			 ENTRY_CHECK_MASK(execution_controls) | ENTRY_CHECK_MASK(apic_controls));
	assert_int_equal(entry_checks_after_write(VMCS12_ROW_GUEST_RFLAGS, 0, RFLAGS_IF) &
				 ENTRY_CHECK_MASK(code_and_stack),
			 0);
	assert_int_not_equal(entry_checks_after_write(VMCS12_ROW_GUEST_RFLAGS, 0, RFLAGS_VM) &
				     ENTRY_CHECK_MASK(code_and_stack),
			     0);
}

/* Where L1's memory is asked for, it counts in the sections that look at memory; elsewhere not. */
UNIT(memory_counts_only_where_it_is_needed)
{
	struct world w;

	for (u32 i = 0; i < 2 * ARRAY_SIZE(entry_cases); i++) {
		const char *before[ENTRY_CHECK_SECTIONS];
		u32 need;

		entry_cases[i / 2].make(&w, i % 2);
		need = entry_checks_need(&w.c);
		for (u32 s = 0; s < ENTRY_CHECK_SECTIONS; s++)
			before[s] = answer(&w, s);
		w.c.vtpr = (u8)~w.c.vtpr;
		w.c.link_header = ~w.c.link_header;
		for (u32 n = 0; n < 4; n++)
			w.c.pdptes[n] = ~w.c.pdptes[n];
		for (u32 s = 0; s < ENTRY_CHECK_SECTIONS; s++)
			if (!(entry_checks_of_memory(need) & 1u << s) &&
			    !is_same(answer(&w, s), before[s]))
				fail_msg("\"%s\" became \"%s\" in: %s", before[s], answer(&w, s),
					 entry_cases[i / 2].text);
	}
}

UNIT(memory_is_asked_for_at_good_addresses_only)
{
	struct world w;

	world_64bit(&w);
	assert_int_equal(entry_checks_need(&w.c), 0);
	w.v.CPU_CONTROLS |= CPU_TPR_SHADOW;
	w.v.VIRTUAL_APIC_ADDR = 0x9000;
	w.v.LINK_POINTER = 0x8000;
	assert_int_equal(entry_checks_need(&w.c), NEED_VTPR | NEED_LINK_HEADER);
	w.v.CPU_CONTROLS2 |= CPU2_APIC_ACCESSES;
	assert_int_equal(entry_checks_need(&w.c), NEED_LINK_HEADER);
	w.v.CPU_CONTROLS2 ^= CPU2_APIC_ACCESSES | CPU2_VIRTUAL_INTERRUPTS;
	assert_int_equal(entry_checks_need(&w.c), NEED_LINK_HEADER);
	w.v.CPU_CONTROLS2 &= ~(u64)CPU2_VIRTUAL_INTERRUPTS;
	w.v.VIRTUAL_APIC_ADDR |= 1;
	w.v.LINK_POINTER |= BIT(WORLD_BITS);
	assert_int_equal(entry_checks_need(&w.c), 0);
	world_pae(&w);
	assert_int_equal(entry_checks_need(&w.c), 0);
	w.v.CPU_CONTROLS2 = 0;
	assert_int_equal(entry_checks_need(&w.c), NEED_PDPTES);
	w.v.GUEST_CR3 = BIT(WORLD_BITS);
	assert_int_equal(entry_checks_need(&w.c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_read_only_the_fields_of_the_table),
		cmocka_unit_test(a_write_breaks_only_rules_that_it_asks_for),
		cmocka_unit_test(no_code_forbids_a_rip_below_4g),
		cmocka_unit_test(frequent_writes_ask_for_little),
		cmocka_unit_test(memory_counts_only_where_it_is_needed),
		cmocka_unit_test(memory_is_asked_for_at_good_addresses_only),
	};

	return cmocka_run_group_tests_name("vmx/nested/check_inputs", tests, NULL, NULL);
}
