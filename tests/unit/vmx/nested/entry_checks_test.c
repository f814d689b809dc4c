/* SPDX-License-Identifier: MIT */
/* Every rule of VM entry is broken alone, by name; what passes passes; what depends on what. */
#include "unit.h"
#include "entry_cases.h"
#include "vmx/nested/caps12.h"

static const char *const rules[] = {
#define SECTION(id, kind, qualification, title)
#define RULE(name, ...) (name),
#define SECTION_END
#include "vmx/nested/check_all.def"
#undef SECTION
#undef RULE
#undef SECTION_END
};

static const char *verdict(const struct world *w)
{
	const char *rule = entry_checks_run(&w->c, ALL_SECTIONS).rule;

	return rule ? rule : "all rules hold";
}

static void (*const worlds[])(struct world *) = { world_64bit, world_pae, world_v86, world_real,
						  world_32bit_l1 };

UNIT(each_world_passes)
{
	struct world w;

	for (u32 i = 0; i < ARRAY_SIZE(worlds); i++) {
		worlds[i](&w);
		assert_string_equal(verdict(&w), "all rules hold");
	}
}

UNIT(each_world_passes_on_what_l1_is_offered)
{
	struct world w;

	for (u32 i = 0; i < ARRAY_SIZE(worlds); i++) {
		struct vmx_caps host;

		worlds[i](&w);
		host = w.caps;
		caps12_build(&w.caps, &host, CR4_PAE | CR4_PCIDE);
		assert_string_equal(verdict(&w), "all rules hold");
	}
}

UNIT(each_case_passes_until_its_rule_is_broken)
{
	struct world w;

	for (u32 i = 0; i < ARRAY_SIZE(entry_cases); i++) {
		entry_cases[i].make(&w, false);
		if (!is_same(verdict(&w), "all rules hold"))
			fail_msg("\"%s\" broken before the change of: %s", verdict(&w),
				 entry_cases[i].text);
		entry_cases[i].make(&w, true);
		if (entry_cases[i].rule && !is_same(verdict(&w), entry_cases[i].rule))
			fail_msg("\"%s\" instead of \"%s\" by: %s", verdict(&w),
				 entry_cases[i].rule, entry_cases[i].text);
	}
}

UNIT(each_rule_has_a_case)
{
	for (u32 r = 0; r < ARRAY_SIZE(rules); r++) {
		u32 found = 0;

		for (u32 i = 0; i < ARRAY_SIZE(entry_cases); i++)
			found += entry_cases[i].rule && is_same(entry_cases[i].rule, rules[r]);
		if (!found)
			fail_msg("no case breaks \"%s\"", rules[r]);
	}
}

UNIT(names_of_rules_are_unique)
{
	for (u32 a = 0; a < ARRAY_SIZE(rules); a++)
		for (u32 b = 0; b < a; b++)
			assert_string_not_equal(rules[a], rules[b]);
}

static struct entry_check_failure failure_of(struct world *w)
{
	return entry_checks_run(&w->c, ALL_SECTIONS);
}

UNIT(controls_come_before_host_state_and_that_before_guest_state)
{
	struct world w;

	world_64bit(&w);
	w.v.GUEST_RFLAGS = 0;
	assert_int_equal(failure_of(&w).kind, ENTRY_CHECK_GUEST);
	w.v.HOST_CR0 = 0;
	assert_int_equal(failure_of(&w).kind, ENTRY_CHECK_HOST);
	w.v.PIN_CONTROLS = 0;
	assert_int_equal(failure_of(&w).kind, ENTRY_CHECK_CONTROLS);
}

UNIT(a_mask_leaves_the_other_sections_out)
{
	struct world w;

	world_64bit(&w);
	w.v.PIN_CONTROLS = 0;
	w.v.GUEST_RFLAGS = 0;
	assert_null(entry_checks_run(&w.c, ENTRY_CHECKS_HOST).rule);
	assert_int_equal(entry_checks_run(&w.c, ENTRY_CHECKS_GUEST).kind, ENTRY_CHECK_GUEST);
	assert_null(entry_checks_run(&w.c, 0).rule);
}

UNIT(the_masks_are_the_kinds_of_the_sections)
{
	u32 masks[3] = { 0 };

#define SECTION(id, kind, qualification, title) masks[ENTRY_CHECK_##kind] |= ENTRY_CHECK_MASK(id);
#define RULE(...)
#define SECTION_END
#include "vmx/nested/check_all.def"
#undef SECTION
#undef RULE
#undef SECTION_END
	assert_int_equal(masks[ENTRY_CHECK_CONTROLS], ENTRY_CHECKS_CONTROLS);
	assert_int_equal(masks[ENTRY_CHECK_HOST], ENTRY_CHECKS_HOST);
	assert_int_equal(masks[ENTRY_CHECK_GUEST], ENTRY_CHECKS_GUEST);
	for (u32 s = 0; s < ENTRY_CHECK_SECTIONS; s++)
		assert_non_null(entry_check_section_title(s));
}

static u32 qualification_of(const char *rule)
{
	struct world w;

	for (u32 i = 0; i < ARRAY_SIZE(entry_cases); i++) {
		if (!entry_cases[i].rule || !is_same(entry_cases[i].rule, rule))
			continue;
		entry_cases[i].make(&w, true);
		return failure_of(&w).qualification;
	}
	fail();
	return 0;
}

UNIT(qualifications_tell_what_the_manual_tells)
{
	assert_int_equal(qualification_of("guest CR0 fixed bits"), 0);
	assert_int_equal(qualification_of("guest PDPTE0"), 2);
	assert_int_equal(qualification_of("guest PDPTE3"), 2);
	assert_int_equal(qualification_of("injected NMI: blocking by MOV SS"), 0);
	assert_int_equal(qualification_of("injected NMI: blocking by STI"), 3);
	assert_int_equal(qualification_of("VMCS link pointer alignment"), 4);
	assert_int_equal(qualification_of("VMCS link pointer: current VMCS"), 4);
}

UNIT(each_byte_of_the_pat_is_a_memory_type)
{
	struct world w;

	world_64bit(&w);
	w.v.ENTRY_CONTROLS |= ENTRY_CTL_LOAD_PAT;
	for (u32 byte = 0; byte < 8; byte++) {
		for (u64 type = 0; type < 256; type++) {
			bool exists = type <= 7 && type != 2 && type != 3;

			w.v.GUEST_PAT = type << (8 * byte);
			assert_int_equal(failure_of(&w).rule == NULL, exists);
		}
	}
}

/* INVEPT asks what VM entry asks. */
UNIT(an_eptp_passes_alone_as_it_does_in_the_vmcs)
{
	u64 seed = 3;
	struct world w;

	for (u32 i = 0; i < 20000; i++) {
		world_64bit(&w);
		w.caps.ept_vpid = unit_random(&seed);
		w.v.EPT_POINTER =
			VALID_EPTP ^ BIT(unit_random(&seed) % 64) ^ (unit_random(&seed) & 0x7f);
		assert_int_equal(entry_check_eptp(&w.caps, w.v.EPT_POINTER),
				 failure_of(&w).rule == NULL);
	}
}

/* What L1 leaves in its memory is anything: the sanitizers judge. */
UNIT(no_contents_of_a_vmcs_are_too_much)
{
	u64 seed = 5;
	struct world w;

	for (u32 i = 0; i < 30000; i++) {
		u32 flips = (u32)unit_random(&seed) % 8;

		entry_cases[i % ARRAY_SIZE(entry_cases)].make(&w, i % 3 == 0);
		while (flips--)
			w.v.fields[unit_random(&seed) % VMCS12_ROWS] ^= unit_random(&seed);
		for (u32 s = 0; s < ENTRY_CHECK_SECTIONS; s++)
			(void)entry_checks_run(&w.c, 1u << s);
		(void)entry_checks_need(&w.c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_world_passes),
		cmocka_unit_test(each_world_passes_on_what_l1_is_offered),
		cmocka_unit_test(each_case_passes_until_its_rule_is_broken),
		cmocka_unit_test(each_rule_has_a_case),
		cmocka_unit_test(names_of_rules_are_unique),
		cmocka_unit_test(controls_come_before_host_state_and_that_before_guest_state),
		cmocka_unit_test(a_mask_leaves_the_other_sections_out),
		cmocka_unit_test(the_masks_are_the_kinds_of_the_sections),
		cmocka_unit_test(qualifications_tell_what_the_manual_tells),
		cmocka_unit_test(each_byte_of_the_pat_is_a_memory_type),
		cmocka_unit_test(an_eptp_passes_alone_as_it_does_in_the_vmcs),
		cmocka_unit_test(no_contents_of_a_vmcs_are_too_much),
	};

	return cmocka_run_group_tests_name("vmx/nested/entry_checks", tests, NULL, NULL);
}
