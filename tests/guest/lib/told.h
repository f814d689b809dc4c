/* SPDX-License-Identifier: MIT */
/* What the loader told the image, whatever its protocol, in multiboot's form. */
#ifndef TESTS_GUEST_LIB_TOLD_H
#define TESTS_GUEST_LIB_TOLD_H

#include "hv/multiboot_format.h"

/* magic: multiboot's, struct hvm_start_info's or the setup header's. NULL: none of them. */
const struct multiboot_info *told_as_multiboot(u32 magic, const void *told);

#endif
