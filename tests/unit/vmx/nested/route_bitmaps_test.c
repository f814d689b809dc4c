/* SPDX-License-Identifier: MIT */
/* The rules that look into a bitmap: every bit of it against the SDM's definition, said slowly. */
#include "route_fixture.h"

static bool io_wants(u32 port, u32 bytes)
{
	f.exit.qualification =
		(u64)port << 16 | (bytes - 1) | ((unit_random(&f.seed) & 0x100) ? 0x38 : 0);
	return wants(EXIT_IO);
}

UNIT(ports_by_the_bitmaps)
{
	fill_at_random(PAGE_IO_A);
	fill_at_random(PAGE_IO_B);
	f.v12.CPU_CONTROLS = BIT(25) | ((unit_random(&f.seed) & 0x100) ? BIT(24) : 0);
	for (u32 port = 0; port <= 0xffff; port++) {
		for (u32 bytes = 1; bytes <= 4; bytes *= 2) {
			bool expected = port + bytes > 0x10000;

			for (u32 p = port; p < port + bytes && p <= 0xffff; p++)
				expected |= p < 0x8000 ? page_bit(PAGE_IO_A, p)
						       : page_bit(PAGE_IO_B, p - 0x8000);
			assert_int_equal(io_wants(port, bytes), expected);
		}
	}
}

UNIT(access_that_wraps_around_the_ports_exits)
{
	f.v12.CPU_CONTROLS = BIT(25);
	assert_false(io_wants(0xffff, 1));
	assert_true(io_wants(0xffff, 2));
	assert_false(io_wants(0xfffe, 2));
	assert_true(io_wants(0xfffd, 4));
	assert_false(io_wants(0xfffc, 4));
	f.pages[PAGE_IO_B][0] = 1;
	assert_true(io_wants(0x7fff, 2));
	assert_false(io_wants(0x7fff, 1));
}

UNIT(bitmaps_override_unconditional_exiting)
{
	f.v12.CPU_CONTROLS = 0;
	f.pages[PAGE_IO_A][0x60 / 8] = 1;
	assert_false(io_wants(0x60, 1));
	f.v12.CPU_CONTROLS = BIT(24);
	assert_true(io_wants(0x61, 1));
	f.v12.CPU_CONTROLS = BIT(24) | BIT(25);
	assert_true(io_wants(0x60, 1));
	assert_false(io_wants(0x61, 1));
}

static void check_msr(u32 msr)
{
	u32 half = msr < 0x2000 ? 0 : 1;
	bool covered = msr < 0x2000 || (msr >= 0xc0000000 && msr <= 0xc0001fff);
	u32 bit = msr & 0x1fff;

	f.regs[GPR_RCX] = msr | 0xabcdULL << 32;
	assert_int_equal(wants(EXIT_RDMSR), !covered || page_bit(PAGE_MSR, half * 0x2000 + bit));
	assert_int_equal(wants(EXIT_WRMSR),
			 !covered || page_bit(PAGE_MSR, 0x4000 + half * 0x2000 + bit));
}

UNIT(msrs_by_the_four_quarters)
{
	fill_at_random(PAGE_MSR);
	f.v12.CPU_CONTROLS = BIT(28);
	for (u32 msr = 0; msr <= 0x2100; msr++)
		check_msr(msr);
	for (u32 msr = 0xbfffff00; msr <= 0xc0002100; msr++)
		check_msr(msr);
	for (u32 i = 0; i < 10000; i++)
		check_msr((u32)(unit_random(&f.seed) >> 20));
}

UNIT(without_the_msr_bitmap_every_msr_exits)
{
	f.v12.CPU_CONTROLS = ~BIT(28) & ~0u;
	assert_true(wants(EXIT_RDMSR));
	assert_true(wants(EXIT_WRMSR));
	f.v12.CPU_CONTROLS = BIT(28);
	assert_false(wants(EXIT_RDMSR));
	assert_false(wants(EXIT_WRMSR));
}

static void check_field(u64 field, bool beyond)
{
	f.regs[GPR_RDI] = field;
	f.exit.insn_info = (u32)GPR_RDI << 28;
	assert_int_equal(wants(EXIT_VMREAD), beyond || page_bit(PAGE_VMREAD, field & 0x7fff));
	assert_int_equal(wants(EXIT_VMWRITE), beyond || page_bit(PAGE_VMWRITE, field & 0x7fff));
}

UNIT(vmread_and_vmwrite_by_their_bitmaps)
{
	fill_at_random(PAGE_VMREAD);
	fill_at_random(PAGE_VMWRITE);
	f.v12.CPU_CONTROLS = BIT(31);
	f.v12.CPU_CONTROLS2 = BIT(14);
	for (u64 field = 0; field < 0x8000; field++)
		check_field(field, false);
	for (u32 bit = 15; bit < 64; bit++)
		check_field(BIT(bit), true);
	f.exit.long_code = false;
	for (u32 bit = 15; bit < 64; bit++)
		check_field(BIT(bit), bit < 32);
}

UNIT(without_shadowing_vmread_and_vmwrite_exit)
{
	f.v12.CPU_CONTROLS2 = BIT(14); /* and the secondary controls are off */
	assert_true(wants(EXIT_VMREAD));
	assert_true(wants(EXIT_VMWRITE));
	f.v12.CPU_CONTROLS = BIT(31);
	assert_false(wants(EXIT_VMREAD));
	assert_false(wants(EXIT_VMWRITE));
}

UNIT(bitmap_without_memory_reads_all_ones)
{
	f.v12.CPU_CONTROLS = BIT(25) | BIT(28) | BIT(31);
	f.v12.CPU_CONTROLS2 = BIT(14);
	for (u32 n = 0; n < 2; n++) {
		f.unbacked = n;
		assert_int_equal(io_wants(0x60, 1), n);
		assert_int_equal(wants(EXIT_RDMSR), n);
		assert_int_equal(wants(EXIT_WRMSR), n);
		assert_int_equal(wants(EXIT_VMREAD), n);
		assert_int_equal(wants(EXIT_VMWRITE), n);
	}
}

/* A control, and a bit for each leaf in EAX up to 62; the last bit is for all others. */
static void check_leaves(u32 reason, u32 control, u64 *bitmap)
{
	static const u32 leaves[] = { 0, 1, 31, 32, 62, 63, 64, 127, ~0u };

	f.v12.CPU_CONTROLS = BIT(31);
	for (u32 i = 0; i < ARRAY_SIZE(leaves); i++) {
		u32 bit = leaves[i] < 63 ? leaves[i] : 63;

		f.regs[GPR_RAX] = leaves[i] | 7ULL << 32;
		*bitmap = BIT(bit);
		f.v12.CPU_CONTROLS2 = BIT(control);
		assert_true(wants(reason));
		*bitmap = ~BIT(bit);
		assert_false(wants(reason));
		*bitmap = ~0ULL;
		f.v12.CPU_CONTROLS2 = ~BIT(control) & ~0u;
		assert_false(wants(reason));
	}
}

UNIT(leaf_functions_by_their_bitmaps)
{
	check_leaves(EXIT_ENCLS, 15, &f.v12.ENCLS_EXIT_BITMAP);
	check_leaves(EXIT_ENCLV, 28, &f.v12.ENCLV_EXIT_BITMAP);
	check_leaves(EXIT_PCONFIG, 27, &f.v12.PCONFIG_EXIT_BITMAP);
}

UNIT(xsaves_by_components_that_all_three_name)
{
	f.v12.CPU_CONTROLS = BIT(31);
	for (u32 n = 0; n < 16; n++) {
		for (u32 bit = 0; bit < 64; bit++) {
			u64 asked = n & 1 ? BIT(bit) : ~BIT(bit);

			f.regs[GPR_RAX] = (u32)asked | 0xffULL << 32;
			f.regs[GPR_RDX] = asked >> 32 | 0xffULL << 32;
			f.exit.xss = n & 2 ? BIT(bit) : 0;
			f.v12.XSS_EXIT_BITMAP = n & 4 ? BIT(bit) : ~BIT(bit);
			f.v12.CPU_CONTROLS2 = n & 8 ? BIT(20) : 0;
			assert_int_equal(wants(EXIT_XSAVES), n == 15);
			assert_int_equal(wants(EXIT_XRSTORS), n == 15);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ports_by_the_bitmaps, set_up),
		cmocka_unit_test_setup(access_that_wraps_around_the_ports_exits, set_up),
		cmocka_unit_test_setup(bitmaps_override_unconditional_exiting, set_up),
		cmocka_unit_test_setup(msrs_by_the_four_quarters, set_up),
		cmocka_unit_test_setup(without_the_msr_bitmap_every_msr_exits, set_up),
		cmocka_unit_test_setup(vmread_and_vmwrite_by_their_bitmaps, set_up),
		cmocka_unit_test_setup(without_shadowing_vmread_and_vmwrite_exit, set_up),
		cmocka_unit_test_setup(bitmap_without_memory_reads_all_ones, set_up),
		cmocka_unit_test_setup(leaf_functions_by_their_bitmaps, set_up),
		cmocka_unit_test_setup(xsaves_by_components_that_all_three_name, set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/route_bitmaps", tests, NULL, NULL);
}
