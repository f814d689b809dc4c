/* SPDX-License-Identifier: MIT */
/* boot/option_text.c: what counts as load options, and where they start. */
#include "unit.h"
#include "boot/option_text.h"

static char text[OPTION_TEXT_MAX];

/* In a block of its exact size, so that ASan sees a read past its end. */
static const char *convert(const char *characters, size_t bytes)
{
	u8 *copy = calloc(1, bytes ? bytes : 1);
	const char *options;

	for (size_t i = 0; i < bytes; i++)
		copy[i] = i % 2 ? 0 : (u8)characters[i / 2];
	options = option_text(copy, bytes, text);
	free(copy);
	return options;
}

static const char *convert_string(const char *characters)
{
	return convert(characters, 2 * strlen(characters) + 2);
}

UNIT(no_options_are_an_empty_text)
{
	assert_string_equal(option_text(NULL, 0, text), "");
	assert_string_equal(convert_string(""), "");
}

UNIT(program_name_is_skipped)
{
	assert_string_equal(convert_string("BOOTX64.EFI cpus=1"), " cpus=1");
	assert_string_equal(convert_string("  FS0:\\a.efi\tcpus=1"), "\tcpus=1");
	assert_string_equal(convert_string("\"FS0:\\a b.efi\" cpus=1"), " cpus=1");
	assert_string_equal(convert_string("BOOTX64.EFI"), "");
}

UNIT(options_alone_are_kept)
{
	assert_string_equal(convert_string("cpus=1 log=caps"), "cpus=1 log=caps");
	assert_string_equal(convert_string("\"cmdline=a b\""), "\"cmdline=a b\"");
}

UNIT(second_word_is_kept)
{
	assert_string_equal(convert_string("BOOTX64.EFI bare"), " bare");
}

UNIT(text_ends_at_nul_or_at_the_size)
{
	assert_string_equal(convert("cpus=1\0\1", 16), "cpus=1");
	assert_string_equal(convert("cpus=12", 12), "cpus=1");
}

UNIT(other_bytes_are_no_text)
{
	static const u8 wide[] = { 'a', 1 };
	static const u8 guid[16] = { 0x4e, 0xac, 0x08, 0x81, 0x11, 0x9f, 0x59, 0x4d,
				     0x85, 0x0e, 0xe2, 0x1a, 0x52, 0x2c, 0x59, 0xb2 };

	assert_null(option_text(wide, sizeof(wide), text));
	assert_null(option_text(guid, sizeof(guid), text));
	assert_null(option_text(wide, 1, text));
	assert_null(convert_string("cpus=1\x1b"));
	assert_null(convert_string("\x7f"));
}

UNIT(longest_text_fits)
{
	char longest[OPTION_TEXT_MAX + 1];

	memset(longest, '=', sizeof(longest));
	longest[OPTION_TEXT_MAX] = '\0';
	assert_null(convert_string(longest));
	longest[OPTION_TEXT_MAX - 1] = '\0';
	assert_string_equal(convert_string(longest), longest);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_options_are_an_empty_text),
		cmocka_unit_test(program_name_is_skipped),
		cmocka_unit_test(options_alone_are_kept),
		cmocka_unit_test(second_word_is_kept),
		cmocka_unit_test(text_ends_at_nul_or_at_the_size),
		cmocka_unit_test(other_bytes_are_no_text),
		cmocka_unit_test(longest_text_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
