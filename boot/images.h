/* SPDX-License-Identifier: MIT */
/* The L1 image and its modules. */
#ifndef BOOT_IMAGES_H
#define BOOT_IMAGES_H

#include "boot/boot.h"

/* Read them from the volume; the image is checked now,
 * while a refusal can still return to the firmware. */
int images_load(struct boot *boot);

/* Place what was loaded in a machine's memory: hv/guest/load_plan.h. */
int images_plan(struct boot *boot, const struct load_range *ranges, u32 range_count,
		struct load_plan *plan);

#endif
