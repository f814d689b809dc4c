/* SPDX-License-Identifier: MIT */
/*
 * The image check. Every number in the file is read once, by offset, after the file was found long
 * enough for it. Sources: Multiboot Specification 0.6.96 "OS image format", ELF "Program Header".
 */
#include "hv/guest/multiboot.h"
#include "hv/errno.h"
#include "hv/format.h"
#include "hv/string.h"

#define HEADER_MAGIC     0x1badb002u
#define HEADER_BYTES     12u
#define HEADER_WITHIN    8192u
/* Flags: page-aligned modules and memory information are always given. */
#define FLAGS_MANDATORY  0xffffu
#define FLAGS_KNOWN      0x3u
#define FLAG_ADDRESSES   0x10000u

#define ELF_HEADER_BYTES 52u
#define ELF_PHDR_BYTES   32u
#define ELF_CLASS_32     1
#define ELF_CLASS_64     2
#define ELF_LITTLE       1
#define ELF_EXECUTABLE   2
#define ELF_MACHINE_386  3
#define ELF_LOAD         1
#define ELF_PHDRS_MAX    64u

struct file {
	const u8 *bytes;
	size_t size;
	struct multiboot_error *error;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct file *file, const char *fmt,
							...)
{
	char *text = file->error->text;
	size_t used = format_text(text, sizeof(file->error->text), "multiboot: ");
	va_list ap;

	va_start(ap, fmt);
	format_text_va(text + used, sizeof(file->error->text) - used, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static u32 read16(const struct file *file, size_t offset)
{
	return (u32)file->bytes[offset] | (u32)file->bytes[offset + 1] << 8;
}

static u32 read32(const struct file *file, size_t offset)
{
	return read16(file, offset) | read16(file, offset + 2) << 16;
}

static int check_flags(const struct file *file, u32 flags)
{
	u32 unknown = flags & FLAGS_MANDATORY & ~FLAGS_KNOWN;

	if (unknown)
		return refuse(file, "the header's flags demand 0x%x, which is not supported",
			      unknown);
	if (flags & FLAG_ADDRESSES)
		return refuse(file, "the header has address fields (flag bit 16) instead of ELF");
	return 0;
}

/* "OS image format": the header lies 4-byte aligned within the first 8192 bytes. */
static int check_header(const struct file *file)
{
	size_t end = MIN(file->size, HEADER_WITHIN);
	bool broken = false;

	for (size_t at = 0; at + HEADER_BYTES <= end; at += 4) {
		if (read32(file, at) != HEADER_MAGIC)
			continue;
		if (HEADER_MAGIC + read32(file, at + 4) + read32(file, at + 8) == 0)
			return check_flags(file, read32(file, at + 4));
		broken = true;
	}
	if (broken)
		return refuse(file, "the header's checksum is wrong");
	return refuse(file, "no multiboot-1 header in the first %zu bytes", end);
}

static int check_elf(const struct file *file)
{
	const u8 *bytes = file->bytes;

	if (file->size < ELF_HEADER_BYTES || memcmp(bytes, "\177ELF", 4) != 0)
		return refuse(file, "no ELF header");
	if (bytes[4] == ELF_CLASS_64)
		return refuse(file, "the image is ELF64, not ELF32");
	if (bytes[4] != ELF_CLASS_32 || bytes[5] != ELF_LITTLE)
		return refuse(file, "ELF class %u, data %u, not 1, 1 (32 bits, little endian)",
			      bytes[4], bytes[5]);
	if (read16(file, 16) != ELF_EXECUTABLE || read16(file, 18) != ELF_MACHINE_386)
		return refuse(file, "ELF type %u, machine %u, not 2, 3 (executable, 386)",
			      read16(file, 16), read16(file, 18));
	return 0;
}

static bool overlaps(const struct multiboot_segment *a, const struct multiboot_segment *b)
{
	return a->gpa < b->gpa + b->memory_bytes && b->gpa < a->gpa + a->memory_bytes;
}

/* Add the segment of program header index, which lies at offset. */
static int add_segment(const struct file *file, struct multiboot_image *image, u32 index,
		       size_t offset)
{
	struct multiboot_segment segment = {
		.offset = read32(file, offset + 4),
		.gpa = read32(file, offset + 12), /* p_paddr: paging is off at the entry */
		.file_bytes = read32(file, offset + 16),
		.memory_bytes = read32(file, offset + 20),
	};
	u64 file_end = segment.offset + segment.file_bytes;
	u64 end = segment.gpa + segment.memory_bytes;

	if (segment.file_bytes > segment.memory_bytes)
		return refuse(file,
			      "program header %u has 0x%llx bytes in the file, more than its "
			      "0x%llx in memory",
			      index, (unsigned long long)segment.file_bytes,
			      (unsigned long long)segment.memory_bytes);
	if (segment.memory_bytes == 0)
		return 0;
	if (file_end > file->size)
		return refuse(file,
			      "program header %u ends at 0x%llx beyond the file's 0x%zx bytes",
			      index, (unsigned long long)file_end, file->size);
	if (end > 4 * GIB)
		return refuse(file, "program header %u ends at address 0x%llx beyond 4 GiB", index,
			      (unsigned long long)end);
	for (u32 i = 0; i < image->segment_count; i++) {
		if (overlaps(&image->segments[i], &segment))
			return refuse(file, "program header %u at address 0x%llx overlaps another",
				      index, (unsigned long long)segment.gpa);
	}
	if (image->segment_count == MULTIBOOT_SEGMENTS_MAX)
		return refuse(file, "more than %u segments to load", MULTIBOOT_SEGMENTS_MAX);
	image->segments[image->segment_count++] = segment;
	return 0;
}

static int read_segments(const struct file *file, struct multiboot_image *image)
{
	u64 table = read32(file, 28);
	u32 entry_bytes = read16(file, 42), count = read16(file, 44);
	int rc;

	if (entry_bytes != ELF_PHDR_BYTES)
		return refuse(file, "program headers of %u bytes, not %u", entry_bytes,
			      ELF_PHDR_BYTES);
	if (count > ELF_PHDRS_MAX)
		return refuse(file, "%u program headers, more than %u", count, ELF_PHDRS_MAX);
	if (table + count * ELF_PHDR_BYTES > file->size)
		return refuse(file,
			      "the program headers end at 0x%llx beyond the file's 0x%zx bytes",
			      (unsigned long long)(table + count * ELF_PHDR_BYTES), file->size);
	for (u32 i = 0; i < count; i++) {
		size_t offset = (size_t)table + i * ELF_PHDR_BYTES;

		if (read32(file, offset) != ELF_LOAD)
			continue;
		rc = add_segment(file, image, i, offset);
		if (rc)
			return rc;
	}
	return image->segment_count ? 0 : refuse(file, "no program header says what to load");
}

static int check_entry(const struct file *file, const struct multiboot_image *image)
{
	for (u32 i = 0; i < image->segment_count; i++) {
		const struct multiboot_segment *segment = &image->segments[i];

		if (image->entry - segment->gpa < segment->file_bytes)
			return 0;
	}
	return refuse(file, "the entry 0x%x lies in no segment's bytes", image->entry);
}

int multiboot_parse(const void *file, size_t size, struct multiboot_image *out,
		    struct multiboot_error *error)
{
	struct file view = { .bytes = file, .size = size, .error = error };
	int rc;

	memset(out, 0, sizeof(*out));
	out->file = file;
	/* ELF first: of a file that was cut off, it says so best. */
	rc = check_elf(&view);
	if (rc)
		return rc;
	rc = read_segments(&view, out);
	if (rc)
		return rc;
	rc = check_header(&view);
	if (rc)
		return rc;
	out->entry = read32(&view, 24);
	return check_entry(&view, out);
}
