/* SPDX-License-Identifier: MIT */
/* hv/guest/bzimage.c: a sound setup header, and one refusal for each field that can be unsound. */
#include "bzimage_image.h"

#define FILE_BYTES BZ_BYTES
#include "parse_fixture.h"

static int fresh_image(void **state)
{
	(void)state;
	bzimage_build(file);
	return 0;
}

UNIT(sound_image_is_read)
{
	take();
	assert_int_equal(parsed.protocol, KERNEL_LINUX);
	assert_int_equal(parsed.segment_count, 1);
	assert_int_equal(parsed.segments[0].offset, BZ_CODE);
	assert_int_equal(parsed.segments[0].gpa, BZ_PREF);
	assert_int_equal(parsed.segments[0].file_bytes, BZ_CODE_BYTES);
	assert_int_equal(parsed.segments[0].memory_bytes, BZ_INIT_SIZE);
	assert_int_equal(parsed.entry, BZ_PREF + 0x200);
	assert_int_equal(parsed.alignment, 0x200000);
	assert_int_equal(parsed.modules_end, 0x80000000);
	assert_int_equal(parsed.modules_max, 1);
	assert_int_equal(parsed.cmdline_max, 2047);
}

UNIT(every_truncation_is_refused)
{
	for (size_t size = 0; size < sizeof(file); size++)
		assert_int_equal(parse(size), -EINVAL);
	assert_string_equal(error.text, "bzImage: syssize is 0x80, and the code ends at 0xc00 "
					"beyond the file's 0xbff bytes");
	parse(0x28f);
	assert_string_equal(error.text, "bzImage: the file's 0x28f bytes end within the header");
	parse(0x205);
	assert_string_equal(error.text, "no kernel: neither an ELF header (multiboot 1, PVH), nor "
					"'HdrS' at 0x202 (bzImage)");
}

UNIT(no_setup_sectors_are_four)
{
	static u8 big[0xa00 + BZ_CODE_BYTES];

	memcpy(big, file, sizeof(file));
	big[BZ_SETUP_SECTS] = 0;
	assert_int_equal(kernel_parse(big, sizeof(big), &parsed, &error), 0);
	assert_int_equal(parsed.segments[0].offset, 0xa00);
	assert_int_equal(kernel_parse(big, sizeof(big) - 1, &parsed, &error), -EINVAL);
}

UNIT(last_setup_sector_is_found)
{
	file[BZ_SETUP_SECTS] = 0xff;
	refuse("bzImage: syssize is 0x80, and the code ends at 0x20800 beyond the file's 0xc00 "
	       "bytes");
}

UNIT(boot_flag_is_checked)
{
	put16(file + BZ_BOOT_FLAG, 0xaa54);
	refuse("bzImage: boot_flag is 0xaa54, expected 0xaa55");
	put16(file + BZ_BOOT_FLAG, 0xaa56);
	refuse("bzImage: boot_flag is 0xaa56, expected 0xaa55");
}

UNIT(magic_is_what_makes_a_bzimage)
{
	file[BZ_MAGIC + 3] = 's';
	refuse("no kernel: neither an ELF header (multiboot 1, PVH), nor 'HdrS' at 0x202 "
	       "(bzImage)");
}

UNIT(version_is_checked)
{
	put16(file + BZ_VERSION, 0x20b);
	refuse("bzImage: version is 0x20b, expected 0x20c or later");
	put16(file + BZ_VERSION, 0x20c);
	take();
	put16(file + BZ_VERSION, 0xffff);
	take();
}

UNIT(header_length_is_checked)
{
	file[BZ_HEADER_LENGTH] = 0x65;
	refuse("bzImage: header_length is 0x65, expected 0x66 to 0x8e");
	file[BZ_HEADER_LENGTH] = 0x66;
	take();
	file[BZ_HEADER_LENGTH] = 0x8e;
	take();
	file[BZ_HEADER_LENGTH] = 0x8f;
	refuse("bzImage: header_length is 0x8f, expected 0x66 to 0x8e");
}

UNIT(low_kernels_are_refused)
{
	file[BZ_LOADFLAGS] = 0xfe;
	refuse("bzImage: loadflags is 0xfe, expected bit 0 (LOADED_HIGH) set");
}

UNIT(kernels_of_32_bits_are_refused)
{
	put16(file + BZ_XLOADFLAGS, 0xfffe);
	refuse("bzImage: xloadflags is 0xfffe, expected bit 0 (XLF_KERNEL_64) set");
}

UNIT(syssize_is_checked)
{
	put32(file + BZ_SYSSIZE, 0x20);
	refuse("bzImage: syssize is 0x20, expected code at its byte 0x200");
	put32(file + BZ_SYSSIZE, 0x81);
	refuse("bzImage: syssize is 0x81, and the code ends at 0xc10 beyond the file's 0xc00 "
	       "bytes");
	put32(file + BZ_SYSSIZE, 0xffffffff);
	refuse("bzImage: syssize is 0xffffffff, and the code ends at 0x10000003f0 beyond the "
	       "file's 0xc00 bytes");
	put32(file + BZ_SYSSIZE, 0x21);
	put32(file + BZ_PAYLOAD_LENGTH, 0);
	put32(file + BZ_PAYLOAD_OFFSET, 0);
	take();
}

UNIT(payload_is_checked)
{
	put32(file + BZ_PAYLOAD_LENGTH, 0x501);
	refuse("bzImage: payload_offset and payload_length end at 0x801, expected at most the "
	       "code's 0x800 bytes");
	put32(file + BZ_PAYLOAD_LENGTH, 0xffffffff);
	refuse("bzImage: payload_offset and payload_length end at 0x1000002ff, expected at most "
	       "the code's 0x800 bytes");
}

UNIT(init_size_is_checked)
{
	put32(file + BZ_INIT_SIZE_AT, BZ_CODE_BYTES - 1);
	refuse("bzImage: init_size is 0x7ff, expected no less than the code");
	put32(file + BZ_INIT_SIZE_AT, BZ_CODE_BYTES);
	take();
	put32(file + BZ_INIT_SIZE_AT, 0xff000000);
	take();
	put32(file + BZ_INIT_SIZE_AT, 0xff000001);
	refuse("bzImage: init_size is 0xff000001, expected an end below 4 GiB from pref_address "
	       "on");
}

UNIT(pref_address_is_checked)
{
	put32(file + BZ_PREF_ADDRESS, 0xfffff);
	refuse("bzImage: pref_address is 0xfffff, expected 0x100000 to 0xffffffff");
	put32(file + BZ_PREF_ADDRESS, BZ_PREF);
	put32(file + BZ_PREF_ADDRESS + 4, 1);
	refuse("bzImage: pref_address is 0x101000000, expected 0x100000 to 0xffffffff");
	put32(file + BZ_PREF_ADDRESS + 4, 0);
	put32(file + BZ_PREF_ADDRESS, 0x1100000);
	refuse("bzImage: pref_address is 0x1100000, expected a multiple of kernel_alignment");
}

UNIT(kernel_alignment_is_checked)
{
	put32(file + BZ_KERNEL_ALIGNMENT, 0);
	refuse("bzImage: kernel_alignment is 0x0, expected a power of two");
	put32(file + BZ_KERNEL_ALIGNMENT, 0x300000);
	refuse("bzImage: kernel_alignment is 0x300000, expected a power of two");
	put32(file + BZ_KERNEL_ALIGNMENT, 0x1000000);
	take();
}

UNIT(kernel_that_cannot_move_has_no_alignment)
{
	file[BZ_RELOCATABLE_KERNEL] = 0;
	take();
	assert_int_equal(parsed.alignment, 0);
}

UNIT(initrd_stays_below_4_gib)
{
	put32(file + BZ_INITRD_ADDR_MAX, 0xffffffff);
	take();
	assert_int_equal(parsed.modules_end, 4 * GIB);
}

#define CASE(name) cmocka_unit_test_setup(name, fresh_image)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(sound_image_is_read),         CASE(every_truncation_is_refused),
		CASE(no_setup_sectors_are_four),   CASE(last_setup_sector_is_found),
		CASE(boot_flag_is_checked),        CASE(magic_is_what_makes_a_bzimage),
		CASE(version_is_checked),          CASE(header_length_is_checked),
		CASE(low_kernels_are_refused),     CASE(kernels_of_32_bits_are_refused),
		CASE(syssize_is_checked),          CASE(payload_is_checked),
		CASE(init_size_is_checked),        CASE(pref_address_is_checked),
		CASE(kernel_alignment_is_checked), CASE(kernel_that_cannot_move_has_no_alignment),
		CASE(initrd_stays_below_4_gib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
