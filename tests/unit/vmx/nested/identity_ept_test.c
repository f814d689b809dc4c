/* SPDX-License-Identifier: MIT */
/* The computed EPT12 walked as L1's are: every address leads to itself, with all rights, and the
 * tables are where no L1 can have memory. */
#include "unit.h"
#include "ept12_oracle.h"
#include "hv/errno.h"
#include "vmx/nested/identity_ept.h"

#define CAPS   (EPT_CAP_MASK(WALK_4) | EPT_CAP_MASK(WRITE_BACK) | EPT_CAP_MASK(PAGE_2M))
#define ROUNDS 20000u

/* Of a CPU with each width, without and with pages of 1 GiB. */
static const u32 widths[] = { 32, 36, 39, 40, 46, 48, 51 };

static struct vmx_caps l1, caps;
static struct ept12 ept;

static int read_identity(void *context, l1_gpa_t at, u64 *entry)
{
	(void)context;
	if (!identity_ept_has_table(&caps, l1_gpa_to_l1_gfn(at)))
		return -EFAULT;
	*entry = identity_ept_entry(&caps, at);
	return 0;
}

static int mark_nothing(void *context, l1_gpa_t at, u64 seen, u64 flags)
{
	(void)context, (void)at, (void)seen, (void)flags;
	return -EFAULT;
}

static void build(u32 width, u64 ept_vpid)
{
	l1 = (struct vmx_caps){ .physical_bits = width, .ept_vpid = ept_vpid };
	identity_ept_caps(&caps, &l1);
	ept = (struct ept12){ .eptp = identity_eptp(&caps),
			      .l1 = &caps,
			      .read = read_identity,
			      .mark = mark_nothing };
}

static struct ept12_walk walk_to(u64 gpa)
{
	const struct ept12_access access = {
		.gpa = l2_gpa(gpa), .read = true, .write = true, .fetch = true
	};
	struct ept12_walk walk = ept12_translate(&ept, &access);
	const char *objection = ept12_oracle_objection(&ept, &access, &walk);

	if (objection)
		fail_msg("%s of the walk of 0x%llx is wrong", objection, (unsigned long long)gpa);
	return walk;
}

static void expect_itself(u64 gpa, u32 leaf_level)
{
	struct ept12_walk walk = walk_to(gpa);

	assert_int_equal(walk.outcome, EPT12_OK);
	assert_int_equal(walk.to.raw, gpa);
	assert_int_equal(walk.level, leaf_level);
	assert_int_equal(walk.rights, EPT_READ | EPT_WRITE | EPT_EXECUTE);
	assert_int_equal(walk.type, MEMORY_WB);
	assert_false(walk.ignore_pat);
	for (u32 i = 0; i < walk.used_count; i++)
		assert_int_not_equal(walk.used[i].at.raw >> l1.physical_bits, 0);
	/* Nothing is owed to the tables: they have no flags. */
	assert_int_equal(ept12_set_flags(&ept, &walk), 0);
}

/* The edges of every leaf there can be a mistake at, and random addresses below the width. */
static void expect_identity(u32 leaf_level)
{
	u64 seed = l1.physical_bits, end = BIT(MIN(l1.physical_bits, 48));

	for (u32 bit = 0; BIT(bit) < end; bit++) {
		expect_itself(BIT(bit), leaf_level);
		expect_itself(BIT(bit) - 1, leaf_level);
		expect_itself(end - BIT(bit), leaf_level);
	}
	for (u32 i = 0; i < ROUNDS; i++)
		expect_itself(unit_random(&seed) % end, leaf_level);
}

UNIT(leaves_of_1g_are_the_identity)
{
	for (u32 i = 0; i < ARRAY_SIZE(widths); i++) {
		build(widths[i], CAPS | EPT_CAP_MASK(PAGE_1G));
		expect_identity(EPT_LEVEL_1G);
	}
}

UNIT(leaves_of_2m_are_the_identity)
{
	for (u32 i = 0; i < ARRAY_SIZE(widths); i++) {
		build(widths[i], CAPS);
		expect_identity(EPT_LEVEL_2M);
	}
}

/* Addresses that no L2 has: what is not refused still leads to itself. */
UNIT(nothing_leads_elsewhere)
{
	u64 seed = 3;

	for (u32 i = 0; i < 2 * ARRAY_SIZE(widths); i++) {
		build(widths[i / 2], CAPS | (i % 2 ? EPT_CAP_MASK(PAGE_1G) : 0));
		for (u32 n = 0; n < ROUNDS; n++) {
			u64 gpa = unit_random(&seed) >> (12 + unit_random(&seed) % 40);
			struct ept12_walk walk = walk_to(gpa);

			if (walk.outcome == EPT12_OK)
				assert_int_equal(walk.to.raw, gpa);
		}
	}
}

UNIT(l1_can_write_no_such_eptp_and_has_no_such_memory)
{
	for (u32 i = 0; i < ARRAY_SIZE(widths); i++) {
		build(widths[i], CAPS);
		assert_true(eptp_is_valid(ept.eptp, &caps));
		assert_false(eptp_is_valid(ept.eptp, &l1));
		assert_false(ept.eptp & EPTP_AD_ENABLE);
		assert_false(identity_ept_has_table(&caps, l1_gfn(0)));
		assert_false(
			identity_ept_has_table(&caps, l1_gfn((BIT(widths[i]) - 1) >> PAGE_SHIFT)));
		assert_true(identity_ept_has_table(&caps, l1_gfn(ept.eptp >> PAGE_SHIFT)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_of_1g_are_the_identity),
		cmocka_unit_test(leaves_of_2m_are_the_identity),
		cmocka_unit_test(nothing_leads_elsewhere),
		cmocka_unit_test(l1_can_write_no_such_eptp_and_has_no_such_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
