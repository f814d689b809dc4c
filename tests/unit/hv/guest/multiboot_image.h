/* SPDX-License-Identifier: MIT */
/* Builds multiboot images for tests: a sound one of two segments,
 * which a test then breaks by offset. */
#ifndef TESTS_MULTIBOOT_IMAGE_H
#define TESTS_MULTIBOOT_IMAGE_H

#include <string.h>
#include "hv/types.h"

#define IMAGE_BYTES       0x400
#define IMAGE_PHDR_0      0x40 /* 0x100 bytes at file 0x100, at address 4 MiB */
#define IMAGE_PHDR_1      0x60 /* 0x80 bytes at file 0x200, 0x2000 at address 5 MiB */
#define IMAGE_HEADER      0x100
#define IMAGE_ENTRY       0x400010u

#define PHDR_TYPE         0
#define PHDR_OFFSET       4
#define PHDR_ADDRESS      12
#define PHDR_FILE_BYTES   16
#define PHDR_MEMORY_BYTES 20

static inline void put16(u8 *at, u32 value)
{
	at[0] = (u8)value;
	at[1] = (u8)(value >> 8);
}

static inline void put32(u8 *at, u32 value)
{
	put16(at, value);
	put16(at + 2, value >> 16);
}

static inline void image_header(u8 *at, u32 flags)
{
	put32(at, 0x1badb002);
	put32(at + 4, flags);
	put32(at + 8, -(0x1badb002u + flags));
}

static inline void image_phdr(u8 *at, u32 offset, u32 address, const u32 bytes[2])
{
	put32(at + PHDR_TYPE, 1);
	put32(at + PHDR_OFFSET, offset);
	put32(at + 8, 0xc0000000u + address);
	put32(at + PHDR_ADDRESS, address);
	put32(at + PHDR_FILE_BYTES, bytes[0]);
	put32(at + PHDR_MEMORY_BYTES, bytes[1]);
}

static inline void image_build(u8 image[IMAGE_BYTES])
{
	memset(image, 0, IMAGE_BYTES);
	memcpy(image, "\177ELF\1\1\1", 7);
	put16(image + 16, 2);
	put16(image + 18, 3);
	put32(image + 24, IMAGE_ENTRY);
	put32(image + 28, IMAGE_PHDR_0);
	put16(image + 42, 32);
	put16(image + 44, 2);
	image_phdr(image + IMAGE_PHDR_0, 0x100, 0x400000, (const u32[]){ 0x100, 0x100 });
	image_phdr(image + IMAGE_PHDR_1, 0x200, 0x500000, (const u32[]){ 0x80, 0x2000 });
	image_header(image + IMAGE_HEADER, 3);
}

#endif
