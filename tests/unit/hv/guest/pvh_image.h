/* SPDX-License-Identifier: MIT */
/* Builds ELF64 images with a PVH note for tests: a sound one of two segments, which a test then
 * breaks by offset. */
#ifndef TESTS_PVH_IMAGE_H
#define TESTS_PVH_IMAGE_H

#include "multiboot_image.h"

#define PVH_BYTES           0x400
#define PVH_PHDR_0          0x40 /* 0x100 bytes at file 0x200, at address 16 MiB */
#define PVH_PHDR_1          0x78 /* 0x80 bytes at file 0x300, 0x2000 at address 17 MiB */
#define PVH_PHDR_NOTE       0xb0 /* 0x34 bytes at file 0x180 */
#define PVH_NOTE_OTHER      0x180
#define PVH_NOTE            0x198
#define PVH_ENTRY           0x1000020u

#define PHDR64_OFFSET       8
#define PHDR64_ADDRESS      24
#define PHDR64_FILE_BYTES   32
#define PHDR64_MEMORY_BYTES 40
#define PHDR64_ALIGNMENT    48

static inline void put64(u8 *at, u64 value)
{
	put32(at, (u32)value);
	put32(at + 4, (u32)(value >> 32));
}

static inline void pvh_phdr(u8 *at, u32 type, u64 offset, const u64 place[3])
{
	put32(at, type);
	put64(at + PHDR64_OFFSET, offset);
	put64(at + 16, 0xffffffff80000000 + place[0]);
	put64(at + PHDR64_ADDRESS, place[0]);
	put64(at + PHDR64_FILE_BYTES, place[1]);
	put64(at + PHDR64_MEMORY_BYTES, place[2]);
	put64(at + PHDR64_ALIGNMENT, 4);
}

static inline void pvh_note(u8 *at, u32 type, u32 desc_bytes)
{
	put32(at, 4);
	put32(at + 4, desc_bytes);
	put32(at + 8, type);
	memcpy(at + 12, "Xen", 4);
}

static inline void pvh_build(u8 image[PVH_BYTES])
{
	memset(image, 0, PVH_BYTES);
	memcpy(image, "\177ELF\2\1\1", 7);
	put16(image + 16, 2);
	put16(image + 18, 62);
	put64(image + 24, 0xffffffff81000000);
	put64(image + 32, PVH_PHDR_0);
	put16(image + 54, 56);
	put16(image + 56, 3);
	pvh_phdr(image + PVH_PHDR_0, 1, 0x200, (const u64[]){ 16 * MIB, 0x100, 0x100 });
	pvh_phdr(image + PVH_PHDR_1, 1, 0x300, (const u64[]){ 17 * MIB, 0x80, 0x2000 });
	pvh_phdr(image + PVH_PHDR_NOTE, 4, PVH_NOTE_OTHER, (const u64[]){ 0, 0x30, 0x30 });
	pvh_note(image + PVH_NOTE_OTHER, 5, 7); /* padded to 8 */
	pvh_note(image + PVH_NOTE, 18, 8);
	put64(image + PVH_NOTE + 16, PVH_ENTRY);
}

#endif
