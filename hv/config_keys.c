/* SPDX-License-Identifier: MIT */
/* The table of configuration keys: name, how to read the value,
 * what a good value is. Values arrive trimmed. */
#include "hv/config_keys.h"
#include "hv/boot_info.h"
#include "hv/string.h"

#define WORD_MAX 16

struct choice {
	const char *name;
	u32 value;
};

static const struct choice modes[] = { { "hypervisor", MODE_HYPERVISOR }, { "bare", MODE_BARE } };
static const struct choice exits[] = { { "poweroff", ON_EXIT_POWEROFF },
				       { "reboot", ON_EXIT_REBOOT },
				       { "halt", ON_EXIT_HALT } };
static const struct choice logs[] = { { "caps", LOG_CAPS },
				      { "exits", LOG_EXITS },
				      { "memory", LOG_MEMORY } };
static const struct choice faults[] = {
	{ "none", PANIC_TEST_NONE }, { "assert", PANIC_TEST_ASSERT },
	{ "ud", PANIC_TEST_UD },     { "overflow", PANIC_TEST_OVERFLOW },
	{ "code", PANIC_TEST_CODE }, { "const", PANIC_TEST_CONST },
	{ "nx", PANIC_TEST_NX },     { "null", PANIC_TEST_NULL },
};
static const struct choice switches[] = { { "on", true }, { "off", false } };
static const struct choice apics[] = { { "auto", false }, { "software", true } };
static const struct choice pml_uses[] = { { "auto", false }, { "off", true } };
static const struct choice cache_modes[] = { { "cached", PFN_CACHE_CACHED },
					     { "lookup", PFN_CACHE_LOOKUP },
					     { "mapped", PFN_CACHE_MAPPED },
					     { "global", PFN_CACHE_GLOBAL } };
static const struct choice uarts[] = { { "com1", 0x3f8 }, { "com2", 0x2f8 } };

static bool choose(const struct choice *choices, size_t count, const char *name, u32 *value)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(choices[i].name, name) == 0) {
			*value = choices[i].value;
			return true;
		}
	}
	return false;
}

#define CHOOSE(choices, name, value) choose(choices, ARRAY_SIZE(choices), name, value)

/* Options whose value is one of a table's words. */
#define CHOICE(key, field, choices)                                       \
	static bool parse_##key(struct config *config, const char *value) \
	{                                                                 \
		u32 chosen;                                               \
                                                                          \
		if (!CHOOSE(choices, value, &chosen))                     \
			return false;                                     \
		config->field = (__typeof__(config->field))chosen;        \
		return true;                                              \
	}

CHOICE(mode, mode, modes)
CHOICE(on_exit, on_exit, exits)
CHOICE(apic, software_apic, apics)
CHOICE(pml, write_protect, pml_uses)
CHOICE(test_calls, test_calls, switches)
CHOICE(bios, bios, switches)
CHOICE(pfn_cache, pfn_cache, cache_modes)
CHOICE(panic_test, panic_test, faults)

static u32 digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (u32)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (u32)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (u32)(c - 'A') + 10;
	return ~0u;
}

/* A decimal or 0x number at text. Returns what follows it,
 * or NULL when there is none or it passes 64 bits. */
static const char *read_number(const char *text, u64 *value)
{
	u32 base = 10;
	const char *start;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	*value = 0;
	for (start = text; digit_of(*text) < base; text++) {
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, digit_of(*text), value))
			return NULL;
	}
	return text == start ? NULL : text;
}

static bool copy_text(char *dst, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length >= size)
		return false;
	memcpy(dst, text, length + 1);
	return true;
}

static bool parse_kernel(struct config *config, const char *value)
{
	return copy_text(config->kernel, sizeof(config->kernel), value);
}

static bool parse_cmdline(struct config *config, const char *value)
{
	return copy_text(config->cmdline, sizeof(config->cmdline), value);
}

static bool parse_module(struct config *config, const char *value)
{
	struct config_module *module;
	size_t length = 0;

	while (value[length] && !config_is_blank(value[length]))
		length++;
	if (length == 0 || length >= CONFIG_PATH_MAX || config->module_count == CONFIG_MODULES_MAX)
		return false;
	module = &config->modules[config->module_count];
	memcpy(module->path, value, length);
	module->path[length] = '\0';
	while (config_is_blank(value[length]))
		length++;
	if (!copy_text(module->cmdline, sizeof(module->cmdline), value + length))
		return false;
	config->module_count++;
	return true;
}

static bool parse_memory(struct config *config, const char *value)
{
	u64 bytes, unit = 1;
	const char *rest = read_number(value, &bytes);

	if (!rest)
		return false;
	if (*rest == 'K' || *rest == 'k')
		unit = KIB;
	else if (*rest == 'M' || *rest == 'm')
		unit = MIB;
	else if (*rest == 'G' || *rest == 'g')
		unit = GIB;
	if (unit > 1)
		rest++;
	if (*rest || __builtin_mul_overflow(bytes, unit, &bytes) || !IS_ALIGNED(bytes, PAGE_SIZE))
		return false;
	config->memory = bytes;
	return true;
}

static bool read_count(const char *text, u32 max, u32 *count)
{
	u64 number;
	const char *rest = read_number(text, &number);

	if (!rest || *rest || number > max)
		return false;
	*count = (u32)number;
	return true;
}

static bool parse_cpus(struct config *config, const char *value)
{
	return read_count(value, BOOT_CPUS_MAX, &config->cpus);
}

static bool parse_vcpus(struct config *config, const char *value)
{
	return read_count(value, CONFIG_VCPUS_MAX, &config->vcpus);
}

static bool parse_contexts(struct config *config, const char *value)
{
	return read_count(value, CONFIG_CONTEXTS_MAX, &config->contexts) && config->contexts;
}

/*
 * Copy the word at text, which ends before a comma or blank, and return what follows it without
 * leading blanks; NULL when there is no word or it is longer than any that a table knows.
 */
static const char *read_word(const char *text, char word[WORD_MAX])
{
	size_t length = 0;

	while (text[length] && text[length] != ',' && !config_is_blank(text[length]))
		length++;
	if (length == 0 || length >= WORD_MAX)
		return NULL;
	memcpy(word, text, length);
	word[length] = '\0';
	for (text += length; config_is_blank(*text); text++)
		;
	return text;
}

/* What follows a comma and its blanks; NULL where text has none. */
static const char *skip_comma(const char *text)
{
	if (*text++ != ',')
		return NULL;
	while (config_is_blank(*text))
		text++;
	return text;
}

static bool read_port(const char *word, u32 *port)
{
	u64 number;
	const char *rest;

	if (CHOOSE(uarts, word, port))
		return true;
	rest = read_number(word, &number);
	if (!rest || *rest || number < 0x100 || number > 0xfff8)
		return false;
	*port = (u32)number;
	return true;
}

/* "com1", "com2" or a port number, then perhaps ", baud". */
static bool parse_console(struct config *config, const char *value)
{
	char word[WORD_MAX];
	u32 port;
	u64 baud = CONFIG_BAUD_MAX;

	value = read_word(value, word);
	if (!value || !read_port(word, &port))
		return false;
	if (*value) {
		value = skip_comma(value);
		value = value ? read_number(value, &baud) : NULL;
	}
	/* The divisor has 16 bits; the lowest speed that divides the clock is 2 baud. */
	if (!value || *value || baud < 2 || baud > CONFIG_BAUD_MAX || CONFIG_BAUD_MAX % baud != 0)
		return false;
	config->console_port = (u16)port;
	config->console_baud = (u32)baud;
	return true;
}

static bool parse_log(struct config *config, const char *value)
{
	char word[WORD_MAX];
	u32 bit, bits = 0;

	if (strcmp(value, "none") == 0) {
		config->log = 0;
		return true;
	}
	do {
		value = read_word(value, word);
		if (!value || !CHOOSE(logs, word, &bit))
			return false;
		bits |= bit;
	} while (*value && (value = skip_comma(value)));
	config->log = bits;
	return value != NULL;
}

const struct config_key config_keys[] = {
	{ .name = "kernel", .parse = parse_kernel, .expected = "a path of at most 127 characters" },
	{ .name = "cmdline", .parse = parse_cmdline, .expected = "at most 511 characters" },
	{ .name = "module",
	  .parse = parse_module,
	  .repeatable = true,
	  .expected = "a path of at most 127 characters, then at most 511 of arguments; at most 8 "
		      "modules" },
	{ .name = "memory",
	  .parse = parse_memory,
	  .expected = "a size such as 256M or 2G in whole 4K pages, or 0 for all" },
	{ .name = "cpus", .parse = parse_cpus, .expected = "a number from 1 to 64, or 0 for all" },
	{ .name = "vcpus",
	  .parse = parse_vcpus,
	  .expected = "a number from 1 to 16, or 0 for one on each CPU" },
	{ .name = "contexts", .parse = parse_contexts, .expected = "a number from 1 to 1024" },
	{ .name = "mode", .parse = parse_mode, .expected = "hypervisor or bare" },
	{ .name = "console",
	  .parse = parse_console,
	  .expected = "com1, com2 or a port such as 0x3f8, then perhaps a speed that divides "
		      "115200: com1, 9600" },
	{ .name = "on_exit", .parse = parse_on_exit, .expected = "poweroff, reboot or halt" },
	{ .name = "log",
	  .parse = parse_log,
	  .expected = "none, or some of caps, exits, memory with commas between" },
	{ .name = "apic", .parse = parse_apic, .expected = "auto or software" },
	{ .name = "pml", .parse = parse_pml, .expected = "auto or off" },
	{ .name = "test_calls", .parse = parse_test_calls, .expected = "on or off" },
	{ .name = "bios", .parse = parse_bios, .expected = "on or off" },
	{ .name = "pfn_cache",
	  .parse = parse_pfn_cache,
	  .expected = "cached, lookup, mapped or global" },
	{ .name = "panic_test",
	  .parse = parse_panic_test,
	  .expected = "none, assert, ud, overflow, code, const, nx or null" },
};

_Static_assert(ARRAY_SIZE(faults) == PANIC_TESTS, "each fault has a name");
_Static_assert(ARRAY_SIZE(config_keys) <= 32, "one bit each in source.seen");
_Static_assert(CONFIG_PATH_MAX == 128 && CONFIG_CMDLINE_MAX == 512 && CONFIG_MODULES_MAX == 8 &&
		       BOOT_CPUS_MAX == 64 && CONFIG_VCPUS_MAX == 16,
	       "the limits stand in the table's texts too");

const u32 config_key_count = ARRAY_SIZE(config_keys);
