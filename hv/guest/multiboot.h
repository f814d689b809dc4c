/* SPDX-License-Identifier: MIT */
/* Multiboot 1: ELF32 images with a multiboot header. */
#ifndef HV_GUEST_MULTIBOOT_H
#define HV_GUEST_MULTIBOOT_H

#include "hv/guest/elf.h"
#include "hv/guest/info_block.h"
#include "hv/guest/load_plan.h"

/* How far a header was looked for. */
#define MULTIBOOT_HEADER_WITHIN 8192u

enum multiboot_header { MULTIBOOT_NONE, MULTIBOOT_BROKEN, MULTIBOOT_SOUND };

/* Look for a header; a broken one has the magic number and a wrong checksum. *flags: a sound one's.
 */
enum multiboot_header multiboot_find(const struct image_file *file, u32 *flags);
/* Check an image with a sound header and finish *out,
 * which has its segments. 0, or -EINVAL with the error filled. */
int multiboot_parse(const struct elf *elf, u32 flags, struct kernel_image *out);

/* The information block; modules[i] lies at module_gpas[i]. */
size_t multiboot_build_info(const struct load_request *request, const u32 *module_gpas,
			    struct info_place place);

#endif
