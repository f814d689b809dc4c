/* SPDX-License-Identifier: MIT */
/* hv/config.c: every key, every refusal with its text,
 * and that a later source overrides an earlier one. */
#include <stdio.h>
#include "unit.h"
#include "hv/config.h"
#include "hv/errno.h"

static struct config config;
static struct config_error error;

/* Texts are copied into a block of their exact size, so that ASan sees a read past the end. */
static int parse(int (*parser)(struct config *, const char *, size_t, struct config_error *),
		 const char *text, size_t size)
{
	char *copy = malloc(size ? size : 1);
	int rc;

	memcpy(copy, text, size);
	memset(&error, 0, sizeof(error));
	rc = parser(&config, copy, size, &error);
	free(copy);
	return rc;
}

static void accept_file(const char *text)
{
	config_defaults(&config);
	if (parse(config_parse_file, text, strlen(text)))
		fail_msg("refused: %s", error.text);
}

static void accept_options(const char *text)
{
	if (parse(config_parse_options, text, strlen(text)))
		fail_msg("refused: %s", error.text);
}

static void refuse_bytes(const char *text, size_t size, const char *want)
{
	config_defaults(&config);
	assert_int_equal(parse(config_parse_file, text, size), -EINVAL);
	assert_string_equal(error.text, want);
}

static void refuse_file(const char *text, const char *want)
{
	refuse_bytes(text, strlen(text), want);
}

static void refuse_options(const char *text, const char *want)
{
	config_defaults(&config);
	assert_int_equal(parse(config_parse_options, text, strlen(text)), -EINVAL);
	assert_string_equal(error.text, want);
}

UNIT(defaults_are_com1_and_poweroff)
{
	memset(&config, 0xff, sizeof(config));
	config_defaults(&config);
	assert_int_equal(config.mode, MODE_HYPERVISOR);
	assert_string_equal(config.kernel, "");
	assert_int_equal(config.module_count, 0);
	assert_int_equal(config.memory, 0);
	assert_int_equal(config.cpus, 0);
	assert_int_equal(config.console_port, 0x3f8);
	assert_int_equal(config.console_baud, 115200);
	assert_int_equal(config.on_exit, ON_EXIT_POWEROFF);
	assert_int_equal(config.log, 0);
	assert_false(config.software_apic);
	assert_false(config.write_protect);
	assert_false(config.test_calls);
	assert_false(config.bios);
	assert_int_equal(config.pfn_cache, PFN_CACHE_CACHED);
}

UNIT(empty_file_keeps_defaults)
{
	accept_file("");
	assert_int_equal(config.console_port, 0x3f8);
}

UNIT(every_key_is_read)
{
	accept_file("mode = bare\nkernel = \\nestor\\l1.elf\ncmdline = a  b=c\n"
		    "module = \\env KEY=1 X\nmemory = 256M\ncpus = 2\nconsole = com2, 9600\n"
		    "on_exit = reboot\nlog = caps, memory\napic = software\npml = off\n"
		    "test_calls = on\nbios = on\npfn_cache = mapped\npanic_test = nx\n");
	assert_int_equal(config.mode, MODE_BARE);
	assert_string_equal(config.kernel, "\\nestor\\l1.elf");
	assert_string_equal(config.cmdline, "a  b=c");
	assert_int_equal(config.module_count, 1);
	assert_string_equal(config.modules[0].path, "\\env");
	assert_string_equal(config.modules[0].cmdline, "KEY=1 X");
	assert_int_equal(config.memory, 256 * MIB);
	assert_int_equal(config.cpus, 2);
	assert_int_equal(config.console_port, 0x2f8);
	assert_int_equal(config.console_baud, 9600);
	assert_int_equal(config.on_exit, ON_EXIT_REBOOT);
	assert_int_equal(config.log, LOG_CAPS | LOG_MEMORY);
	assert_true(config.software_apic);
	assert_true(config.write_protect);
	assert_true(config.test_calls);
	assert_true(config.bios);
	assert_int_equal(config.pfn_cache, PFN_CACHE_MAPPED);
	assert_int_equal(config.panic_test, PANIC_TEST_NX);
}

UNIT(crlf_tabs_comments_and_bom)
{
	accept_file("\xef\xbb\xbf# gr\xc3\xbc\xc3\x9f\r\n\r\n\tmemory\t=\t1G\t# all\r\n  # end\n"
		    "cmdline = a#b\t#c\n");
	assert_int_equal(config.memory, GIB);
	assert_string_equal(config.cmdline, "a#b");
}

UNIT(last_line_needs_no_newline)
{
	accept_file("cpus = 4");
	assert_int_equal(config.cpus, 4);
	accept_file("vcpus = 16");
	assert_int_equal(config.vcpus, 16);
	assert_int_equal(config.contexts, 64);
	accept_file("contexts = 1");
	assert_int_equal(config.contexts, 1);
	accept_options("contexts=1024");
	assert_int_equal(config.contexts, 1024);
}

UNIT(memory_units)
{
	static const struct {
		const char *text;
		u64 bytes;
	} rows[] = { { "memory=0", 0 },
		     { "memory=4096", 4096 },
		     { "memory=8k", 8192 },
		     { "memory=0x10M", 16 * MIB },
		     { "memory=3g", 3 * GIB } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		accept_file(rows[i].text);
		assert_int_equal(config.memory, rows[i].bytes);
	}
}

UNIT(bad_memory_is_refused)
{
	static const char *const values[] = { "12Q",
					      "",
					      "M",
					      "5000",
					      "-1",
					      "1.5G",
					      "64MB",
					      "0x",
					      "18446744073709551616",
					      "18014398509481984K" };
	char text[80], want[200];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		snprintf(text, sizeof(text), "\n\n\n\nmemory = %s", values[i]);
		snprintf(want, sizeof(want),
			 "nestor.cfg:5: memory = '%s'; expected a size such as 256M or 2G in whole "
			 "4K "
			 "pages, or 0 for all",
			 values[i]);
		refuse_file(text, want);
	}
}

UNIT(console_by_port_number)
{
	accept_file("console = 0x3e8 ,\t38400");
	assert_int_equal(config.console_port, 0x3e8);
	assert_int_equal(config.console_baud, 38400);
}

UNIT(bad_console_is_refused)
{
	static const char *const values[] = { "com3",
					      "com1 9600",
					      "com1, 0",
					      "com1, 1",
					      "com1, 7",
					      "com1, 230400",
					      "com1,",
					      "0xff",
					      "0xffff",
					      "com1, 9600, 8n1",
					      "",
					      ",9600",
					      "com1com1com1com1com1" };
	char text[80];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		config_defaults(&config);
		snprintf(text, sizeof(text), "console = %s", values[i]);
		assert_int_equal(parse(config_parse_file, text, strlen(text)), -EINVAL);
		assert_non_null(strstr(error.text, "expected com1, com2 or a port such as 0x3f8"));
	}
}

UNIT(bad_cpus_are_refused)
{
	refuse_file("cpus = 65",
		    "nestor.cfg:1: cpus = '65'; expected a number from 1 to 64, or 0 for all");
	refuse_file("cpus = two",
		    "nestor.cfg:1: cpus = 'two'; expected a number from 1 to 64, or 0 for all");
}

UNIT(bad_vcpus_are_refused)
{
	refuse_file("vcpus = 17",
		    "nestor.cfg:1: vcpus = '17'; expected a number from 1 to 16, or 0 for one on "
		    "each CPU");
	refuse_file("vcpus = 2x",
		    "nestor.cfg:1: vcpus = '2x'; expected a number from 1 to 16, or 0 for one on "
		    "each CPU");
}

UNIT(bad_contexts_are_refused)
{
	refuse_file("contexts = 0",
		    "nestor.cfg:1: contexts = '0'; expected a number from 1 to 1024");
	refuse_file("contexts = 1025",
		    "nestor.cfg:1: contexts = '1025'; expected a number from 1 to 1024");
}

UNIT(bad_words_are_refused)
{
	refuse_file("mode = Bare", "nestor.cfg:1: mode = 'Bare'; expected hypervisor or bare");
	refuse_file("on_exit = stop",
		    "nestor.cfg:1: on_exit = 'stop'; expected poweroff, reboot or halt");
	refuse_file("apic = x2apic", "nestor.cfg:1: apic = 'x2apic'; expected auto or software");
	refuse_file("pml = on", "nestor.cfg:1: pml = 'on'; expected auto or off");
	refuse_file("test_calls = yes", "nestor.cfg:1: test_calls = 'yes'; expected on or off");
	refuse_file("bios = 1", "nestor.cfg:1: bios = '1'; expected on or off");
	refuse_file("pfn_cache = off",
		    "nestor.cfg:1: pfn_cache = 'off'; expected cached, lookup, mapped or global");
}

UNIT(pfn_cache_words)
{
	accept_options("pfn_cache=lookup");
	assert_int_equal(config.pfn_cache, PFN_CACHE_LOOKUP);
	accept_options("pfn_cache=cached");
	assert_int_equal(config.pfn_cache, PFN_CACHE_CACHED);
}

UNIT(log_words)
{
	static const char *const bad[] = { "caps,", "caps exits", "none, caps", ",", "all" };
	char text[80];

	accept_file("log = exits");
	assert_int_equal(config.log, LOG_EXITS);
	accept_options("log=none");
	assert_int_equal(config.log, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		config_defaults(&config);
		snprintf(text, sizeof(text), "log = %s", bad[i]);
		assert_int_equal(parse(config_parse_file, text, strlen(text)), -EINVAL);
	}
}

UNIT(unknown_key_lists_the_known)
{
	refuse_file("\n# x\nkernle = a",
		    "nestor.cfg:3: unknown key 'kernle'; expected one of: kernel, cmdline, module, "
		    "memory, cpus, vcpus, contexts, mode, console, on_exit, log, apic, "
		    "pml, test_calls, bios, pfn_cache, panic_test");
}

UNIT(missing_equals_is_refused)
{
	refuse_file("cpus 4", "nestor.cfg:1: 'cpus 4' has no '='; expected key = value");
}

UNIT(missing_key_is_refused)
{
	config_defaults(&config);
	assert_int_equal(parse(config_parse_file, "= 4", 3), -EINVAL);
	assert_non_null(strstr(error.text, "unknown key ''"));
}

UNIT(key_given_twice_is_refused)
{
	refuse_file("cpus = 1\ncpus = 1\n", "nestor.cfg:2: 'cpus' is given twice; expected one");
	refuse_options("cpus=1 cpus=2", "load options: 'cpus' is given twice; expected one");
}

UNIT(nul_byte_is_refused)
{
	refuse_bytes("cpus = 4\0", 9,
		     "nestor.cfg:1: byte 0x00 in column 9; expected plain ASCII text");
	refuse_bytes("#\0", 2, "nestor.cfg:1: byte 0x00 in column 2; expected plain ASCII text");
}

UNIT(utf16_file_is_refused)
{
	refuse_bytes("\xff\xfe"
		     "c\0p\0",
		     6, "nestor.cfg:1: byte 0xff in column 1; expected plain ASCII text");
}

UNIT(control_byte_is_refused)
{
	refuse_file("cmdline = a\x1b[0m",
		    "nestor.cfg:1: byte 0x1b in column 12; expected plain ASCII text");
	refuse_file("cpus = 1\rcpus = 2",
		    "nestor.cfg:1: byte 0x0d in column 9; expected plain ASCII text");
}

UNIT(overlong_line_is_refused)
{
	char text[1026];

	memset(text, '#', sizeof(text));
	config_defaults(&config);
	assert_int_equal(parse(config_parse_file, text, 1024), 0);
	refuse_bytes(text, 1025, "nestor.cfg:1: the line has 1025 bytes; expected at most 1024");
}

UNIT(overlong_values_are_refused)
{
	static const struct {
		const char *key;
		int longest;
	} rows[] = { { "kernel", CONFIG_PATH_MAX - 1 },
		     { "module", CONFIG_PATH_MAX - 1 },
		     { "cmdline", CONFIG_CMDLINE_MAX - 1 },
		     { "module = m", CONFIG_CMDLINE_MAX - 1 } };
	char text[1024], value[600];

	memset(value, 'v', sizeof(value));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *join = strchr(rows[i].key, '=') ? " " : " = ";

		for (int extra = 0; extra < 2; extra++) {
			snprintf(text, sizeof(text), "%s%s%.*s", rows[i].key, join,
				 rows[i].longest + extra, value);
			config_defaults(&config);
			assert_int_equal(parse(config_parse_file, text, strlen(text)),
					 extra ? -EINVAL : 0);
		}
	}
	assert_non_null(strstr(error.text, "vvv...'; expected a path"));
}

UNIT(eight_modules_fit_and_no_more)
{
	char text[] = "module=a\nmodule=b\nmodule=c\nmodule=d\nmodule=e\nmodule=f\nmodule=g\n"
		      "module=h\nmodule=i\n";

	refuse_file(text, "nestor.cfg:9: module = 'i'; expected a path of at most 127 characters, "
			  "then at most 511 of arguments; at most 8 modules");
	text[8 * 9] = '\0';
	accept_file(text);
	assert_int_equal(config.module_count, 8);
	assert_string_equal(config.modules[7].path, "h");
}

UNIT(options_override_the_file)
{
	accept_file("cpus = 4\nmemory = 1G\nmodule = a\nmodule = b\n");
	accept_options(
		"  cpus=2 cmdline=\"x y # z\"\tmodule=\"m 1 2\" \"log=caps, exits\" kernel= ");
	assert_int_equal(config.cpus, 2);
	assert_int_equal(config.memory, GIB);
	assert_string_equal(config.cmdline, "x y # z");
	assert_int_equal(config.module_count, 1);
	assert_string_equal(config.modules[0].path, "m");
	assert_string_equal(config.modules[0].cmdline, "1 2");
	assert_int_equal(config.log, LOG_CAPS | LOG_EXITS);
	assert_string_equal(config.kernel, "");
}

UNIT(bad_options_are_refused)
{
	refuse_options("cpus=99",
		       "load options: cpus = '99'; expected a number from 1 to 64, or 0 for all");
	refuse_options("bare", "load options: 'bare' has no '='; expected key = value");
	refuse_options("cmdline=\"a b",
		       "load options: 'cmdline=a b' has one double quote; expected two");
	refuse_options("cpus=1\n", "load options: byte 0x0a; expected plain ASCII text");
}

UNIT(overlong_options_are_refused)
{
	char text[1026];

	memset(text, ' ', sizeof(text));
	text[1025] = '\0';
	refuse_options(text, "load options: 1025 bytes; expected at most 1024");
	memset(text, 'x', 1024);
	text[1024] = '\0';
	config_defaults(&config);
	assert_int_equal(parse(config_parse_options, text, 1024), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_com1_and_poweroff),
		cmocka_unit_test(empty_file_keeps_defaults),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(crlf_tabs_comments_and_bom),
		cmocka_unit_test(last_line_needs_no_newline),
		cmocka_unit_test(memory_units),
		cmocka_unit_test(bad_memory_is_refused),
		cmocka_unit_test(console_by_port_number),
		cmocka_unit_test(bad_console_is_refused),
		cmocka_unit_test(bad_cpus_are_refused),
		cmocka_unit_test(bad_vcpus_are_refused),
		cmocka_unit_test(bad_contexts_are_refused),
		cmocka_unit_test(bad_words_are_refused),
		cmocka_unit_test(pfn_cache_words),
		cmocka_unit_test(log_words),
		cmocka_unit_test(unknown_key_lists_the_known),
		cmocka_unit_test(missing_equals_is_refused),
		cmocka_unit_test(missing_key_is_refused),
		cmocka_unit_test(key_given_twice_is_refused),
		cmocka_unit_test(nul_byte_is_refused),
		cmocka_unit_test(utf16_file_is_refused),
		cmocka_unit_test(control_byte_is_refused),
		cmocka_unit_test(overlong_line_is_refused),
		cmocka_unit_test(overlong_values_are_refused),
		cmocka_unit_test(eight_modules_fit_and_no_more),
		cmocka_unit_test(options_override_the_file),
		cmocka_unit_test(bad_options_are_refused),
		cmocka_unit_test(overlong_options_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
