/* SPDX-License-Identifier: MIT */
/* Load options as text. */
#include "boot/option_text.h"
#include "hv/string.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Past the first word, which ends at a blank outside quotes, when it is no key=value. */
static const char *skip_program(const char *text)
{
	const char *end;
	bool quoted = false;

	while (is_blank(*text))
		text++;
	for (end = text; *end && (quoted || !is_blank(*end)); end++) {
		if (*end == '"')
			quoted = !quoted;
		if (*end == '=')
			return text;
	}
	return end;
}

const char *option_text(const void *options, size_t bytes, char text[OPTION_TEXT_MAX])
{
	const u8 *from = options;
	size_t used = 0;

	if (bytes % 2)
		return NULL;
	for (size_t i = 0; i < bytes; i += 2) {
		u32 unit = (u32)from[i] | (u32)from[i + 1] << 8;

		if (unit == 0)
			break;
		if (used == OPTION_TEXT_MAX - 1 || (unit != '\t' && (unit < 0x20 || unit > 0x7e)))
			return NULL;
		text[used++] = (char)unit;
	}
	text[used] = '\0';
	return skip_program(text);
}
