/* SPDX-License-Identifier: MIT */
/* Refusals of images. */
#include "hv/guest/image_file.h"
#include "hv/errno.h"
#include "hv/format.h"

int image_refuse(const struct image_file *file, const char *format, const char *fmt, ...)
{
	struct load_error *error = file->error;
	size_t used = format_text(error->text, sizeof(error->text), "%s: ", format);
	va_list ap;

	va_start(ap, fmt);
	format_text_va(error->text + used, sizeof(error->text) - used, fmt, ap);
	va_end(ap);
	return -EINVAL;
}
