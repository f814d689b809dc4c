/* SPDX-License-Identifier: MIT */
/* Writes the block that tells an image about its machine: in one buffer, with guest-physical
 * addresses. Pure. */
#ifndef HV_GUEST_INFO_BLOCK_H
#define HV_GUEST_INFO_BLOCK_H

#include "hv/types.h"

struct info_place {
	u8 *buffer;
	size_t size;
	u32 gpa; /* where the buffer's contents will be */
};

/* Counts on when the buffer is full; then its contents are void. */
struct info_block {
	struct info_place place;
	size_t used;
};

/* These return the address of what they append. */
u32 info_append(struct info_block *block, const void *bytes, size_t count);
u32 info_append_zeros(struct info_block *block, size_t count);
/* "first second", or "first" alone where the second is empty. */
u32 info_append_words(struct info_block *block, const char *first, const char *second);
u32 info_append_text(struct info_block *block, const char *text);
void info_align(struct info_block *block, size_t alignment);
/* Over what was appended at this offset. */
void info_put(struct info_block *block, size_t offset, const void *bytes, size_t count);

#endif
