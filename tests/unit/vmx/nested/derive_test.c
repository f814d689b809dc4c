/* SPDX-License-Identifier: MIT */
/* vmcs02 from vmcs12: what L0 needs stays on whatever L1 writes, and deriving the marked groups is
 * as good as deriving all. */
#include "unit.h"
#include "vmcs12_access.h"
#include "hv/msr_index.h"
#include "hv/string.h"
#include "vmx/caps.h"
#include "vmx/control_regs.h"
#include "vmx/nested/derive.h"

#define ROWS_MAX 128

static struct vmcs12 v12;
static struct derive_inputs in;
static struct vmcs12_index all_fields;
static u64 seed;

static u64 next_random(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed ^ seed >> 29;
}

static int setup(void **state)
{
	struct vmx_caps everything;

	(void)state;
	seed = 7;
	memset(&v12, 0, sizeof(v12));
	memset(&everything, 0xff, sizeof(everything));
	vmcs12_index_build(&all_fields, &everything);
	in = (struct derive_inputs){
		.v12 = &v12,
		.l0_exceptions = 1u << 18,
		.cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG,
		.cr4_fixed0 = CR4_VMXE,
		.cr4_guest = CR4_PAE | CR4_PGE,
		.l1_tsc_offset = 1000,
		.l1_efer = EFER_NXE | EFER_LME | EFER_LMA,
		.l1_pat = 0x0007040600070406ULL,
		.l1_dr7 = 0x400,
	};
	for (u32 set = 0; set < CONTROL_SETS; set++)
		in.l0_controls[set] = controls_needed(set);
	return 0;
}

static u64 derived(enum vmcs_field field)
{
	for (u32 i = 0; i < derive_first[DERIVE_GROUPS]; i++)
		if (derive_rows[i].field == field)
			return derive_value(&derive_rows[i], &in);
	fail_msg("%s is not derived", vmcs_field_name(field));
	return 0;
}

static void randomize(void)
{
	for (u32 i = 0; i < VMCS12_ROWS; i++)
		vmcs12_write(&v12, &all_fields, vmcs_field_table[i].encoding, next_random());
}

UNIT(rows_stand_by_group_and_none_twice)
{
	u32 count = derive_first[DERIVE_GROUPS];

	assert_true(count > 60 && count < ROWS_MAX);
	assert_int_equal(derive_first[0], 0);
	for (u32 group = 0; group < DERIVE_GROUPS; group++) {
		assert_true(derive_first[group] < derive_first[group + 1]);
		for (u32 i = derive_first[group]; i < derive_first[group + 1]; i++)
			assert_int_equal(derive_rows[i].group, group);
	}
	for (u32 i = 0; i < count; i++)
		for (u32 j = 0; j < i; j++)
			assert_int_not_equal(derive_rows[i].field, derive_rows[j].field);
}

UNIT(whatever_l1_writes_l0_keeps_what_it_needs)
{
	for (u32 i = 0; i < 10000; i++) {
		randomize();
		assert_int_equal(controls_needed(CONTROL_SET_PIN) & ~derived(VMCS_PIN_CONTROLS), 0);
		assert_int_equal(controls_needed(CONTROL_SET_CPU) & ~derived(VMCS_CPU_CONTROLS), 0);
		assert_int_equal(CPU2_ENABLE_EPT & ~derived(VMCS_CPU_CONTROLS2), 0);
		assert_int_equal(controls_needed(CONTROL_SET_EXIT) & ~derived(VMCS_EXIT_CONTROLS),
				 0);
		assert_int_equal(controls_needed(CONTROL_SET_ENTRY) & ~derived(VMCS_ENTRY_CONTROLS),
				 0);
		assert_int_equal(in.l0_exceptions & ~derived(VMCS_EXCEPTION_BITMAP), 0);
		assert_int_equal(CR0_L0_OWNED & ~derived(VMCS_CR0_MASK), 0);
		assert_int_equal(~in.cr4_guest & ~derived(VMCS_CR4_MASK), 0);
		assert_int_equal(derived(VMCS_GUEST_CR0) & (CR0_CD | CR0_NW), 0);
		assert_int_equal(CR4_L0_ON & ~derived(VMCS_GUEST_CR4), 0);
	}
}

UNIT(no_control_of_l1_reaches_hardware_unless_it_is_offered)
{
	for (u32 i = 0; i < 10000; i++) {
		randomize();
		assert_int_equal(derived(VMCS_CPU_CONTROLS) & ~(controls_offered(CONTROL_SET_CPU) |
								in.l0_controls[CONTROL_SET_CPU]),
				 0);
		assert_int_equal(derived(VMCS_CPU_CONTROLS2) &
					 ~(controls_offered(CONTROL_SET_CPU2) |
					   in.l0_controls[CONTROL_SET_CPU2]),
				 0);
		assert_int_equal(derived(VMCS_PIN_CONTROLS), in.l0_controls[CONTROL_SET_PIN]);
	}
}

UNIT(secondary_controls_count_only_when_activated)
{
	v12.CPU_CONTROLS2 = CPU2_WBINVD_EXITING | CPU2_ENABLE_RDTSCP;
	assert_int_equal(derived(VMCS_CPU_CONTROLS2) & (CPU2_WBINVD_EXITING | CPU2_ENABLE_RDTSCP),
			 0);
	v12.CPU_CONTROLS = CPU_SECONDARY;
	assert_int_equal(derived(VMCS_CPU_CONTROLS2) & (CPU2_WBINVD_EXITING | CPU2_ENABLE_RDTSCP),
			 CPU2_WBINVD_EXITING | CPU2_ENABLE_RDTSCP);
}

UNIT(unrestricted_guest_is_l1s_choice)
{
	assert_int_equal(derived(VMCS_CPU_CONTROLS2) & CPU2_UNRESTRICTED_GUEST, 0);
	assert_int_equal(derived(VMCS_GUEST_CR0) & (CR0_PE | CR0_PG), CR0_PE | CR0_PG);
	v12.CPU_CONTROLS = CPU_SECONDARY;
	v12.CPU_CONTROLS2 = CPU2_UNRESTRICTED_GUEST;
	assert_int_equal(derived(VMCS_GUEST_CR0) & (CR0_PE | CR0_PG), 0);
}

UNIT(shadows_show_l2_what_l1_wants_and_else_the_register)
{
	v12.GUEST_CR0 = CR0_PE | CR0_PG | CR0_NE | CR0_WP | CR0_CD;
	v12.CR0_MASK = CR0_TS | CR0_WP;
	v12.CR0_SHADOW = CR0_TS;
	assert_int_equal(derived(VMCS_CR0_SHADOW), CR0_PE | CR0_PG | CR0_NE | CR0_CD | CR0_TS);
	assert_int_equal(derived(VMCS_CR0_MASK), CR0_TS | CR0_WP | CR0_L0_OWNED);
}

UNIT(cr0_and_cr4_come_back_as_l2_left_them)
{
	for (u32 i = 0; i < 10000; i++) {
		u64 cr0 = next_random() & CR0_DEFINED, cr4 = next_random() & (in.cr4_guest | 0x7);

		v12.GUEST_CR0 = cr0;
		v12.GUEST_CR4 = cr4;
		v12.CR0_MASK = next_random();
		v12.CR4_MASK = next_random();
		v12.CR0_SHADOW = next_random();
		v12.CR4_SHADOW = next_random();
		/* L2 ran and changed nothing. */
		assert_int_equal(
			derive_cr0_of_l2(&v12, derived(VMCS_GUEST_CR0), derived(VMCS_CR0_SHADOW)) &
				~(in.cr0_fixed0 & ~CR0_L0_OWNED),
			cr0 & ~(in.cr0_fixed0 & ~CR0_L0_OWNED));
		assert_int_equal(
			derive_cr4_of_l2(&in, derived(VMCS_GUEST_CR4), derived(VMCS_CR4_SHADOW)),
			cr4);
	}
}

UNIT(efer_without_its_load_control_follows_the_mode)
{
	in.l1_efer = EFER_NXE | EFER_LME | EFER_LMA;
	v12.GUEST_CR0 = CR0_PE | CR0_PG;
	assert_int_equal(derived(VMCS_GUEST_EFER), EFER_NXE);
	v12.GUEST_CR0 = 0;
	assert_int_equal(derived(VMCS_GUEST_EFER), EFER_NXE | EFER_LME);
	v12.ENTRY_CONTROLS = ENTRY_CTL_IA32E_MODE;
	in.l1_efer = 0;
	assert_int_equal(derived(VMCS_GUEST_EFER), EFER_LME | EFER_LMA);
	v12.ENTRY_CONTROLS = ENTRY_CTL_LOAD_EFER;
	v12.GUEST_EFER = EFER_SCE;
	assert_int_equal(derived(VMCS_GUEST_EFER), EFER_SCE);
}

UNIT(what_entry_controls_do_not_load_stays_l1s)
{
	v12.GUEST_PAT = 1;
	v12.GUEST_DR7 = 0x401;
	v12.GUEST_DEBUGCTL = 2;
	assert_int_equal(derived(VMCS_GUEST_PAT), in.l1_pat);
	assert_int_equal(derived(VMCS_GUEST_DR7), in.l1_dr7);
	assert_int_equal(derived(VMCS_GUEST_DEBUGCTL), 0);
	v12.ENTRY_CONTROLS = ENTRY_CTL_LOAD_PAT | ENTRY_CTL_LOAD_DEBUG;
	assert_int_equal(derived(VMCS_GUEST_PAT), 1);
	assert_int_equal(derived(VMCS_GUEST_DR7), 0x401);
	assert_int_equal(derived(VMCS_GUEST_DEBUGCTL), 2);
}

UNIT(cr8_is_l0s_to_see_unless_it_is_the_virtual_apic_pages)
{
	const u32 both = CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING;

	in.l0_controls[CONTROL_SET_CPU] |= both;
	v12.TPR_THRESHOLD = 5;
	assert_int_equal(derived(VMCS_CPU_CONTROLS) & (both | CPU_TPR_SHADOW), both);
	assert_int_equal(derived(VMCS_TPR_THRESHOLD), 0);
	v12.CPU_CONTROLS = CPU_TPR_SHADOW;
	assert_int_equal(derived(VMCS_CPU_CONTROLS) & (both | CPU_TPR_SHADOW), CPU_TPR_SHADOW);
	assert_int_equal(derived(VMCS_TPR_THRESHOLD), 5);
	v12.CPU_CONTROLS = CPU_TPR_SHADOW | CPU_CR8_LOAD_EXITING;
	assert_int_equal(derived(VMCS_CPU_CONTROLS) & both, CPU_CR8_LOAD_EXITING);
	in.lost_virtual_apic = true;
	assert_int_equal(derived(VMCS_CPU_CONTROLS) & (both | CPU_TPR_SHADOW), both);
	assert_int_equal(derived(VMCS_TPR_THRESHOLD), 0);
}

UNIT(tsc_offsets_add_up)
{
	v12.TSC_OFFSET = (u64)-3000;
	assert_int_equal(derived(VMCS_TSC_OFFSET), 1000);
	v12.CPU_CONTROLS = CPU_USE_TSC_OFFSETTING;
	assert_int_equal(derived(VMCS_TSC_OFFSET), (u64)-2000);
}

/* R17: random VMWRITEs, and after each entry vmcs02 is what a full rebuild makes. */
UNIT(deriving_the_marked_groups_is_a_full_rebuild)
{
	u64 vmcs02[ROWS_MAX] = { 0 };
	u32 count = derive_first[DERIVE_GROUPS];
	u32 dirty = DERIVE_ALL;

	randomize();
	for (u32 i = 0; i < 20000; i++) {
		enum vmcs12_row row = (enum vmcs12_row)(next_random() % VMCS12_ROWS);

		vmcs12_write(&v12, &all_fields, vmcs_field_table[row].encoding, next_random());
		dirty |= derive_marks(row);
		if (next_random() % 4)
			continue;
		for (u32 j = 0; j < count; j++)
			if (dirty & 1u << derive_rows[j].group)
				vmcs02[j] = derive_value(&derive_rows[j], &in);
		dirty = 0;
		for (u32 j = 0; j < count; j++)
			if (vmcs02[j] != derive_value(&derive_rows[j], &in))
				fail_msg("%s is out of date",
					 vmcs_field_name(derive_rows[j].field));
	}
}

/* The rows whose values a change of this field can change, by trying; as groups. */
static u32 groups_that_follow(u32 row)
{
	u64 before[ROWS_MAX] = { 0 };
	u32 groups = 0;

	for (u32 i = 0; i < 300; i++) {
		randomize();
		for (u32 j = 0; j < derive_first[DERIVE_GROUPS]; j++)
			before[j] = derive_value(&derive_rows[j], &in);
		v12.fields[row] = next_random() & vmcs12_masks[row];
		for (u32 j = 0; j < derive_first[DERIVE_GROUPS]; j++)
			if (derive_value(&derive_rows[j], &in) != before[j])
				groups |= 1u << derive_rows[j].group;
	}
	return groups;
}

UNIT(a_field_marks_what_follows_from_it_and_no_other_group)
{
	for (u32 row = 0; row < VMCS12_ROWS; row++) {
		u32 marks = derive_marks((enum vmcs12_row)row), own = derive_own_group[row];
		u32 follow = groups_that_follow(row);

		if (follow & ~marks)
			fail_msg("%s marks %x, not %x", vmcs_field_table[row].name, marks, follow);
		/* Pin-based and exit controls of L1 reach no field: their row is L0's. */
		if ((marks & ~own) & ~follow)
			fail_msg("%s marks %x in vain", vmcs_field_table[row].name,
				 marks & ~follow);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(rows_stand_by_group_and_none_twice, setup),
		cmocka_unit_test_setup(whatever_l1_writes_l0_keeps_what_it_needs, setup),
		cmocka_unit_test_setup(no_control_of_l1_reaches_hardware_unless_it_is_offered,
				       setup),
		cmocka_unit_test_setup(secondary_controls_count_only_when_activated, setup),
		cmocka_unit_test_setup(unrestricted_guest_is_l1s_choice, setup),
		cmocka_unit_test_setup(shadows_show_l2_what_l1_wants_and_else_the_register, setup),
		cmocka_unit_test_setup(cr0_and_cr4_come_back_as_l2_left_them, setup),
		cmocka_unit_test_setup(efer_without_its_load_control_follows_the_mode, setup),
		cmocka_unit_test_setup(what_entry_controls_do_not_load_stays_l1s, setup),
		cmocka_unit_test_setup(cr8_is_l0s_to_see_unless_it_is_the_virtual_apic_pages,
				       setup),
		cmocka_unit_test_setup(tsc_offsets_add_up, setup),
		cmocka_unit_test_setup(deriving_the_marked_groups_is_a_full_rebuild, setup),
		cmocka_unit_test_setup(a_field_marks_what_follows_from_it_and_no_other_group,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
