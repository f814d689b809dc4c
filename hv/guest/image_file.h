/* SPDX-License-Identifier: MIT */
/* An image's bytes, read by offset, and the way to refuse them. */
#ifndef HV_GUEST_IMAGE_FILE_H
#define HV_GUEST_IMAGE_FILE_H

#include "hv/guest/kernel_image.h"

struct image_file {
	const u8 *bytes;
	size_t size;
	struct load_error *error;
};

static inline bool image_has(const struct image_file *file, u64 offset, u64 bytes)
{
	return bytes <= file->size && offset <= file->size - bytes;
}

/* A number of 1 to 8 bytes, little endian, that the file has. */
static inline u64 image_read(const struct image_file *file, u64 offset, u32 bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | file->bytes[offset + bytes];
	return value;
}

/* The end of a range; ~0 where it passes 64 bits. */
static inline u64 image_end(u64 base, u64 bytes)
{
	return base + bytes < base ? ~0ULL : base + bytes;
}

/* "format: text" becomes the error; -EINVAL. */
__attribute__((format(printf, 3, 4))) int image_refuse(const struct image_file *file,
						       const char *format, const char *fmt, ...);

#endif
