/* SPDX-License-Identifier: MIT */
/* Writing within the buffer, counting beyond it. */
#include "hv/guest/info_block.h"
#include "hv/string.h"

static bool fits(const struct info_block *block, size_t offset, size_t count)
{
	return offset + count <= block->place.size;
}

void info_put(struct info_block *block, size_t offset, const void *bytes, size_t count)
{
	if (fits(block, offset, count) && count)
		memcpy(block->place.buffer + offset, bytes, count);
}

u32 info_append(struct info_block *block, const void *bytes, size_t count)
{
	u32 gpa = block->place.gpa + (u32)block->used;

	info_put(block, block->used, bytes, count);
	block->used += count;
	return gpa;
}

u32 info_append_zeros(struct info_block *block, size_t count)
{
	u32 gpa = block->place.gpa + (u32)block->used;

	if (fits(block, block->used, count) && count)
		memset(block->place.buffer + block->used, 0, count);
	block->used += count;
	return gpa;
}

u32 info_append_text(struct info_block *block, const char *text)
{
	return info_append(block, text, strlen(text) + 1);
}

u32 info_append_words(struct info_block *block, const char *first, const char *second)
{
	u32 gpa;

	if (!*second)
		return info_append_text(block, first);
	gpa = info_append(block, first, strlen(first));
	info_append(block, " ", 1);
	info_append_text(block, second);
	return gpa;
}

void info_align(struct info_block *block, size_t alignment)
{
	info_append_zeros(block, (alignment - block->used % alignment) % alignment);
}
