/* SPDX-License-Identifier: MIT */
/* hv/guest/multiboot.c, elf.c, kernel_image.c: a sound ELF32 image with a header, and one refusal
 * for each way in which it can be unsound. */
#include "multiboot_image.h"

#define FILE_BYTES IMAGE_BYTES
#include "parse_fixture.h"

#define NO_KERNEL \
	"no kernel: neither an ELF header (multiboot 1, PVH), nor 'HdrS' at 0x202 (bzImage)"

static int fresh_image(void **state)
{
	(void)state;
	image_build(file);
	return 0;
}

UNIT(sound_image_is_read)
{
	assert_int_equal(parse(sizeof(file)), 0);
	assert_int_equal(parsed.entry, IMAGE_ENTRY);
	assert_int_equal(parsed.segment_count, 2);
	assert_int_equal(parsed.segments[0].offset, 0x100);
	assert_int_equal(parsed.segments[0].gpa, 0x400000);
	assert_int_equal(parsed.segments[1].file_bytes, 0x80);
	assert_int_equal(parsed.segments[1].memory_bytes, 0x2000);
}

UNIT(every_truncation_is_refused)
{
	for (size_t size = 0; size < 0x280; size++)
		assert_int_equal(parse(size), -EINVAL);
	assert_string_equal(error.text,
			    "ELF: program header 1 ends at 0x280 beyond the file's 0x27f bytes");
	assert_int_equal(parse(0x280), 0);
}

UNIT(empty_file_is_refused)
{
	assert_int_equal(parse(0), -EINVAL);
	assert_string_equal(error.text, NO_KERNEL);
}

UNIT(cut_file_is_refused_by_its_segments)
{
	assert_int_equal(parse(0xa0), -EINVAL); /* before the multiboot header */
	assert_string_equal(error.text,
			    "ELF: program header 0 ends at 0x200 beyond the file's 0xa0 bytes");
}

UNIT(header_must_be_aligned)
{
	memset(file + IMAGE_HEADER, 0, 12);
	image_header(file + IMAGE_HEADER + 2, 0);
	refuse("ELF: neither a multiboot-1 header in the first 1024 bytes, nor a PVH note (Xen, "
	       "type 18)");
}

UNIT(header_must_lie_within_8192_bytes)
{
	static u8 big[8192 + 16];

	memset(file + IMAGE_HEADER, 0, 12);
	memcpy(big, file, sizeof(file));
	image_header(big + 8192 - 12, 0);
	assert_int_equal(kernel_parse(big, sizeof(big), &parsed, &error), 0);
	memset(big + 8192 - 12, 0, 12);
	image_header(big + 8192 - 8, 0);
	assert_int_equal(kernel_parse(big, sizeof(big), &parsed, &error), -EINVAL);
	assert_string_equal(error.text, "ELF: neither a multiboot-1 header in the first 8192 "
					"bytes, nor a PVH note (Xen, type 18)");
}

UNIT(wrong_checksum_is_refused)
{
	file[IMAGE_HEADER + 8]++;
	refuse("multiboot: the header's checksum is wrong");
}

UNIT(header_behind_a_false_one_is_found)
{
	put32(file + 0x80, 0x1badb002);
	assert_int_equal(parse(sizeof(file)), 0);
}

UNIT(mandatory_flags_are_refused)
{
	for (u32 bit = 2; bit < 16; bit++) {
		image_header(file + IMAGE_HEADER, 1u << bit);
		assert_int_equal(parse(sizeof(file)), -EINVAL);
	}
	image_header(file + IMAGE_HEADER, 0x7);
	refuse("multiboot: the header's flags demand 0x4, which is not supported");
}

UNIT(optional_flags_are_ignored)
{
	image_header(file + IMAGE_HEADER, 0xfffe0003);
	assert_int_equal(parse(sizeof(file)), 0);
}

UNIT(address_fields_are_refused)
{
	image_header(file + IMAGE_HEADER, 0x10003);
	refuse("multiboot: the header has address fields (flag bit 16) instead of ELF");
}

UNIT(no_elf_is_refused)
{
	file[1] = 'e';
	refuse(NO_KERNEL);
}

UNIT(big_endian_is_refused)
{
	file[5] = 2;
	refuse("ELF: class 1, data 2, not 1 or 2, 1 (32 or 64 bits, little endian)");
}

UNIT(other_machine_is_refused)
{
	put16(file + 18, 40);
	refuse("ELF: type 2, machine 40, not 2, 3 (executable, 386)");
}

UNIT(relocatable_file_is_refused)
{
	put16(file + 16, 1);
	refuse("ELF: type 1, machine 3, not 2, 3 (executable, 386)");
}

UNIT(odd_program_headers_are_refused)
{
	put16(file + 42, 56);
	refuse("ELF: program headers of 56 bytes, not 32");
	put16(file + 42, 32);
	put16(file + 44, 65);
	refuse("ELF: 65 program headers, more than 64");
}

UNIT(program_headers_beyond_the_file_are_refused)
{
	put32(file + 28, 0xffffffe0);
	refuse("ELF: the program headers end at 0x100000020 beyond the file's 0x400 bytes");
	put32(file + 28, 0x3c1);
	refuse("ELF: the program headers end at 0x401 beyond the file's 0x400 bytes");
}

UNIT(nothing_to_load_is_refused)
{
	put16(file + 44, 0);
	refuse("ELF: no program header says what to load");
}

UNIT(other_program_headers_are_skipped)
{
	put32(file + IMAGE_PHDR_1 + PHDR_TYPE, 2);
	put32(file + IMAGE_PHDR_1 + PHDR_OFFSET, 0xffffffff);
	assert_int_equal(parse(sizeof(file)), 0);
	assert_int_equal(parsed.segment_count, 1);
}

UNIT(empty_segment_is_skipped)
{
	put32(file + IMAGE_PHDR_1 + PHDR_FILE_BYTES, 0);
	put32(file + IMAGE_PHDR_1 + PHDR_MEMORY_BYTES, 0);
	assert_int_equal(parse(sizeof(file)), 0);
	assert_int_equal(parsed.segment_count, 1);
}

UNIT(more_file_than_memory_is_refused)
{
	put32(file + IMAGE_PHDR_0 + PHDR_MEMORY_BYTES, 0xff);
	refuse("ELF: program header 0 has 0x100 bytes in the file, more than its 0xff in "
	       "memory");
}

UNIT(segment_offset_cannot_wrap)
{
	put32(file + IMAGE_PHDR_0 + PHDR_OFFSET, 0xffffff80);
	refuse("ELF: program header 0 ends at 0x100000080 beyond the file's 0x400 bytes");
}

UNIT(segment_beyond_4_gib_is_refused)
{
	put32(file + IMAGE_PHDR_1 + PHDR_ADDRESS, 0xffffe000);
	assert_int_equal(parse(sizeof(file)), 0);
	put32(file + IMAGE_PHDR_1 + PHDR_ADDRESS, 0xffffe001);
	refuse("ELF: program header 1 ends at address 0x100000001 beyond 4 GiB");
}

UNIT(overlapping_segments_are_refused)
{
	put32(file + IMAGE_PHDR_1 + PHDR_ADDRESS, 0x400100);
	assert_int_equal(parse(sizeof(file)), 0);
	put32(file + IMAGE_PHDR_1 + PHDR_ADDRESS, 0x4000ff);
	refuse("ELF: program header 1 at address 0x4000ff overlaps another");
	put32(file + IMAGE_PHDR_1 + PHDR_ADDRESS, 0x3fe001);
	refuse("ELF: program header 1 at address 0x3fe001 overlaps another");
	put32(file + IMAGE_PHDR_1 + PHDR_ADDRESS, 0x3fe000);
	assert_int_equal(parse(sizeof(file)), 0);
}

UNIT(too_many_segments_are_refused)
{
	memset(file + IMAGE_HEADER, 0, 12);
	image_header(file + 0x34, 0);
	put16(file + 44, KERNEL_SEGMENTS_MAX + 1);
	for (u32 i = 0; i <= KERNEL_SEGMENTS_MAX; i++)
		image_phdr(file + IMAGE_PHDR_0 + 32 * i, 0, 0x400000 + i * 0x1000,
			   (const u32[]){ 0x20, 0x1000 });
	refuse("ELF: more than 16 segments to load");
	put16(file + 44, KERNEL_SEGMENTS_MAX);
	assert_int_equal(parse(sizeof(file)), 0);
}

UNIT(entry_must_be_in_a_segments_bytes)
{
	put32(file + 24, 0x400100);
	refuse("multiboot: the entry 0x400100 lies in no segment's bytes");
	put32(file + 24, 0x500080); /* in .bss */
	refuse("multiboot: the entry 0x500080 lies in no segment's bytes");
	put32(file + 24, 0x50007f);
	assert_int_equal(parse(sizeof(file)), 0);
}

#define CASE(name) cmocka_unit_test_setup(name, fresh_image)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(sound_image_is_read),
		CASE(every_truncation_is_refused),
		CASE(empty_file_is_refused),
		CASE(cut_file_is_refused_by_its_segments),
		CASE(header_must_be_aligned),
		CASE(header_must_lie_within_8192_bytes),
		CASE(wrong_checksum_is_refused),
		CASE(header_behind_a_false_one_is_found),
		CASE(mandatory_flags_are_refused),
		CASE(optional_flags_are_ignored),
		CASE(address_fields_are_refused),
		CASE(no_elf_is_refused),
		CASE(big_endian_is_refused),
		CASE(other_machine_is_refused),
		CASE(relocatable_file_is_refused),
		CASE(odd_program_headers_are_refused),
		CASE(program_headers_beyond_the_file_are_refused),
		CASE(nothing_to_load_is_refused),
		CASE(other_program_headers_are_skipped),
		CASE(empty_segment_is_skipped),
		CASE(more_file_than_memory_is_refused),
		CASE(segment_offset_cannot_wrap),
		CASE(segment_beyond_4_gib_is_refused),
		CASE(overlapping_segments_are_refused),
		CASE(too_many_segments_are_refused),
		CASE(entry_must_be_in_a_segments_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
