/* SPDX-License-Identifier: MIT */
/* "Loading Host State": each value by the SDM's words, and nothing that L2 had stays behind. */
#include "unit.h"
#include "hv/msr_index.h"
#include "hv/string.h"
#include "vmx/access_rights.h"
#include "vmx/control_regs.h"
#include "vmx/nested/derive.h"
#include "vmx/nested/host_state_values.h"
#include "vmx/vcpu.h"

static struct vmcs12 v12;
static struct host_state_inputs inputs;
static const struct host_state_inputs *const in = &inputs; /* as the rows name it */

/* A field of vmcs01 and what the exit loads. */
struct row {
	enum vmcs_field field;
	u64 value;
};

enum {
#define LOAD(field, value) ROW_##field,
#define KEEP(field, value) LOAD(field, value)
#include "vmx/nested/host_state.def"
#undef LOAD
#undef KEEP
	ROWS
};

static int setup(void **state)
{
	(void)state;
	memset(&v12, 0, sizeof(v12));
	v12.EXIT_CONTROLS = EXIT_CTL_HOST_64BIT;
	v12.HOST_CR0 = CR0_PE | CR0_PG | CR0_NE | CR0_WP;
	v12.HOST_CR3 = 0x5000;
	v12.HOST_CR4 = CR4_PAE | CR4_PCIDE;
	v12.HOST_SEL_CS = 8;
	v12.HOST_SEL_SS = 16;
	v12.HOST_SEL_TR = 24;
	v12.HOST_RIP = 0x123456;
	v12.HOST_RSP = 0x7ff0;
	inputs = (struct host_state_inputs){
		.v12 = &v12,
		.cr0_fixed0 = CR0_NE,
		.cr4_fixed0 = CR4_VMXE,
		.l2_cr0 = CR0_PE | CR0_ET,
		.l2_efer = EFER_NXE,
		.l2_pat = 7,
	};
	return 0;
}

/* All rows, as of the test's inputs. */
static const struct row *compute_rows(void)
{
	static struct row rows[ROWS];

#define LOAD(field, value) rows[ROW_##field] = (struct row){ VMCS_##field, (value) };
#define KEEP(field, value) LOAD(field, value)
#include "vmx/nested/host_state.def"
#undef LOAD
#undef KEEP
	return rows;
}

/* What the exit loads; NULL where it loads nothing into the field. */
static const struct row *row_of(enum vmcs_field field)
{
	const struct row *rows = compute_rows();

	for (u32 i = 0; i < ROWS; i++)
		if (rows[i].field == field)
			return &rows[i];
	return NULL;
}

static u64 loaded(enum vmcs_field field)
{
	const struct row *row = row_of(field);

	if (!row)
		fail_msg("%s is not loaded", vmcs_field_name(field));
	return row ? row->value : 0;
}

UNIT(what_l2_can_change_is_loaded)
{
	/* PDPTEs are loaded from memory where L1 uses PAE paging; an unusable LDTR has no more. */
	for (u32 i = 0; i < derive_first[DERIVE_GROUPS]; i++) {
		enum vmcs_field field = derive_rows[i].field;

		if (VMCS_ENCODING_KIND(field) != VMCS_GUEST_STATE)
			continue;
		if (field >= VMCS_GUEST_PDPTE0 && field <= VMCS_GUEST_PDPTE3)
			continue;
		if (field == VMCS_GUEST_BASE_LDTR || field == VMCS_GUEST_LIMIT_LDTR)
			continue;
		if (!row_of(field))
			fail_msg("%s stays as L2 left it", vmcs_field_name(field));
	}
}

UNIT(no_field_is_loaded_twice)
{
	const struct row *rows = compute_rows();

	for (u32 i = 0; i < ROWS; i++)
		for (u32 j = 0; j < i; j++)
			assert_int_not_equal(rows[i].field, rows[j].field);
}

/* A row may be left out where the field holds the value already, which L0 only knows of fields that
 * L1 cannot change without an exit. These are all: the others are written each time. */
UNIT(only_what_no_guest_changes_alone_is_kept)
{
	static const u16 may_be_kept[] = {
		VMCS_CR0_SHADOW, VMCS_CR4_SHADOW,     VMCS_GUEST_EFER,
		VMCS_GUEST_PAT,  VMCS_GUEST_DEBUGCTL, VMCS_GUEST_INTERRUPTIBILITY,
		VMCS_GUEST_DR7,
	};
	static const u16 kept[] = {
#define LOAD(field, value)
#define KEEP(field, value) VMCS_##field,
#include "vmx/nested/host_state.def"
#undef LOAD
#undef KEEP
	};

	assert_int_equal(ARRAY_SIZE(kept) + HOST_STATE_LOADED, ROWS);
	for (u32 i = 0; i < ARRAY_SIZE(kept); i++) {
		bool may = false;

		for (u32 j = 0; j < ARRAY_SIZE(may_be_kept); j++)
			may |= kept[i] == may_be_kept[j];
		if (!may)
			fail_msg("%s is kept", vmcs_field_name(kept[i]));
	}
}

/* vcpu.kept names them, and nothing else of vmcs01: a row that is not there does not compile. */
UNIT(kept_fields_are_those_that_the_vcpu_remembers)
{
	static struct vcpu v;
	u64 count = 0;

#define LOAD(field, value)
#define KEEP(field, value)    \
	v.kept.field = ~0ULL; \
	count++;
#include "vmx/nested/host_state.def"
#undef LOAD
#undef KEEP
	assert_int_equal(count * sizeof(u64), sizeof(v.kept));
	for (u64 i = 0; i < count; i++)
		assert_int_equal(((const u64 *)&v.kept)[i], ~0ULL);
}

UNIT(cr0_keeps_the_bits_that_no_exit_changes)
{
	inputs.l2_cr0 = CR0_ET | CR0_CD | CR0_NW | CR0_TS;
	v12.HOST_CR0 = CR0_PE | CR0_PG | CR0_NE;
	assert_int_equal(loaded(VMCS_CR0_SHADOW),
			 CR0_PE | CR0_PG | CR0_NE | CR0_ET | CR0_CD | CR0_NW);
	assert_int_equal(loaded(VMCS_GUEST_CR0), CR0_PE | CR0_PG | CR0_NE | CR0_ET);
}

UNIT(cr4_follows_the_hosts_address_space_size)
{
	assert_int_equal(loaded(VMCS_CR4_SHADOW), CR4_PAE | CR4_PCIDE);
	v12.HOST_CR4 = CR4_PCIDE;
	assert_int_equal(loaded(VMCS_CR4_SHADOW), CR4_PAE | CR4_PCIDE);
	v12.EXIT_CONTROLS = 0;
	assert_int_equal(loaded(VMCS_CR4_SHADOW), 0);
	assert_int_equal(loaded(VMCS_GUEST_CR4), CR4_VMXE | CR4_L0_ON);
}

UNIT(efer_is_loaded_or_follows_the_mode)
{
	assert_int_equal(loaded(VMCS_GUEST_EFER), EFER_NXE | EFER_LMA | EFER_LME);
	v12.EXIT_CONTROLS = 0;
	inputs.l2_efer = EFER_NXE | EFER_LMA | EFER_LME;
	assert_int_equal(loaded(VMCS_GUEST_EFER), EFER_NXE);
	v12.EXIT_CONTROLS = EXIT_CTL_LOAD_EFER;
	v12.HOST_EFER = EFER_SCE;
	assert_int_equal(loaded(VMCS_GUEST_EFER), EFER_SCE);
}

UNIT(pat_is_loaded_or_stays)
{
	v12.HOST_PAT = 6;
	assert_int_equal(loaded(VMCS_GUEST_PAT), 7);
	v12.EXIT_CONTROLS |= EXIT_CTL_LOAD_PAT;
	assert_int_equal(loaded(VMCS_GUEST_PAT), 6);
}

UNIT(segments_are_flat)
{
	assert_int_equal(loaded(VMCS_GUEST_AR_CS), 0xa09b);
	assert_int_equal(loaded(VMCS_GUEST_LIMIT_CS), 0xffffffff);
	assert_int_equal(loaded(VMCS_GUEST_BASE_CS), 0);
	assert_int_equal(loaded(VMCS_GUEST_AR_SS), 0xc093);
	assert_int_equal(loaded(VMCS_GUEST_AR_DS), AR_UNUSABLE);
	assert_int_equal(loaded(VMCS_GUEST_AR_TR), 0x8b);
	assert_int_equal(loaded(VMCS_GUEST_LIMIT_TR), 0x67);
	assert_int_equal(loaded(VMCS_GUEST_SEL_LDTR), 0);
	assert_int_equal(loaded(VMCS_GUEST_AR_LDTR), AR_UNUSABLE);
	assert_int_equal(loaded(VMCS_GUEST_LIMIT_GDTR), 0xffff);
	assert_int_equal(loaded(VMCS_GUEST_LIMIT_IDTR), 0xffff);
	v12.EXIT_CONTROLS = 0;
	assert_int_equal(loaded(VMCS_GUEST_AR_CS), 0xc09b);
}

UNIT(the_rest_is_what_l1_said_or_quiet)
{
	assert_int_equal(loaded(VMCS_GUEST_RIP), 0x123456);
	assert_int_equal(loaded(VMCS_GUEST_RSP), 0x7ff0);
	assert_int_equal(loaded(VMCS_GUEST_CR3), 0x5000);
	assert_int_equal(loaded(VMCS_GUEST_RFLAGS), 2);
	assert_int_equal(loaded(VMCS_GUEST_DR7), 0x400);
	assert_int_equal(loaded(VMCS_GUEST_DEBUGCTL), 0);
	assert_int_equal(loaded(VMCS_GUEST_INTERRUPTIBILITY), 0);
	inputs.blocked = 8;
	assert_int_equal(loaded(VMCS_GUEST_INTERRUPTIBILITY), 8);
	assert_int_equal(loaded(VMCS_GUEST_PENDING_DEBUG), 0);
	/* vmcs01's is "active" for ever; a vCPU's own activity is not in the VMCS. */
	assert_null(row_of(VMCS_GUEST_ACTIVITY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_l2_can_change_is_loaded, setup),
		cmocka_unit_test_setup(no_field_is_loaded_twice, setup),
		cmocka_unit_test_setup(only_what_no_guest_changes_alone_is_kept, setup),
		cmocka_unit_test_setup(kept_fields_are_those_that_the_vcpu_remembers, setup),
		cmocka_unit_test_setup(cr0_keeps_the_bits_that_no_exit_changes, setup),
		cmocka_unit_test_setup(cr4_follows_the_hosts_address_space_size, setup),
		cmocka_unit_test_setup(efer_is_loaded_or_follows_the_mode, setup),
		cmocka_unit_test_setup(pat_is_loaded_or_stays, setup),
		cmocka_unit_test_setup(segments_are_flat, setup),
		cmocka_unit_test_setup(the_rest_is_what_l1_said_or_quiet, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
