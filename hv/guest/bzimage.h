/* SPDX-License-Identifier: MIT */
/* bzImage: Linux kernels with a setup header, entered in 64-bit mode. */
#ifndef HV_GUEST_BZIMAGE_H
#define HV_GUEST_BZIMAGE_H

#include "hv/guest/image_file.h"
#include "hv/guest/info_block.h"
#include "hv/guest/load_plan.h"

#define BZIMAGE_GDT_OFFSET 4096u /* in the block, behind the zero page */
#define BZIMAGE_GDT_BYTES  32u

bool bzimage_is(const struct image_file *file);
/* 0, or -EINVAL with the error filled. */
int bzimage_parse(const struct image_file *file, struct kernel_image *out);

/* Zero page, GDT, command line; the initrd lies at module_gpas[0]. */
size_t bzimage_build_info(const struct load_request *request, const u32 *module_gpas,
			  struct info_place place);

#endif
