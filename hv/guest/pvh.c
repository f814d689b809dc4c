/* SPDX-License-Identifier: MIT */
/*
 * The PVH note. Sources: Xen "x86/HVM direct boot ABI" (PVH), ELF "Note Section".
 */
#include "hv/guest/pvh.h"
#include "hv/errno.h"
#include "hv/string.h"

#define NOTE_BYTES   12u /* sizes of name and descriptor, type */
#define NOTE_OWNER   "Xen"
#define PHYS32_ENTRY 18u /* XEN_ELFNOTE_PHYS32_ENTRY */

struct note {
	u64 name, name_bytes; /* offsets in the file */
	u64 desc, desc_bytes;
	u64 end; /* where the next one begins */
	u32 type;
};

/* The note at this offset of a segment of them, which has a note's first words there. False: it
 * passes the segment's end. */
static bool read_note(const struct elf *elf, const struct elf_header *header, u64 at,
		      struct note *note)
{
	u64 alignment = header->alignment == 8 ? 8 : 4;

	note->name_bytes = image_read(elf->file, at, 4);
	note->desc_bytes = image_read(elf->file, at + 4, 4);
	note->type = (u32)image_read(elf->file, at + 8, 4);
	note->name = at + NOTE_BYTES;
	/* Sizes of 32 bits at offsets in a file: nothing wraps. */
	note->desc = ALIGN_UP(note->name + note->name_bytes, alignment);
	note->end = ALIGN_UP(note->desc + note->desc_bytes, alignment);
	return note->desc + note->desc_bytes <= header->offset + header->file_bytes;
}

static bool is_entry(const struct elf *elf, const struct note *note)
{
	return note->type == PHYS32_ENTRY && note->name_bytes == sizeof(NOTE_OWNER) &&
	       memcmp(elf->file->bytes + note->name, NOTE_OWNER, sizeof(NOTE_OWNER)) == 0;
}

static int take_entry(const struct elf *elf, const struct note *note, struct kernel_image *out)
{
	if (note->desc_bytes != 4 && note->desc_bytes != 8)
		return image_refuse(elf->file, kernel_protocol_name(KERNEL_PVH),
				    "the note's entry has %llu bytes, not 4 or 8",
				    (unsigned long long)note->desc_bytes);
	out->protocol = KERNEL_PVH;
	return elf_set_entry(elf, image_read(elf->file, note->desc, (u32)note->desc_bytes), out);
}

static int read_notes(const struct elf *elf, u32 index, struct kernel_image *out)
{
	struct elf_header header = elf_header(elf, index);
	u64 at = header.offset, end = header.offset + header.file_bytes;
	struct note note;
	int rc = elf_check_bytes(elf, index, &header);

	if (rc)
		return rc;
	for (; at + NOTE_BYTES <= end; at = note.end) {
		if (!read_note(elf, &header, at, &note))
			return image_refuse(
				elf->file, kernel_protocol_name(KERNEL_PVH),
				"the note at 0x%llx ends beyond program header %u's 0x%llx bytes",
				(unsigned long long)at, index,
				(unsigned long long)header.file_bytes);
		if (is_entry(elf, &note))
			return take_entry(elf, &note, out);
	}
	return -ENOENT;
}

int pvh_parse(const struct elf *elf, struct kernel_image *out)
{
	int rc = -ENOENT;

	for (u32 i = 0; i < elf->header_count && rc == -ENOENT; i++) {
		if (elf_header(elf, i).type == ELF_NOTE)
			rc = read_notes(elf, i, out);
	}
	return rc;
}
