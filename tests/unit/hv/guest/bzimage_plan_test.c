/* SPDX-License-Identifier: MIT */
/* hv/guest/load_plan.c and bzimage_info.c for a bzImage: where it goes, and its zero page. */
#include "bzimage_image.h"
#include "hv/guest/load_start.h"

#define FILE_BYTES BZ_BYTES
#include "load_fixture.h"

#define ZERO_PAGE_RSDP  0x070
#define ZERO_PAGE_E820S 0x1e8
#define ZERO_PAGE_E820  0x2d0

static int fresh_machine(void **state)
{
	(void)state;
	bzimage_build(file);
	fixture_parse();
	fixture_machine();
	request.module_count = 1;
	return 0;
}

UNIT(plan_is_as_expected)
{
	accept();
	assert_int_equal(plan.copy_count, 4);
	assert_int_equal(plan.entry.raw, BZ_PREF + 0x200);
	assert_int_equal(plan.copies[0].to.raw, BZ_PREF);
	assert_ptr_equal(plan.copies[0].from, file + BZ_CODE);
	assert_int_equal(plan.copies[0].bytes, BZ_CODE_BYTES);
	assert_int_equal(plan.copies[0].zero_bytes, BZ_INIT_SIZE - BZ_CODE_BYTES);
	assert_int_equal(plan.copies[1].to.raw, 64 * MIB - 0x1000);
	assert_ptr_equal(plan.copies[1].from, modules[0].from);
	assert_int_equal(plan.copies[1].bytes, 5);
	assert_int_equal(plan.copies[2].to.raw, LOAD_LOW);
	assert_ptr_equal(plan.copies[2].from, plan.info);
	assert_int_equal(plan.copies[2].bytes, 4096 + 32 + 6);
	assert_int_equal(plan.copies[3].to.raw, LOAD_LOW + 0x2000);
	assert_ptr_equal(plan.copies[3].from, &plan.tables);
	assert_int_equal(plan.copies[3].bytes, 6 * 4096);
	no_copy_overlaps_another_or_leaves_ram();
}

UNIT(image_moves_up_to_where_there_is_room)
{
	ranges[2].base = l1_gpa(BZ_PREF + 1);
	ranges[2].bytes = 64 * MIB - BZ_PREF - 1;
	accept();
	assert_int_equal(plan.copies[0].to.raw, BZ_PREF + 0x200000);
	assert_int_equal(plan.entry.raw, BZ_PREF + 0x200200);
	no_copy_overlaps_another_or_leaves_ram();
}

UNIT(image_needs_all_of_init_size)
{
	request.module_count = 0;
	ranges[2].bytes = BZ_PREF + BZ_INIT_SIZE - MIB;
	accept();
	assert_int_equal(plan.copies[0].to.raw, BZ_PREF);
	ranges[2].bytes--;
	refuse_plan(-ENOSPC, "bzImage: no room for the image's 0x200000 bytes from 0x1000000 up, "
			     "aligned to 0x200000");
}

UNIT(image_stays_below_4_gib)
{
	request.module_count = 0;
	ranges[2].bytes = BZ_PREF - MIB;
	refuse_plan(-ENOSPC, "bzImage: no room for the image's 0x200000 bytes from 0x1000000 up, "
			     "aligned to 0x200000");
}

UNIT(image_that_cannot_move_stays)
{
	file[BZ_RELOCATABLE_KERNEL] = 0;
	fixture_parse();
	accept();
	assert_int_equal(plan.copies[0].to.raw, BZ_PREF);
	ranges[2].base = l1_gpa(BZ_PREF + 1);
	ranges[2].bytes = 64 * MIB - BZ_PREF - 1;
	refuse_plan(-EINVAL,
		    "bzImage: the image needs 0x1000000-0x11fffff, and memory at 0x1000000 "
		    "is not free");
}

UNIT(initrd_obeys_initrd_addr_max)
{
	put32(file + BZ_INITRD_ADDR_MAX, 0x2000fff);
	fixture_parse();
	accept();
	assert_int_equal(plan.copies[1].to.raw, 0x2000000);
	put32(file + BZ_INITRD_ADDR_MAX, 0x2000ffe);
	fixture_parse();
	accept();
	assert_int_equal(plan.copies[1].to.raw, 0x2000000); /* its 5 bytes are below */
	modules[0] = (struct load_module){ module_bytes, 0x1000, "\\m1", "" };
	accept();
	assert_int_equal(plan.copies[1].to.raw, 0x1fff000);
}

UNIT(initrd_avoids_init_size)
{
	put32(file + BZ_INITRD_ADDR_MAX, BZ_PREF + BZ_INIT_SIZE);
	fixture_parse();
	accept();
	assert_int_equal(plan.copies[1].to.raw, BZ_PREF - 0x1000);
	no_copy_overlaps_another_or_leaves_ram();
}

UNIT(initrd_fits_right_behind_the_image)
{
	ranges[2].bytes = BZ_PREF + BZ_INIT_SIZE + 0x1000 - MIB;
	accept();
	assert_int_equal(plan.copies[1].to.raw, BZ_PREF + BZ_INIT_SIZE);
}

UNIT(initrd_goes_to_the_highest_memory)
{
	ranges[2].bytes = 31 * MIB;
	ranges[3] = (struct load_range){ l1_gpa(GIB), 16 * MIB, LOAD_RAM };
	accept();
	assert_int_equal(plan.copies[1].to.raw, GIB + 16 * MIB - 0x1000);
	modules[0] = (struct load_module){ module_bytes, 16 * MIB + 1, "\\m1", "" };
	refuse_plan(-ENOSPC,
		    "bzImage: no room for the 0x1000001 bytes of module \\m1 below 0x80000000");
}

UNIT(second_module_is_refused)
{
	request.module_count = 2;
	refuse_plan(-EINVAL, "bzImage: 2 modules, and the image takes at most 1");
}

UNIT(long_command_line_is_refused)
{
	put32(file + BZ_CMDLINE_SIZE, 5);
	fixture_parse();
	accept();
	put32(file + BZ_CMDLINE_SIZE, 4);
	fixture_parse();
	refuse_plan(-EINVAL,
		    "bzImage: 5 characters of command line, and the image takes at most 4");
}

UNIT(too_many_ranges_are_refused)
{
	static struct load_range many[129];

	fixture_many_ranges(many, ARRAY_SIZE(many));
	refuse_plan(-EINVAL, "bzImage: 129 ranges of memory, and the image takes at most 128");
	request.range_count = 128;
	accept();
	assert_int_equal(plan.info[ZERO_PAGE_E820S], 128);
	assert_int_equal(info64(ZERO_PAGE_E820 + 127 * 20), 127 * 8 * MIB);
	assert_int_equal(info32(ZERO_PAGE_E820 + 128 * 20), 0);
}

UNIT(tables_and_block_go_up_when_low_memory_is_reserved)
{
	ranges[0].type = LOAD_RESERVED;
	accept();
	assert_int_equal(plan.info_gpa.raw, MIB);
	assert_int_equal(plan.tables_gpa.raw, MIB + 0x2000);
}

UNIT(no_room_for_the_tables_is_refused)
{
	request.module_count = 0;
	ranges[0].bytes = LOAD_LOW + 0x2000 + 6 * 0x1000;
	ranges[2] = (struct load_range){ l1_gpa(BZ_PREF), BZ_INIT_SIZE, LOAD_RAM };
	accept();
	ranges[0].bytes--;
	refuse_plan(-ENOSPC, "bzImage: no room for page tables of 0x6000 bytes");
	ranges[0].bytes = LOAD_LOW + 0x1000;
	refuse_plan(-ENOSPC, "bzImage: no room for the information block of 0x1026 bytes");
}

UNIT(image_starts_in_64_bit_mode)
{
	struct start_state start;

	accept();
	start = load_start(&plan);
	assert_int_equal(start.mode, START_LONG);
	assert_int_equal(start.rip, BZ_PREF + 0x200);
	assert_int_equal(start.rsi, LOAD_LOW);
	assert_int_equal(start.cr3, plan.tables_gpa.raw);
	assert_int_equal(start.gdt_base, LOAD_LOW + 4096);
	assert_int_equal(start.gdt_limit, 31);
	assert_int_equal(start.rax | start.rbx, 0);
	assert_int_equal(info64(4096 + START_LONG_CODE), 0x00af9b000000ffff);
	assert_int_equal(info64(4096 + START_LONG_DATA), 0x00cf93000000ffff);
}

/* As a CPU walks: each address below 4 GiB is itself. */
UNIT(tables_map_the_first_4_gib)
{
	const u64 probes[] = { 0, LOAD_LOW, BZ_PREF, 2 * GIB + 3 * MIB, 4 * GIB - 1 };
	u64 base, entry;

	accept();
	base = plan.tables_gpa.raw;
	for (u32 i = 0; i < ARRAY_SIZE(probes); i++) {
		const u64 *tables = (const u64 *)&plan.tables;

		entry = tables[probes[i] >> 39];
		assert_int_equal(entry & 0xfff, 3);
		entry = tables[((entry & ~0xfffULL) - base) / 8 + (probes[i] >> 30)];
		assert_int_equal(entry & 0xfff, 3);
		entry = tables[((entry & ~0xfffULL) - base) / 8 + (probes[i] >> 21) % 512];
		assert_int_equal(entry & 0xfff, 0x83);
		assert_int_equal(entry & ~0xfffULL, probes[i] & ~0x1fffffULL);
	}
	assert_int_equal(plan.tables.pml4[1], 0);
	assert_int_equal(plan.tables.pdpt[4], 0);
}

UNIT(zero_page_has_the_files_header)
{
	accept();
	assert_memory_equal(plan.info + BZ_BOOT_FLAG, file + BZ_BOOT_FLAG, 0x210 - BZ_BOOT_FLAG);
	assert_memory_equal(plan.info + BZ_INITRD_ADDR_MAX, file + BZ_INITRD_ADDR_MAX,
			    BZ_SETUP_DATA - BZ_INITRD_ADDR_MAX);
	assert_int_equal(info32(0x268), 0x3579bdf1);
	assert_int_equal(info32(0x26c), 0); /* what lies behind it in the file does not count */
	assert_int_equal(info64(BZ_SETUP_DATA), 0);
	assert_int_equal(plan.info[0x1ef], 0); /* sentinel */
	assert_int_equal(plan.info[0x210], 0xff);
	for (u32 i = 0; i < BZ_SETUP_SECTS; i++)
		assert_int_equal(plan.info[i], i == ZERO_PAGE_E820S ? 4 : 0);
}

UNIT(zero_page_has_command_line_and_initrd)
{
	accept();
	assert_string_equal(info_string(info32(0x228)), "x=1 y");
	assert_int_equal(info32(0x218), plan.copies[1].to.raw);
	assert_int_equal(info32(0x21c), 5);
	request.module_count = 0;
	request.cmdline = "";
	accept();
	assert_string_equal(info_string(info32(0x228)), "");
	assert_int_equal(info32(0x218), 0);
	assert_int_equal(info32(0x21c), 0);
}

UNIT(zero_page_has_the_rsdp)
{
	accept();
	assert_int_equal(info64(ZERO_PAGE_RSDP), 0);
	request.rsdp = 0x123456789abc;
	accept();
	assert_int_equal(info64(ZERO_PAGE_RSDP), 0x123456789abc);
}

UNIT(zero_page_has_the_map)
{
	accept();
	assert_int_equal(plan.info[ZERO_PAGE_E820S], 4);
	for (u32 i = 0, at = ZERO_PAGE_E820; i < 4; i++, at += 20) {
		assert_int_equal(info64(at), ranges[i].base.raw);
		assert_int_equal(info64(at + 8), ranges[i].bytes);
		assert_int_equal(info32(at + 16), i == 1 ? 2 : 1);
	}
	assert_int_equal(info64(ZERO_PAGE_E820 + 4 * 20 + 8), 0);
}

#define CASE(name) cmocka_unit_test_setup(name, fresh_machine)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(plan_is_as_expected),
		CASE(image_moves_up_to_where_there_is_room),
		CASE(image_needs_all_of_init_size),
		CASE(image_stays_below_4_gib),
		CASE(image_that_cannot_move_stays),
		CASE(initrd_obeys_initrd_addr_max),
		CASE(initrd_avoids_init_size),
		CASE(initrd_fits_right_behind_the_image),
		CASE(initrd_goes_to_the_highest_memory),
		CASE(second_module_is_refused),
		CASE(long_command_line_is_refused),
		CASE(too_many_ranges_are_refused),
		CASE(tables_and_block_go_up_when_low_memory_is_reserved),
		CASE(no_room_for_the_tables_is_refused),
		CASE(image_starts_in_64_bit_mode),
		CASE(tables_map_the_first_4_gib),
		CASE(zero_page_has_the_files_header),
		CASE(zero_page_has_command_line_and_initrd),
		CASE(zero_page_has_the_rsdp),
		CASE(zero_page_has_the_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
