/* SPDX-License-Identifier: MIT */
/* hv/guest/pvh.c, pvh_info.c and elf.c for ELF64: what a note must say, what the image is told. */
#include "pvh_image.h"
#include "hv/guest/load_start.h"

#define FILE_BYTES PVH_BYTES
#include "load_fixture.h"

static int fresh(void **state)
{
	(void)state;
	pvh_build(file);
	fixture_parse();
	fixture_machine();
	return 0;
}

UNIT(sound_image_is_read)
{
	take();
	assert_int_equal(parsed.protocol, KERNEL_PVH);
	assert_int_equal(parsed.entry, PVH_ENTRY);
	assert_int_equal(parsed.segment_count, 2);
	assert_int_equal(parsed.segments[0].offset, 0x200);
	assert_int_equal(parsed.segments[0].gpa, 16 * MIB);
	assert_int_equal(parsed.segments[1].file_bytes, 0x80);
	assert_int_equal(parsed.segments[1].memory_bytes, 0x2000);
}

UNIT(every_truncation_is_refused)
{
	for (size_t size = 0; size < 0x380; size++)
		assert_int_equal(parse(size), -EINVAL);
	assert_int_equal(parse(0x380), 0);
	parse(63);
	assert_string_equal(error.text, "ELF: the file's 0x3f bytes are no whole header");
}

UNIT(entry_of_four_bytes_is_read)
{
	put32(file + PVH_NOTE + 4, 4);
	put32(file + PVH_NOTE + 20, 0xffffffff);
	take();
	assert_int_equal(parsed.entry, PVH_ENTRY);
}

UNIT(entry_of_other_sizes_is_refused)
{
	put32(file + PVH_NOTE + 4, 2);
	refuse("PVH: the note's entry has 2 bytes, not 4 or 8");
	put32(file + PVH_NOTE + 4, 0);
	refuse("PVH: the note's entry has 0 bytes, not 4 or 8");
}

UNIT(entry_must_be_in_a_segments_bytes)
{
	put64(file + PVH_NOTE + 16, 0x1000100);
	refuse("PVH: the entry 0x1000100 lies in no segment's bytes");
	put64(file + PVH_NOTE + 16, 0x100000000 + PVH_ENTRY);
	refuse("PVH: the entry 0x101000020 lies in no segment's bytes");
	put64(file + PVH_NOTE + 16, 0x110007f);
	take();
}

UNIT(note_must_lie_in_its_segment)
{
	put32(file + PVH_NOTE_OTHER + 4, 0xfffffff0);
	refuse("PVH: the note at 0x180 ends beyond program header 2's 0x30 bytes");
	put32(file + PVH_NOTE_OTHER + 4, 7);
	put32(file + PVH_NOTE_OTHER, 0xffffffff);
	refuse("PVH: the note at 0x180 ends beyond program header 2's 0x30 bytes");
	put32(file + PVH_NOTE_OTHER, 4);
	put64(file + PVH_PHDR_NOTE + PHDR64_FILE_BYTES, 0x2f);
	refuse("PVH: the note at 0x198 ends beyond program header 2's 0x2f bytes");
}

UNIT(notes_beyond_the_file_are_refused)
{
	put64(file + PVH_PHDR_NOTE + PHDR64_OFFSET, 0x3d1);
	refuse("ELF: program header 2 ends at 0x401 beyond the file's 0x400 bytes");
	put64(file + PVH_PHDR_NOTE + PHDR64_OFFSET, 0xffffffffffffffe0);
	refuse("ELF: program header 2 ends at 0xffffffffffffffff beyond the file's 0x400 bytes");
}

UNIT(other_notes_are_none)
{
	const char *text = "ELF: neither a multiboot-1 header in the first 1024 bytes, nor a PVH "
			   "note (Xen, type 18)";

	file[PVH_NOTE + 12] = 'x';
	refuse(text);
	file[PVH_NOTE + 12] = 'X';
	put32(file + PVH_NOTE + 8, 17);
	refuse(text);
	put32(file + PVH_NOTE + 8, 18);
	put32(file + PVH_NOTE, 3); /* without the 0 */
	refuse(text);
	put32(file + PVH_NOTE, 4);
	put64(file + PVH_PHDR_NOTE + PHDR64_FILE_BYTES, 0x18 + 11); /* too few for a note */
	refuse(text);
}

UNIT(notes_may_be_aligned_to_eight_bytes)
{
	u8 *note = file + PVH_NOTE_OTHER + 0x18;

	put64(file + PVH_PHDR_NOTE + PHDR64_ALIGNMENT, 8);
	put32(file + PVH_NOTE_OTHER + 4, 1); /* ends at 0x191: the next is at 0x198 */
	pvh_note(note, 18, 8);
	take();
	put64(file + PVH_PHDR_NOTE + PHDR64_ALIGNMENT, 4);
	assert_int_equal(parse(sizeof(file)), -EINVAL);
}

UNIT(multiboot_header_goes_first_where_it_can_be_used)
{
	image_header(file + 0x3c0, 3);
	take(); /* multiboot does not load ELF64 */
	assert_int_equal(parsed.protocol, KERNEL_PVH);
	put32(file + PVH_NOTE + 8, 17);
	refuse("multiboot: the image is ELF64, not ELF32");
}

UNIT(elf32_with_a_note_is_pvh_unless_it_has_a_header)
{
	static u8 small[IMAGE_BYTES];

	image_build(small);
	put16(small + 44, 3);
	put32(small + 0x80, 4);
	put32(small + 0x80 + PHDR_OFFSET, 0x300);
	put32(small + 0x80 + PHDR_FILE_BYTES, 0x14);
	pvh_note(small + 0x300, 18, 4);
	put32(small + 0x310, 0x400020);
	fixture_parse_bytes(small, sizeof(small));
	assert_int_equal(parsed.protocol, KERNEL_MULTIBOOT);
	assert_int_equal(parsed.entry, IMAGE_ENTRY);
	small[IMAGE_HEADER + 8]++;
	fixture_parse_bytes(small, sizeof(small));
	assert_int_equal(parsed.protocol, KERNEL_PVH);
	assert_int_equal(parsed.entry, 0x400020);
}

UNIT(other_machine_is_refused)
{
	put16(file + 18, 3);
	refuse("ELF: type 2, machine 3, not 2, 62 (executable, x86-64)");
	put16(file + 18, 62);
	file[4] = 3;
	refuse("ELF: class 3, data 1, not 1 or 2, 1 (32 or 64 bits, little endian)");
}

UNIT(odd_program_headers_are_refused)
{
	put16(file + 54, 32);
	refuse("ELF: program headers of 32 bytes, not 56");
	put16(file + 54, 56);
	put64(file + 32, 0xfffffffffffffff0);
	refuse("ELF: the program headers end at 0xffffffffffffffff beyond the file's 0x400 bytes");
}

UNIT(segments_cannot_wrap)
{
	put64(file + PVH_PHDR_1 + PHDR64_OFFSET, 0xffffffffffffff90);
	refuse("ELF: program header 1 ends at 0xffffffffffffffff beyond the file's 0x400 bytes");
	put64(file + PVH_PHDR_1 + PHDR64_OFFSET, 0x300);
	put64(file + PVH_PHDR_1 + PHDR64_ADDRESS, 0xfffffffffffff000);
	refuse("ELF: program header 1 ends at address 0xffffffffffffffff beyond 4 GiB");
	put64(file + PVH_PHDR_1 + PHDR64_ADDRESS, 0xffffe000);
	take();
	put64(file + PVH_PHDR_1 + PHDR64_ADDRESS, 0xffffe001);
	refuse("ELF: program header 1 ends at address 0x100000001 beyond 4 GiB");
}

UNIT(plan_is_as_expected)
{
	accept();
	assert_int_equal(plan.copy_count, 5);
	assert_int_equal(plan.entry.raw, PVH_ENTRY);
	assert_int_equal(plan.copies[0].to.raw, 16 * MIB);
	assert_ptr_equal(plan.copies[0].from, file + 0x200);
	assert_int_equal(plan.copies[1].zero_bytes, 0x1f80);
	assert_int_equal(plan.copies[2].to.raw, 64 * MIB - 0x1000);
	assert_int_equal(plan.copies[3].to.raw, 64 * MIB - 0x3000);
	assert_int_equal(plan.info_gpa.raw, LOAD_LOW);
	assert_ptr_equal(plan.copies[4].from, plan.info);
	no_copy_overlaps_another_or_leaves_ram();
}

UNIT(image_starts_in_protected_mode)
{
	struct start_state start;

	accept();
	start = load_start(&plan);
	assert_int_equal(start.mode, START_PROTECTED);
	assert_int_equal(start.rip, PVH_ENTRY);
	assert_int_equal(start.rbx, plan.info_gpa.raw);
	assert_int_equal(start.rax | start.rsi | start.cr3 | start.gdt_base | start.gdt_limit, 0);
}

UNIT(start_info_is_version_1)
{
	request.rsdp = 0xe1234;
	accept();
	assert_int_equal(info32(0), 0x336ec578);
	assert_int_equal(info32(4), 1);
	assert_int_equal(info32(8), 0);
	assert_string_equal(info_string(info64(24)), "x=1 y");
	assert_int_equal(info64(32), 0xe1234);
	assert_int_equal(info32(52), 0);
}

UNIT(start_info_lists_modules)
{
	u32 list;

	accept();
	assert_int_equal(info32(12), 2);
	assert_int_equal(info64(16) % 8, 0);
	list = (u32)(info64(16) - plan.info_gpa.raw);
	assert_int_equal(info64(list), plan.copies[2].to.raw);
	assert_int_equal(info64(list + 8), 5);
	assert_string_equal(info_string(info64(list + 16)), "a b");
	assert_int_equal(info64(list + 24), 0);
	assert_int_equal(info64(list + 32), plan.copies[3].to.raw);
	assert_int_equal(info64(list + 40), 0x1001);
	assert_string_equal(info_string(info64(list + 48)), "");
}

UNIT(no_module_is_no_list)
{
	request.module_count = 0;
	accept();
	assert_int_equal(info32(12), 0);
	assert_int_equal(info64(16), 0);
}

UNIT(start_info_has_the_map)
{
	u32 map;

	accept();
	assert_int_equal(info32(48), 4);
	assert_int_equal(info64(40) % 8, 0);
	map = (u32)(info64(40) - plan.info_gpa.raw);
	for (u32 i = 0; i < 4; i++, map += 24) {
		assert_int_equal(info64(map), ranges[i].base.raw);
		assert_int_equal(info64(map + 8), ranges[i].bytes);
		assert_int_equal(info32(map + 16), i == 1 ? 2 : 1);
		assert_int_equal(info32(map + 20), 0);
	}
}

UNIT(no_room_is_refused)
{
	ranges[2].bytes = 17 * MIB - MIB + 0x1000;
	refuse_plan(-EINVAL, "PVH: the image needs 0x1100000-0x1101fff, and memory at 0x1101000 is "
			     "not free");
	ranges[2].bytes = 63 * MIB;
	modules[1].bytes = 63 * MIB;
	refuse_plan(-ENOSPC,
		    "PVH: no room for the 0x3f00000 bytes of module \\m2 below 0x100000000");
}

#define CASE(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(sound_image_is_read),
		CASE(every_truncation_is_refused),
		CASE(entry_of_four_bytes_is_read),
		CASE(entry_of_other_sizes_is_refused),
		CASE(entry_must_be_in_a_segments_bytes),
		CASE(note_must_lie_in_its_segment),
		CASE(notes_beyond_the_file_are_refused),
		CASE(other_notes_are_none),
		CASE(notes_may_be_aligned_to_eight_bytes),
		CASE(multiboot_header_goes_first_where_it_can_be_used),
		CASE(elf32_with_a_note_is_pvh_unless_it_has_a_header),
		CASE(other_machine_is_refused),
		CASE(odd_program_headers_are_refused),
		CASE(segments_cannot_wrap),
		CASE(plan_is_as_expected),
		CASE(image_starts_in_protected_mode),
		CASE(start_info_is_version_1),
		CASE(start_info_lists_modules),
		CASE(no_module_is_no_list),
		CASE(start_info_has_the_map),
		CASE(no_room_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
