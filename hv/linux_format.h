/* SPDX-License-Identifier: MIT */
/*
 * The setup header of a bzImage and the zero page that Linux is given (Linux boot protocol:
 * Documentation/arch/x86/boot.rst, zero-page.rst); field names as there.
 */
#ifndef HV_LINUX_FORMAT_H
#define HV_LINUX_FORMAT_H

#include "hv/types.h"

#define LINUX_HEADER_AT    0x1f1u      /* in the file, and in the zero page */
#define LINUX_HEADER_AFTER 0x202u      /* its end: this plus header_length */
#define LINUX_HEADER_MAGIC 0x53726448u /* "HdrS" */
#define LINUX_BOOT_FLAG    0xaa55u
#define LINUX_SECTOR       512u
#define LINUX_SETUP_SECTS  4u     /* what setup_sects = 0 means */
#define LINUX_ENTRY_64     0x200u /* from where the kernel was loaded */

#define LINUX_LOADED_HIGH  BIT(0) /* loadflags */
#define LINUX_KERNEL_64    BIT(0) /* xloadflags */

#define LINUX_LOADER_OTHER 0xffu /* type_of_loader: one without a number of its own */

struct linux_header {
	u8 setup_sects;
	u16 root_flags;
	u32 syssize; /* of the code behind the setup sectors, in units of 16 bytes */
	u16 ram_size, vid_mode, root_dev, boot_flag;
	u8 jump, header_length; /* a jump over the header */
	u32 header;
	u16 version;
	u32 realmode_swtch;
	u16 start_sys_seg, kernel_version;
	u8 type_of_loader, loadflags;
	u16 setup_move_size;
	u32 code32_start, ramdisk_image, ramdisk_size, bootsect_kludge;
	u16 heap_end_ptr;
	u8 ext_loader_ver, ext_loader_type;
	u32 cmd_line_ptr, initrd_addr_max, kernel_alignment;
	u8 relocatable_kernel, min_alignment;
	u16 xloadflags;
	u32 cmdline_size, hardware_subarch;
	u64 hardware_subarch_data;
	u32 payload_offset, payload_length;
	u64 setup_data, pref_address;
	u32 init_size, handover_offset; /* version 2.12 ends here */
} __attribute__((packed));

#define LINUX_E820_MAX      128
#define LINUX_E820_RAM      1u
#define LINUX_E820_RESERVED 2u

struct linux_e820 {
	u64 addr, size;
	u32 type;
} __attribute__((packed));

struct linux_zero_page {
	u8 screen_info[0x70];
	u64 acpi_rsdp_addr;
	u8 pad1[0x1e8 - 0x78];
	u8 e820_entries;
	u8 pad2[LINUX_HEADER_AT - 0x1e9];
	struct linux_header hdr;
	u8 hdr_more[0x290 - LINUX_HEADER_AT - sizeof(struct linux_header)]; /* later versions' */
	u8 pad3[0x2d0 - 0x290];
	struct linux_e820 e820_table[LINUX_E820_MAX];
	u8 pad4[4096 - 0xcd0];
} __attribute__((packed));

_Static_assert(offsetof(struct linux_header, boot_flag) == 0x1fe - LINUX_HEADER_AT &&
		       offsetof(struct linux_header, header) == 0x202 - LINUX_HEADER_AT &&
		       offsetof(struct linux_header, pref_address) == 0x258 - LINUX_HEADER_AT &&
		       sizeof(struct linux_header) == 0x268 - LINUX_HEADER_AT &&
		       offsetof(struct linux_zero_page, e820_table) == 0x2d0 &&
		       sizeof(struct linux_zero_page) == 4096,
	       "the layouts are the protocol's");

#endif
