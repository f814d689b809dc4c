/* SPDX-License-Identifier: MIT */
/* Builds bzImages for tests: a sound one, which a test then breaks by offset. */
#ifndef TESTS_BZIMAGE_IMAGE_H
#define TESTS_BZIMAGE_IMAGE_H

#include "multiboot_image.h"

#define BZ_CODE               0x400 /* behind one setup sector */
#define BZ_CODE_BYTES         0x800
#define BZ_BYTES              (BZ_CODE + BZ_CODE_BYTES)
#define BZ_PREF               0x1000000u
#define BZ_INIT_SIZE          0x200000u

#define BZ_SETUP_SECTS        0x1f1
#define BZ_SYSSIZE            0x1f4
#define BZ_BOOT_FLAG          0x1fe
#define BZ_HEADER_LENGTH      0x201
#define BZ_MAGIC              0x202
#define BZ_VERSION            0x206
#define BZ_LOADFLAGS          0x211
#define BZ_INITRD_ADDR_MAX    0x22c
#define BZ_KERNEL_ALIGNMENT   0x230
#define BZ_RELOCATABLE_KERNEL 0x234
#define BZ_XLOADFLAGS         0x236
#define BZ_CMDLINE_SIZE       0x238
#define BZ_PAYLOAD_OFFSET     0x248
#define BZ_PAYLOAD_LENGTH     0x24c
#define BZ_SETUP_DATA         0x250
#define BZ_PREF_ADDRESS       0x258
#define BZ_INIT_SIZE_AT       0x260

static inline void bzimage_build(u8 image[BZ_BYTES])
{
	memset(image, 0, BZ_BYTES);
	image[BZ_SETUP_SECTS] = 1;
	put32(image + BZ_SYSSIZE, BZ_CODE_BYTES / 16);
	put16(image + BZ_BOOT_FLAG, 0xaa55);
	image[0x200] = 0xeb;
	image[BZ_HEADER_LENGTH] = 0x6a;      /* one field more than 2.12 has */
	put32(image + BZ_MAGIC, 0x53726448); /* "HdrS" */
	put16(image + BZ_VERSION, 0x20f);
	image[BZ_LOADFLAGS] = 1;
	put32(image + BZ_INITRD_ADDR_MAX, 0x7fffffff);
	put32(image + BZ_KERNEL_ALIGNMENT, 0x200000);
	image[BZ_RELOCATABLE_KERNEL] = 1;
	put16(image + BZ_XLOADFLAGS, 0x7f);
	put32(image + BZ_CMDLINE_SIZE, 2047);
	put32(image + BZ_PAYLOAD_OFFSET, 0x300);
	put32(image + BZ_PAYLOAD_LENGTH, 0x500);
	put32(image + BZ_SETUP_DATA, 0x1234);
	put32(image + BZ_PREF_ADDRESS, BZ_PREF);
	put32(image + BZ_INIT_SIZE_AT, BZ_INIT_SIZE);
	put32(image + 0x268, 0x3579bdf1);
	put32(image + 0x26c, 0xffffffff); /* behind the header */
}

#endif
