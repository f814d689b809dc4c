/* SPDX-License-Identifier: MIT */
/*
 * The configuration parser. The keys stand in one table: name, how to read the value, what a good
 * value is. Within one source a key is given once (but the repeatable module); a later source
 * overrides an earlier one, and its first module starts the list of modules anew.
 */
#include "hv/config.h"
#include "hv/config_keys.h"
#include "hv/errno.h"
#include "hv/format.h"
#include "hv/string.h"

#define LINE_MAX_BYTES 1024u

/* Where text comes from, for messages and to notice a key given twice. */
struct source {
	struct config *config;
	struct config_error *error;
	u32 line; /* 0: the load options */
	u32 seen; /* bit i: config_keys[i] was given */
};

/* Fill the error with "nestor.cfg:LINE: text" or "load options: text". */
__attribute__((format(printf, 2, 3))) static int refuse(struct source *source, const char *fmt, ...)
{
	char *text = source->error->text;
	size_t size = sizeof(source->error->text), used;
	va_list ap;

	if (source->line)
		used = format_text(text, size, "nestor.cfg:%u: ", source->line);
	else
		used = format_text(text, size, "load options: ");
	va_start(ap, fmt);
	format_text_va(text + used, size - used, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int refuse_key(struct source *source, const char *name)
{
	char names[192];
	size_t used = 0;

	for (size_t i = 0; i < config_key_count && used < sizeof(names); i++)
		used += format_text(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
				    config_keys[i].name);
	return refuse(source, "unknown key '%.40s'; expected one of: %s", name, names);
}

static int set_key(struct source *source, const char *name, const char *value)
{
	for (u32 i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (strcmp(key->name, name) != 0)
			continue;
		if ((source->seen & BIT(i)) && !key->repeatable)
			return refuse(source, "'%s' is given twice; expected one", name);
		if (key->repeatable && !(source->seen & BIT(i)))
			source->config->module_count = 0;
		source->seen |= (u32)BIT(i);
		if (!key->parse(source->config, value))
			return refuse(source, "%s = '%.60s%s'; expected %s", name, value,
				      strlen(value) > 60 ? "..." : "", key->expected);
		return 0;
	}
	return refuse_key(source, name);
}

/* Cut blanks at both ends of the string, in place. */
static char *trim(char *text)
{
	size_t length;

	while (config_is_blank(*text))
		text++;
	length = strlen(text);
	while (length && config_is_blank(text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* One "key = value", a writable string without comment. */
static int parse_assignment(struct source *source, char *text)
{
	char *equals;

	text = trim(text);
	equals = strchr(text, '=');
	if (!equals)
		return refuse(source, "'%.60s' has no '='; expected key = value", text);
	*equals = '\0';
	return set_key(source, trim(text), trim(equals + 1));
}

/*
 * Refuse bytes that plain text does not have.
 * A comment may hold any but 0, which tells of an UTF-16 file.
 */
static int check_bytes(struct source *source, const char *text, size_t length)
{
	bool comment = false;

	for (size_t i = 0; i < length; i++) {
		u8 byte = (u8)text[i];

		comment = comment || (byte == '#' && (i == 0 || config_is_blank(text[i - 1])));
		if (byte == 0 || (!comment && byte != '\t' && (byte < 0x20 || byte > 0x7e)))
			return refuse(source,
				      "byte 0x%02x in column %zu; expected plain ASCII text", byte,
				      i + 1);
	}
	return 0;
}

/* One line of the file, without its line end.
 * '#' starts a comment at the line's start or after a blank. */
static int parse_line(struct source *source, const char *text, size_t length)
{
	char line[LINE_MAX_BYTES + 1];
	int rc;

	if (length && text[length - 1] == '\r')
		length--;
	if (length > LINE_MAX_BYTES)
		return refuse(source, "the line has %zu bytes; expected at most %u", length,
			      LINE_MAX_BYTES);
	rc = check_bytes(source, text, length);
	if (rc)
		return rc;
	memcpy(line, text, length);
	line[length] = '\0';
	for (size_t i = 0; i < length; i++) {
		if (line[i] == '#' && (i == 0 || config_is_blank(line[i - 1])))
			line[i] = '\0';
	}
	return *trim(line) ? parse_assignment(source, line) : 0;
}

void config_defaults(struct config *config)
{
	memset(config, 0, sizeof(*config));
	config->mode = MODE_HYPERVISOR;
	config->contexts = CONFIG_CONTEXTS;
	config->console_port = 0x3f8;
	config->console_baud = CONFIG_BAUD_MAX;
	config->on_exit = ON_EXIT_POWEROFF;
}

int config_parse_file(struct config *config, const char *text, size_t size,
		      struct config_error *error)
{
	struct source source = { .config = config, .error = error, .line = 1 };
	size_t at = 0;
	int rc = 0;

	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	for (; at < size && !rc; source.line++) {
		size_t length = 0;

		while (at + length < size && text[at + length] != '\n')
			length++;
		rc = parse_line(&source, text + at, length);
		at += length + 1;
	}
	return rc;
}

/* The words of one text. Blanks within double quotes belong to the word; the quotes do not. */
struct words {
	const char *text;
	size_t size;
	size_t at;
	bool open; /* the last quote of the word has no partner */
};

/* Copy the next word, which may be as long as the text: false when there is none left. */
static bool next_word(struct words *words, char *word)
{
	const char *text = words->text;
	size_t i = words->at, used = 0;

	while (i < words->size && config_is_blank(text[i]))
		i++;
	if (i == words->size)
		return false;
	words->open = false;
	for (; i < words->size && (words->open || !config_is_blank(text[i])); i++) {
		if (text[i] == '"')
			words->open = !words->open;
		else
			word[used++] = text[i];
	}
	word[used] = '\0';
	words->at = i;
	return true;
}

int config_parse_options(struct config *config, const char *text, size_t size,
			 struct config_error *error)
{
	struct source source = { .config = config, .error = error };
	struct words words = { .text = text, .size = size };
	char word[LINE_MAX_BYTES + 1];
	int rc = 0;

	if (size > LINE_MAX_BYTES)
		return refuse(&source, "%zu bytes; expected at most %u", size, LINE_MAX_BYTES);
	for (size_t i = 0; i < size; i++) {
		u8 byte = (u8)text[i];

		if (byte != '\t' && (byte < 0x20 || byte > 0x7e))
			return refuse(&source, "byte 0x%02x; expected plain ASCII text", byte);
	}
	while (!rc && next_word(&words, word)) {
		if (words.open)
			return refuse(&source, "'%.60s' has one double quote; expected two", word);
		rc = parse_assignment(&source, word);
	}
	return rc;
}
