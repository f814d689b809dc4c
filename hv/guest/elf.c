/* SPDX-License-Identifier: MIT */
/*
 * Every number in the file is read once, by offset, after the file was found long enough for it.
 * Sources: ELF "ELF Header", "Program Header"; the two classes differ by a table.
 */
#include "hv/guest/elf.h"
#include "hv/string.h"

#define ELF         "ELF"
#define IDENT_BYTES 6u
#define LITTLE      1
#define EXECUTABLE  2
#define AT_TYPE     16u
#define AT_MACHINE  18u
#define AT_ENTRY    24u
#define HEADERS_MAX 64u

/* Where the fields of a class stand: e_... in the ELF header, p_... in a program header. */
struct elf_layout {
	u8 class, word; /* bytes of an address, an offset or a size */
	u16 machine;
	u8 header_bytes, e_phoff, e_phentsize, e_phnum;
	u8 phdr_bytes, p_offset, p_paddr, p_filesz, p_memsz, p_align;
};

static const struct elf_layout layouts[] = {
	{ .class = ELF_CLASS_32,
	  .word = 4,
	  .machine = 3,
	  .header_bytes = 52,
	  .e_phoff = 28,
	  .e_phentsize = 42,
	  .e_phnum = 44,
	  .phdr_bytes = 32,
	  .p_offset = 4,
	  .p_paddr = 12,
	  .p_filesz = 16,
	  .p_memsz = 20,
	  .p_align = 28 },
	{ .class = ELF_CLASS_64,
	  .word = 8,
	  .machine = 62,
	  .header_bytes = 64,
	  .e_phoff = 32,
	  .e_phentsize = 54,
	  .e_phnum = 56,
	  .phdr_bytes = 56,
	  .p_offset = 8,
	  .p_paddr = 24,
	  .p_filesz = 32,
	  .p_memsz = 40,
	  .p_align = 48 },
};

bool elf_is(const struct image_file *file)
{
	return file->size >= IDENT_BYTES && memcmp(file->bytes, "\177ELF", 4) == 0;
}

static const struct elf_layout *find_layout(const struct image_file *file)
{
	for (u32 i = 0; i < ARRAY_SIZE(layouts); i++) {
		if (layouts[i].class == file->bytes[4] && file->bytes[5] == LITTLE)
			return &layouts[i];
	}
	return NULL;
}

static int check_kind(const struct image_file *file, const struct elf_layout *layout)
{
	u32 type, machine;

	if (!layout)
		return image_refuse(
			file, ELF,
			"class %u, data %u, not 1 or 2, 1 (32 or 64 bits, little endian)",
			file->bytes[4], file->bytes[5]);
	if (file->size < layout->header_bytes)
		return image_refuse(file, ELF, "the file's 0x%zx bytes are no whole header",
				    file->size);
	type = (u32)image_read(file, AT_TYPE, 2);
	machine = (u32)image_read(file, AT_MACHINE, 2);
	if (type != EXECUTABLE || machine != layout->machine)
		return image_refuse(file, ELF, "type %u, machine %u, not 2, %u (executable, %s)",
				    type, machine, layout->machine,
				    layout->class == ELF_CLASS_32 ? "386" : "x86-64");
	return 0;
}

static int check_headers(const struct elf *elf)
{
	const struct image_file *file = elf->file;
	const struct elf_layout *layout = elf->layout;
	u32 entry_bytes = (u32)image_read(file, layout->e_phentsize, 2);
	u64 bytes = (u64)elf->header_count * layout->phdr_bytes;

	if (entry_bytes != layout->phdr_bytes)
		return image_refuse(file, ELF, "program headers of %u bytes, not %u", entry_bytes,
				    layout->phdr_bytes);
	if (elf->header_count > HEADERS_MAX)
		return image_refuse(file, ELF, "%u program headers, more than %u",
				    elf->header_count, HEADERS_MAX);
	if (!image_has(file, elf->headers, bytes))
		return image_refuse(
			file, ELF,
			"the program headers end at 0x%llx beyond the file's 0x%zx bytes",
			(unsigned long long)image_end(elf->headers, bytes), file->size);
	return 0;
}

int elf_open(const struct image_file *file, struct elf *elf)
{
	const struct elf_layout *layout = find_layout(file);
	int rc = check_kind(file, layout);

	if (rc)
		return rc;
	*elf = (struct elf){
		.file = file,
		.layout = layout,
		.class = layout->class,
		.entry = image_read(file, AT_ENTRY, layout->word),
		.headers = image_read(file, layout->e_phoff, layout->word),
		.header_count = (u32)image_read(file, layout->e_phnum, 2),
	};
	return check_headers(elf);
}

struct elf_header elf_header(const struct elf *elf, u32 index)
{
	const struct elf_layout *layout = elf->layout;
	const struct image_file *file = elf->file;
	u64 at = elf->headers + (u64)index * layout->phdr_bytes;

	return (struct elf_header){
		.type = (u32)image_read(file, at, 4),
		.offset = image_read(file, at + layout->p_offset, layout->word),
		.gpa = image_read(file, at + layout->p_paddr, layout->word),
		.file_bytes = image_read(file, at + layout->p_filesz, layout->word),
		.memory_bytes = image_read(file, at + layout->p_memsz, layout->word),
		.alignment = image_read(file, at + layout->p_align, layout->word),
	};
}

int elf_check_bytes(const struct elf *elf, u32 index, const struct elf_header *header)
{
	if (image_has(elf->file, header->offset, header->file_bytes))
		return 0;
	return image_refuse(elf->file, ELF,
			    "program header %u ends at 0x%llx beyond the file's 0x%zx bytes", index,
			    (unsigned long long)image_end(header->offset, header->file_bytes),
			    elf->file->size);
}

static bool overlaps(const struct kernel_segment *a, const struct elf_header *b)
{
	return a->gpa < b->gpa + b->memory_bytes && b->gpa < a->gpa + a->memory_bytes;
}

static int check_segment(const struct elf *elf, u32 index, const struct elf_header *header)
{
	u64 end = image_end(header->gpa, header->memory_bytes);

	if (header->file_bytes > header->memory_bytes)
		return image_refuse(elf->file, ELF,
				    "program header %u has 0x%llx bytes in the file, more than its "
				    "0x%llx in memory",
				    index, (unsigned long long)header->file_bytes,
				    (unsigned long long)header->memory_bytes);
	if (header->memory_bytes && end > 4 * GIB)
		return image_refuse(elf->file, ELF,
				    "program header %u ends at address 0x%llx beyond 4 GiB", index,
				    (unsigned long long)end);
	return header->memory_bytes ? elf_check_bytes(elf, index, header) : 0;
}

static int add_segment(const struct elf *elf, u32 index, struct kernel_image *out)
{
	struct elf_header header = elf_header(elf, index);
	int rc = header.type == ELF_LOAD ? check_segment(elf, index, &header) : 0;

	if (rc || header.type != ELF_LOAD || header.memory_bytes == 0)
		return rc;
	for (u32 i = 0; i < out->segment_count; i++) {
		if (overlaps(&out->segments[i], &header))
			return image_refuse(elf->file, ELF,
					    "program header %u at address 0x%llx overlaps another",
					    index, (unsigned long long)header.gpa);
	}
	if (out->segment_count == KERNEL_SEGMENTS_MAX)
		return image_refuse(elf->file, ELF, "more than %u segments to load",
				    KERNEL_SEGMENTS_MAX);
	out->segments[out->segment_count++] = (struct kernel_segment){
		.offset = header.offset,
		.gpa = header.gpa,
		.file_bytes = header.file_bytes,
		.memory_bytes = header.memory_bytes,
	};
	return 0;
}

int elf_read_segments(const struct elf *elf, struct kernel_image *out)
{
	int rc = 0;

	for (u32 i = 0; i < elf->header_count && !rc; i++)
		rc = add_segment(elf, i, out);
	if (rc)
		return rc;
	if (!out->segment_count)
		return image_refuse(elf->file, ELF, "no program header says what to load");
	out->modules_end = 4 * GIB;
	out->modules_max = ~0u;
	out->ranges_max = ~0u;
	out->cmdline_max = ~0u;
	return 0;
}

int elf_set_entry(const struct elf *elf, u64 entry, struct kernel_image *out)
{
	for (u32 i = 0; i < out->segment_count; i++) {
		const struct kernel_segment *segment = &out->segments[i];

		if (entry - segment->gpa < segment->file_bytes) {
			out->entry = (u32)entry;
			return 0;
		}
	}
	return image_refuse(elf->file, kernel_protocol_name(out->protocol),
			    "the entry 0x%llx lies in no segment's bytes",
			    (unsigned long long)entry);
}
