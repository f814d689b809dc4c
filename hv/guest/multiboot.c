/* SPDX-License-Identifier: MIT */
/* The multiboot header. Source: Multiboot Specification 0.6.96 "OS image format". */
#include "hv/guest/multiboot.h"

#define HEADER_MAGIC    0x1badb002u
#define HEADER_BYTES    12u
/* Flags: page-aligned modules and memory information are always given. */
#define FLAGS_MANDATORY 0xffffu
#define FLAGS_KNOWN     0x3u
#define FLAG_ADDRESSES  0x10000u

/* "OS image format": the header lies 4-byte aligned within the first 8192 bytes. */
enum multiboot_header multiboot_find(const struct image_file *file, u32 *flags)
{
	size_t end = MIN(file->size, MULTIBOOT_HEADER_WITHIN);
	enum multiboot_header found = MULTIBOOT_NONE;

	for (size_t at = 0; at + HEADER_BYTES <= end; at += 4) {
		if (image_read(file, at, 4) != HEADER_MAGIC)
			continue;
		*flags = (u32)image_read(file, at + 4, 4);
		if ((u32)(HEADER_MAGIC + *flags + image_read(file, at + 8, 4)) == 0)
			return MULTIBOOT_SOUND;
		found = MULTIBOOT_BROKEN;
	}
	return found;
}

int multiboot_parse(const struct elf *elf, u32 flags, struct kernel_image *out)
{
	const char *name = kernel_protocol_name(KERNEL_MULTIBOOT);
	u32 unknown = flags & FLAGS_MANDATORY & ~FLAGS_KNOWN;

	if (elf->class != ELF_CLASS_32)
		return image_refuse(elf->file, name, "the image is ELF64, not ELF32");
	if (unknown)
		return image_refuse(elf->file, name,
				    "the header's flags demand 0x%x, which is not supported",
				    unknown);
	if (flags & FLAG_ADDRESSES)
		return image_refuse(elf->file, name,
				    "the header has address fields (flag bit 16) instead of ELF");
	out->protocol = KERNEL_MULTIBOOT;
	return elf_set_entry(elf, elf->entry, out);
}
