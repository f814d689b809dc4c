/* SPDX-License-Identifier: MIT */
/* hv/guest/load_plan.c, load_place.c and multiboot_info.c:
 * where things go, and what the image is told about it. */
#include "multiboot_image.h"
#include "hv/guest/multiboot.h"

#define FILE_BYTES IMAGE_BYTES
#include "load_fixture.h"

static int fresh_machine(void **state)
{
	(void)state;
	image_build(file);
	fixture_parse();
	fixture_machine();
	return 0;
}

UNIT(segments_are_copied_and_cleared)
{
	accept();
	assert_int_equal(plan.copy_count, 5);
	assert_int_equal(plan.entry.raw, IMAGE_ENTRY);
	assert_int_equal(plan.copies[1].to.raw, 0x500000);
	assert_ptr_equal(plan.copies[1].from, file + 0x200);
	assert_int_equal(plan.copies[1].bytes, 0x80);
	assert_int_equal(plan.copies[1].zero_bytes, 0x1f80);
	no_copy_overlaps_another_or_leaves_ram();
}

UNIT(modules_go_to_the_top)
{
	accept();
	assert_int_equal(plan.copies[2].to.raw, 64 * MIB - 0x1000);
	assert_ptr_equal(plan.copies[2].from, modules[0].from);
	assert_int_equal(plan.copies[3].to.raw, 64 * MIB - 0x3000);
	assert_int_equal(plan.copies[3].bytes, 0x1001);
}

UNIT(modules_avoid_the_image)
{
	ranges[2].bytes = 4 * MIB + 0x2000; /* ends with the image's second segment */
	accept();
	assert_int_equal(plan.copies[2].to.raw, 0x4ff000);
	no_copy_overlaps_another_or_leaves_ram();
}

UNIT(modules_stay_below_4_gib)
{
	ranges[2].bytes = 5 * GIB;
	request.range_count = 3;
	accept();
	assert_int_equal(plan.copies[2].to.raw, 4 * GIB - 0x1000);
}

UNIT(empty_module_gets_an_address)
{
	modules[0].bytes = 0;
	accept();
	assert_int_equal(plan.copies[2].bytes, 0);
	assert_int_equal(plan.copies[2].to.raw, 64 * MIB - 0x1000);
	assert_int_equal(plan.copies[3].to.raw, 64 * MIB - 0x3000);
}

UNIT(no_room_for_a_module_is_refused)
{
	modules[1].bytes = 62 * MIB;
	assert_int_equal(load_plan_make(&request, &plan, &error), -ENOSPC);
	assert_string_equal(error.text, "multiboot: no room for the 0x3e00000 bytes of module \\m2 "
					"below 0x100000000");
}

UNIT(image_outside_ram_is_refused)
{
	ranges[2].bytes = 4 * MIB + 0x1000;
	assert_int_equal(load_plan_make(&request, &plan, &error), -EINVAL);
	assert_string_equal(error.text, "multiboot: the image needs 0x500000-0x501fff, and memory "
					"at 0x501000 is not free");
	ranges[2].type = LOAD_RESERVED;
	assert_int_equal(load_plan_make(&request, &plan, &error), -EINVAL);
	assert_string_equal(error.text, "multiboot: the image needs 0x400000-0x4000ff, and memory "
					"at 0x400000 is not free");
}

UNIT(no_memory_at_all_is_refused)
{
	request.range_count = 0;
	assert_int_equal(load_plan_make(&request, &plan, &error), -EINVAL);
}

UNIT(info_goes_to_low_memory)
{
	accept();
	assert_int_equal(plan.info_gpa.raw, LOAD_LOW);
	assert_int_equal(plan.copies[4].to.raw, LOAD_LOW);
	assert_ptr_equal(plan.copies[4].from, plan.info);
}

UNIT(info_avoids_the_image)
{
	put32(file + IMAGE_PHDR_1 + PHDR_ADDRESS, 0x8800);
	fixture_parse();
	accept();
	assert_int_equal(plan.info_gpa.raw, 0xb000);
	no_copy_overlaps_another_or_leaves_ram();
}

UNIT(info_goes_up_when_low_memory_is_reserved)
{
	ranges[0].type = LOAD_RESERVED;
	accept();
	assert_int_equal(plan.info_gpa.raw, MIB);
}

UNIT(info_tells_memory_sizes)
{
	accept();
	assert_int_equal(info32(0), 0x24d); /* memory, command line, modules, map, loader's name */
	assert_int_equal(info32(4), 640);
	assert_int_equal(info32(8), 63 * 1024);
}

UNIT(lower_memory_is_at_most_640_kib)
{
	ranges[0] = (struct load_range){ l1_gpa(0), 64 * MIB, LOAD_RAM };
	request.range_count = 1;
	accept();
	assert_int_equal(info32(4), 640);
	assert_int_equal(info32(8), 63 * 1024);
}

UNIT(info_has_command_line_and_loader)
{
	accept();
	assert_string_equal(info_string(info32(16)), "k x=1 y");
	assert_string_equal(info_string(info32(64)), "Nestor");
}

UNIT(empty_command_line_is_the_name)
{
	request.cmdline = "";
	accept();
	assert_string_equal(info_string(info32(16)), "k");
}

UNIT(info_lists_modules)
{
	u32 list;

	accept();
	assert_int_equal(info32(20), 2);
	assert_int_equal(info32(24) % 4, 0);
	list = info32(24) - (u32)plan.info_gpa.raw;
	assert_int_equal(info32(list), plan.copies[2].to.raw);
	assert_int_equal(info32(list + 4), plan.copies[2].to.raw + 5);
	assert_string_equal(info_string(info32(list + 8)), "\\m1 a b");
	assert_int_equal(info32(list + 16), plan.copies[3].to.raw);
	assert_int_equal(info32(list + 20), plan.copies[3].to.raw + 0x1001);
	assert_string_equal(info_string(info32(list + 24)), "\\m2");
}

UNIT(info_has_the_map)
{
	u32 map;

	accept();
	assert_int_equal(info32(44), 4 * 24);
	map = info32(48) - (u32)plan.info_gpa.raw;
	assert_int_equal(info32(map), 20);
	assert_int_equal(info64(map + 24 + 4), 640 * KIB);
	assert_int_equal(info64(map + 24 + 12), 384 * KIB);
	assert_int_equal(info32(map + 24 + 20), 2);
	assert_int_equal(info64(map + 72 + 4), 4 * GIB);
	assert_int_equal(info64(map + 72 + 12), GIB);
	assert_int_equal(info32(map + 72 + 20), 1);
}

UNIT(too_small_a_buffer_is_told)
{
	u32 gpas[2] = { 0 };
	u8 small[200];
	struct info_place place = { .buffer = small, .size = sizeof(small) };
	size_t need;

	need = multiboot_build_info(&request, gpas, place);
	assert_true(need > sizeof(small));
	place.size = 0; /* not a byte is written */
	place.buffer = NULL;
	assert_int_equal(multiboot_build_info(&request, gpas, place), need);
}

UNIT(oversized_info_is_refused)
{
	static struct load_range many[700];

	fixture_many_ranges(many, ARRAY_SIZE(many));
	assert_int_equal(load_plan_make(&request, &plan, &error), -ENOSPC);
	assert_non_null(strstr(error.text, "no room for the information block of 0x42"));
}

#define CASE(name) cmocka_unit_test_setup(name, fresh_machine)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(segments_are_copied_and_cleared),
		CASE(modules_go_to_the_top),
		CASE(modules_avoid_the_image),
		CASE(modules_stay_below_4_gib),
		CASE(empty_module_gets_an_address),
		CASE(no_room_for_a_module_is_refused),
		CASE(image_outside_ram_is_refused),
		CASE(no_memory_at_all_is_refused),
		CASE(info_goes_to_low_memory),
		CASE(info_avoids_the_image),
		CASE(info_goes_up_when_low_memory_is_reserved),
		CASE(info_tells_memory_sizes),
		CASE(lower_memory_is_at_most_640_kib),
		CASE(info_has_command_line_and_loader),
		CASE(empty_command_line_is_the_name),
		CASE(info_lists_modules),
		CASE(info_has_the_map),
		CASE(too_small_a_buffer_is_told),
		CASE(oversized_info_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
