/* SPDX-License-Identifier: MIT */
/* ELF images for x86, of 32 and 64 bits: program headers, and what they say to load. */
#ifndef HV_GUEST_ELF_H
#define HV_GUEST_ELF_H

#include "hv/guest/image_file.h"

#define ELF_CLASS_32 1
#define ELF_CLASS_64 2

#define ELF_LOAD     1
#define ELF_NOTE     4

struct elf {
	const struct image_file *file;
	const struct elf_layout *layout;
	u32 class;
	u64 entry;
	u64 headers; /* offset of the program headers, all within the file */
	u32 header_count;
};

struct elf_header {
	u32 type;
	u64 offset;
	u64 gpa; /* p_paddr: no image is entered with page tables of its own */
	u64 file_bytes;
	u64 memory_bytes;
	u64 alignment;
};

bool elf_is(const struct image_file *file);
/* Check the ELF header. 0, or -EINVAL with the error filled. */
int elf_open(const struct image_file *file, struct elf *elf);
struct elf_header elf_header(const struct elf *elf, u32 index);
/* Refuse program header index when the file ends before its bytes do. */
int elf_check_bytes(const struct elf *elf, u32 index, const struct elf_header *header);
/* Read the segments to load. 0, or -EINVAL with the error filled. */
int elf_read_segments(const struct elf *elf, struct kernel_image *out);
/* Make this the entry of the image, whose protocol is known, if it lies in a segment's bytes. */
int elf_set_entry(const struct elf *elf, u64 entry, struct kernel_image *out);

#endif
