/* SPDX-License-Identifier: MIT */
/* The MSR bitmap against the layout that the SDM gives, and against a naive model. */
#include "unit.h"
#include "hv/msr_index.h"
#include "vmx/msr_bitmap.h"

static struct msr_bitmap bitmap;

static u32 bits_clear(void)
{
	u32 clear = 0;

	for (u32 i = 0; i < sizeof(bitmap.bits); i++)
		clear += 8u - (u32)__builtin_popcount(bitmap.bits[i]);
	return clear;
}

UNIT(at_first_every_access_exits)
{
	msr_bitmap_intercept_all(&bitmap);
	assert_int_equal(bits_clear(), 0);
	assert_true(msr_bitmap_exits(&bitmap, 0, MSR_READ));
	assert_true(msr_bitmap_exits(&bitmap, MSR_IA32_EFER, MSR_WRITE));
}

UNIT(bits_stand_where_the_manual_says)
{
	static const struct {
		u32 msr;
		enum msr_access access;
		u32 byte;
		u8 value;
	} cases[] = {
		{ 0x0, MSR_READ, 0, 0xfe },
		{ 0x1fff, MSR_READ, 1023, 0x7f },
		{ 0xc0000000, MSR_READ, 1024, 0xfe },
		{ 0xc0001fff, MSR_READ, 2047, 0x7f },
		{ 0x0, MSR_WRITE, 2048, 0xfe },
		{ 0x1fff, MSR_WRITE, 3071, 0x7f },
		{ 0xc0000000, MSR_WRITE, 3072, 0xfe },
		{ 0xc0001fff, MSR_WRITE, 4095, 0x7f },
		{ 0x174, MSR_READ, 0x2e, 0xef },
		{ 0xc0000082, MSR_WRITE, 3072 + 16, 0xfb },
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		msr_bitmap_intercept_all(&bitmap);
		msr_bitmap_pass(&bitmap, cases[i].msr, cases[i].access);
		assert_int_equal(bitmap.bits[cases[i].byte], cases[i].value);
		assert_int_equal(bits_clear(), 1);
		assert_int_equal(msr_bitmap_bit(cases[i].msr, cases[i].access == MSR_WRITE),
				 cases[i].byte * 8 +
					 (u32)__builtin_ctz(~(u32)cases[i].value & 0xff));
	}
}

UNIT(reads_and_writes_are_apart)
{
	msr_bitmap_intercept_all(&bitmap);
	msr_bitmap_pass(&bitmap, MSR_IA32_FS_BASE, MSR_READ);
	assert_false(msr_bitmap_exits(&bitmap, MSR_IA32_FS_BASE, MSR_READ));
	assert_true(msr_bitmap_exits(&bitmap, MSR_IA32_FS_BASE, MSR_WRITE));
	assert_true(msr_bitmap_exits(&bitmap, MSR_IA32_FS_BASE, MSR_READ_WRITE));
	msr_bitmap_pass(&bitmap, MSR_IA32_FS_BASE, MSR_WRITE);
	assert_false(msr_bitmap_exits(&bitmap, MSR_IA32_FS_BASE, MSR_READ_WRITE));
}

UNIT(msrs_outside_both_ranges_always_exit)
{
	static const u32 outside[] = { 0x2000, 0x3fff, 0x40000000, 0xbfffffff, 0xc0002000, ~0u };

	memset(&bitmap, 0, sizeof(bitmap));
	for (u32 i = 0; i < ARRAY_SIZE(outside); i++) {
		assert_false(msr_bitmap_covers(outside[i]));
		assert_true(msr_bitmap_exits(&bitmap, outside[i], MSR_READ));
		assert_true(msr_bitmap_exits(&bitmap, outside[i], MSR_WRITE));
		msr_bitmap_intercept(&bitmap, outside[i], MSR_READ_WRITE);
	}
	assert_int_equal(bits_clear(), 8 * 4096); /* no bit was touched */
}

UNIT(random_edits_agree_with_a_naive_model)
{
	static u8 model[2][2 * 0x2000]; /* [write][low MSRs, then high MSRs]: exits? */

	srand(1);
	memset(model, 1, sizeof(model));
	msr_bitmap_intercept_all(&bitmap);
	for (u32 i = 0; i < 20000; i++) {
		u32 slot = (u32)rand() % (2 * 0x2000);
		u32 msr = slot < 0x2000 ? slot : 0xc0000000 + slot - 0x2000;
		enum msr_access access = 1u + (u32)rand() % 3;
		bool pass = rand() & 1;

		if (pass)
			msr_bitmap_pass(&bitmap, msr, access);
		else
			msr_bitmap_intercept(&bitmap, msr, access);
		if (access & MSR_READ)
			model[0][slot] = !pass;
		if (access & MSR_WRITE)
			model[1][slot] = !pass;
	}
	for (u32 slot = 0; slot < 2 * 0x2000; slot++) {
		u32 msr = slot < 0x2000 ? slot : 0xc0000000 + slot - 0x2000;

		assert_int_equal(msr_bitmap_exits(&bitmap, msr, MSR_READ), model[0][slot]);
		assert_int_equal(msr_bitmap_exits(&bitmap, msr, MSR_WRITE), model[1][slot]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_first_every_access_exits),
		cmocka_unit_test(bits_stand_where_the_manual_says),
		cmocka_unit_test(reads_and_writes_are_apart),
		cmocka_unit_test(msrs_outside_both_ranges_always_exit),
		cmocka_unit_test(random_edits_agree_with_a_naive_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
