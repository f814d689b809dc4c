/* SPDX-License-Identifier: MIT */
/*
 * printf-style formatting. Pure: writes only to the caller's buffer, and never past its end,
 * whatever the arguments are. Also built into the test guests.
 */
#include "hv/format.h"

struct output {
	char *buf;
	size_t size;
	size_t length; /* of the whole text, also the part that did not fit */
};

/* One conversion: %[flags][width][.precision][length]conversion. */
struct spec {
	bool left;
	bool zero;
	size_t width;
	bool has_precision;
	size_t precision;
	size_t bytes; /* size of the integer argument */
	char conversion;
};

/* A va_list that can be handed down by address: the type itself may be an array. */
struct arguments {
	va_list ap;
};

#define DIGITS_MAX 20 /* of a u64 in decimal */

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->buf[out->length] = c;
	out->length++;
}

static void put_times(struct output *out, char c, size_t times)
{
	while (times-- > 0)
		put(out, c);
}

static const char *parse_number(const char *p, struct arguments *args, size_t *number,
				bool *negative)
{
	*number = 0;
	*negative = false;
	if (*p == '*') {
		int value = va_arg(args->ap, int);

		*negative = value < 0;
		*number = *negative ? (size_t) - (s64)value : (size_t)value;
		return p + 1;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		*number = *number * 10 + (size_t)(*p - '0');
	return p;
}

static const char *parse_length(const char *p, size_t *bytes)
{
	*bytes = sizeof(int);
	if (*p == 'z') {
		*bytes = sizeof(size_t);
		return p + 1;
	}
	if (*p == 'l') {
		*bytes = sizeof(long);
		return p[1] == 'l' ? p + 2 : p + 1;
	}
	if (*p == 'h') {
		*bytes = p[1] == 'h' ? sizeof(char) : sizeof(short);
		return p[1] == 'h' ? p + 2 : p + 1;
	}
	return p;
}

/* Parse what follows the '%'. Returns where the conversion character stands. */
static const char *parse_spec(const char *p, struct arguments *args, struct spec *spec)
{
	bool negative;

	*spec = (struct spec){ 0 };
	for (;; p++) {
		if (*p == '-')
			spec->left = true;
		else if (*p == '0')
			spec->zero = true;
		else
			break;
	}
	p = parse_number(p, args, &spec->width, &negative);
	spec->left |= negative;
	if (*p == '.') {
		p = parse_number(p + 1, args, &spec->precision, &negative);
		spec->has_precision = !negative;
	}
	p = parse_length(p, &spec->bytes);
	spec->conversion = *p;
	return p;
}

static void put_padded(struct output *out, const struct spec *spec, const char *text, size_t count)
{
	size_t padding = spec->width > count ? spec->width - count : 0;

	if (!spec->left)
		put_times(out, ' ', padding);
	for (size_t i = 0; i < count; i++)
		put(out, text[i]);
	if (spec->left)
		put_times(out, ' ', padding);
}

static void put_string(struct output *out, const struct spec *spec, const char *text)
{
	size_t count = 0;

	if (!text)
		text = "(null)";
	while ((!spec->has_precision || count < spec->precision) && text[count])
		count++;
	put_padded(out, spec, text, count);
}

/* Print sign or prefix, zeros up to the precision or (flag 0) the width, and the digits. */
static void put_number(struct output *out, const struct spec *spec, const char *prefix, u64 value)
{
	const char *symbols = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	bool decimal =
		spec->conversion == 'd' || spec->conversion == 'i' || spec->conversion == 'u';
	unsigned int base = decimal ? 10 : 16;
	char digits[DIGITS_MAX];
	size_t count = 0, prefix_length = 0, zeros = 0, used;

	do {
		digits[DIGITS_MAX - ++count] = symbols[value % base];
		value /= base;
	} while (value);
	while (prefix[prefix_length])
		prefix_length++;
	if (spec->has_precision)
		zeros = spec->precision > count ? spec->precision - count : 0;
	else if (spec->zero && !spec->left && spec->width > prefix_length + count)
		zeros = spec->width - prefix_length - count;

	used = prefix_length + zeros + count;
	if (!spec->left && spec->width > used)
		put_times(out, ' ', spec->width - used);
	while (*prefix)
		put(out, *prefix++);
	put_times(out, '0', zeros);
	for (size_t i = DIGITS_MAX - count; i < DIGITS_MAX; i++)
		put(out, digits[i]);
	if (spec->left && spec->width > used)
		put_times(out, ' ', spec->width - used);
}

/* Arguments narrower than int come as int: cut them back to the width that the format names. */
static s64 next_signed(struct arguments *args, size_t bytes)
{
	if (bytes == sizeof(s64))
		return va_arg(args->ap, s64);
	if (bytes == sizeof(short))
		return (short)va_arg(args->ap, int);
	if (bytes == sizeof(char))
		return (signed char)va_arg(args->ap, int);
	return va_arg(args->ap, int);
}

static u64 next_unsigned(struct arguments *args, size_t bytes)
{
	if (bytes == sizeof(u64))
		return va_arg(args->ap, u64);
	if (bytes == sizeof(short))
		return (u16)va_arg(args->ap, unsigned int);
	if (bytes == sizeof(char))
		return (u8)va_arg(args->ap, unsigned int);
	return va_arg(args->ap, unsigned int);
}

/* Print one conversion. False: not one of ours, nothing printed, no argument taken. */
static bool convert(struct output *out, const struct spec *spec, struct arguments *args)
{
	s64 number;
	char c;

	switch (spec->conversion) {
	case '%':
		put(out, '%');
		return true;
	case 'c':
		c = (char)va_arg(args->ap, int);
		put_padded(out, spec, &c, 1);
		return true;
	case 's':
		put_string(out, spec, va_arg(args->ap, const char *));
		return true;
	case 'd':
	case 'i':
		number = next_signed(args, spec->bytes);
		put_number(out, spec, number < 0 ? "-" : "",
			   number < 0 ? 0 - (u64)number : (u64)number);
		return true;
	case 'u':
	case 'x':
	case 'X':
		put_number(out, spec, "", next_unsigned(args, spec->bytes));
		return true;
	case 'p':
		put_number(out, spec, "0x", (u64)(uintptr_t)va_arg(args->ap, void *));
		return true;
	default:
		return false;
	}
}

size_t format_text_va(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct output out = { .buf = buf, .size = size };
	struct arguments args;
	struct spec spec;

	va_copy(args.ap, ap);
	while (*fmt) {
		const char *end;

		if (*fmt != '%') {
			put(&out, *fmt++);
			continue;
		}
		end = parse_spec(fmt + 1, &args, &spec);
		if (convert(&out, &spec, &args))
			fmt = end + 1;
		else
			put(&out, *fmt++);
	}
	va_end(args.ap);
	if (size > 0)
		buf[MIN(out.length, size - 1)] = '\0';
	return out.length;
}

size_t format_text(char *buf, size_t size, const char *fmt, ...)
{
	size_t length;
	va_list ap;

	va_start(ap, fmt);
	length = format_text_va(buf, size, fmt, ap);
	va_end(ap);
	return length;
}
