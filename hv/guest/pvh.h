/* SPDX-License-Identifier: MIT */
/* PVH: ELF images whose note names a 32-bit entry. */
#ifndef HV_GUEST_PVH_H
#define HV_GUEST_PVH_H

#include "hv/guest/elf.h"
#include "hv/guest/info_block.h"
#include "hv/guest/load_plan.h"

/* Look for the note and finish *out, which has the segments. 0;
 * -ENOENT: the image has none; -EINVAL with the error filled. */
int pvh_parse(const struct elf *elf, struct kernel_image *out);

/* struct hvm_start_info and all that it points to; modules[i] lies at module_gpas[i]. */
size_t pvh_build_info(const struct load_request *request, const u32 *module_gpas,
		      struct info_place place);

#endif
