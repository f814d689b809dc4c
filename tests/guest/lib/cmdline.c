/* SPDX-License-Identifier: MIT */
/* Look-ups in the command line: pure, nothing is copied. */
#include "tests/guest/lib/cmdline.h"
#include "hv/string.h"

#define NUMBER_DIGITS_MAX 18

struct option {
	const char *key;
	size_t key_length;
	const char *value;
	size_t value_length;
};

/* Parse the option at *cursor and step past it. False at the end. */
static bool next_option(const char **cursor, struct option *option)
{
	const char *p = *cursor;

	while (*p == ' ')
		p++;
	if (!*p)
		return false;
	option->key = p;
	while (*p && *p != ' ' && *p != '=')
		p++;
	option->key_length = (size_t)(p - option->key);
	if (*p == '=')
		p++;
	option->value = p;
	while (*p && *p != ' ')
		p++;
	option->value_length = (size_t)(p - option->value);
	*cursor = p;
	return true;
}

static bool is_key(const struct option *option, const char *key)
{
	return strlen(key) == option->key_length &&
	       strncmp(key, option->key, option->key_length) == 0;
}

const char *cmdline_find(const char *cmdline, const char *key, size_t *length)
{
	struct option option;

	while (next_option(&cmdline, &option)) {
		if (is_key(&option, key)) {
			*length = option.value_length;
			return option.value;
		}
	}
	return NULL;
}

const char *cmdline_find_unknown(const char *cmdline, const char *const *keys, size_t count,
				 size_t *length)
{
	struct option option;

	for (bool first = true; next_option(&cmdline, &option); first = false) {
		bool known = first && option.value == option.key + option.key_length;

		for (size_t i = 0; i < count; i++)
			known |= is_key(&option, keys[i]);
		if (!known) {
			*length = option.key_length;
			return option.key;
		}
	}
	return NULL;
}

bool cmdline_number(const char *cmdline, const char *key, u64 *number)
{
	size_t length;
	const char *digits = cmdline_find(cmdline, key, &length);
	u64 value = 0;

	if (!digits || length == 0 || length > NUMBER_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return false;
		value = value * 10 + (u64)(digits[i] - '0');
	}
	*number = value;
	return true;
}

bool cmdline_list_has(const char *list, size_t length, const char *name)
{
	size_t name_length = strlen(name), start = 0;

	for (size_t i = 0; i <= length; i++) {
		if (i < length && list[i] != ',')
			continue;
		if (i - start == name_length && strncmp(list + start, name, name_length) == 0)
			return true;
		start = i + 1;
	}
	return false;
}
