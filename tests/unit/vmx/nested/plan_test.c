/* SPDX-License-Identifier: MIT */
/* The plan of entries: that it follows from the fields that it says, and what they make of it. */
#include "unit.h"
#include "hv/msr_index.h"
#include "hv/string.h"
#include "vmx/controls.h"
#include "vmx/nested/pages.h"
#include "vmx/nested/plan.h"

#define IDENTITY 0x1234000u

static struct vmcs12 v12;

static int setup(void **state)
{
	(void)state;
	memset(&v12, 0, sizeof(v12));
	v12.LINK_POINTER = ~0ULL;
	return 0;
}

static bool is_same(const struct entry_plan *a, const struct entry_plan *b)
{
	return a->extras == b->extras && a->pages == b->pages && a->eptp12 == b->eptp12 &&
	       a->tsc_offset == b->tsc_offset;
}

static void randomize(u64 *seed)
{
	for (u32 row = 0; row < VMCS12_ROWS; row++)
		v12.fields[row] = unit_random(seed) % 4 ? unit_random(seed) : 0;
	v12.CPU_CONTROLS |= CPU_SECONDARY;
}

UNIT(fields_that_it_does_not_read_change_nothing)
{
	u64 seed = 11, changes = 0;

	for (u32 i = 0; i < 20000; i++) {
		struct entry_plan before, after;
		u32 row = (u32)(unit_random(&seed) % VMCS12_ROWS);

		randomize(&seed);
		before = plan_make(&v12, IDENTITY);
		v12.fields[row] ^= BIT(unit_random(&seed) % 64);
		after = plan_make(&v12, IDENTITY);
		assert_true(is_same(&before, &after) || plan_reads[row]);
		changes += !is_same(&before, &after);
	}
	assert_in_range(changes, 100, 20000);
}

static u32 extras(void)
{
	return plan_make(&v12, IDENTITY).extras;
}

UNIT(an_empty_vmcs_has_what_controls_would_take_away)
{
	assert_int_equal(extras(),
			 ENTRY_READS_MEMORY | ENTRY_SHARES | ENTRY_FLUSHES | ENTRY_NO_BITMAP);
	assert_int_equal(plan_make(&v12, IDENTITY).eptp12, IDENTITY);
	v12.CPU_CONTROLS = CPU_SECONDARY | CPU_MSR_BITMAPS;
	v12.CPU_CONTROLS2 = CPU2_ENABLE_EPT | CPU2_ENABLE_VPID;
	v12.ENTRY_CONTROLS = ENTRY_CTL_LOAD_DEBUG | ENTRY_CTL_LOAD_PAT | ENTRY_CTL_LOAD_EFER;
	v12.EXIT_CONTROLS = EXIT_CTL_SAVE_DEBUG | EXIT_CTL_SAVE_PAT | EXIT_CTL_SAVE_EFER;
	v12.EPT_POINTER = 0x5000;
	assert_int_equal(extras(), 0);
	assert_int_equal(plan_make(&v12, IDENTITY).eptp12, 0x5000);
}

UNIT(pages_go_with_their_controls)
{
	v12.CPU_CONTROLS = CPU_TPR_SHADOW;
	v12.CPU_CONTROLS2 = CPU2_APIC_ACCESSES; /* not activated */
	assert_int_equal(plan_make(&v12, IDENTITY).pages, 1u << L2_PAGE_VIRTUAL_APIC);
	v12.CPU_CONTROLS = CPU_SECONDARY;
	assert_int_equal(plan_make(&v12, IDENTITY).pages, 1u << L2_PAGE_APIC_ACCESS);
	assert_true(extras() & ENTRY_PAGES);
}

UNIT(virtual_tpr_is_read_only_for_a_threshold)
{
	v12.CPU_CONTROLS = CPU_SECONDARY | CPU_TPR_SHADOW;
	v12.CPU_CONTROLS2 = CPU2_ENABLE_EPT;
	assert_false(extras() & ENTRY_READS_MEMORY);
	v12.TPR_THRESHOLD = 3;
	assert_true(extras() & ENTRY_READS_MEMORY);
	v12.CPU_CONTROLS2 |= CPU2_APIC_ACCESSES;
	assert_false(extras() & ENTRY_READS_MEMORY);
}

UNIT(nmis_are_the_cpus_own_where_they_exit_and_are_not_virtual)
{
	v12.PIN_CONTROLS = PIN_NMI_EXITING;
	assert_true(extras() & ENTRY_OWN_NMIS);
	v12.PIN_CONTROLS = PIN_NMI_EXITING | PIN_VIRTUAL_NMI;
	assert_false(extras() & ENTRY_OWN_NMIS);
}

UNIT(timer_is_looked_at_where_it_runs)
{
	v12.PIN_CONTROLS = PIN_PREEMPTION_TIMER;
	assert_true(extras() & ENTRY_TIMER);
	v12.PIN_CONTROLS = 0;
	v12.EXIT_CONTROLS = EXIT_CTL_SAVE_TIMER;
	assert_false(extras() & ENTRY_TIMER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(fields_that_it_does_not_read_change_nothing, setup),
		cmocka_unit_test_setup(an_empty_vmcs_has_what_controls_would_take_away, setup),
		cmocka_unit_test_setup(pages_go_with_their_controls, setup),
		cmocka_unit_test_setup(virtual_tpr_is_read_only_for_a_threshold, setup),
		cmocka_unit_test_setup(nmis_are_the_cpus_own_where_they_exit_and_are_not_virtual,
				       setup),
		cmocka_unit_test_setup(timer_is_looked_at_where_it_runs, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
