/* SPDX-License-Identifier: MIT */
/* Refusals of images. */
#include "hv/guest/image_file.h"
#include "hv/errno.h"

int image_refuse(const struct image_file *file, const char *format, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	load_error_set(file->error, format, fmt, ap);
	va_end(ap);
	return -EINVAL;
}
