/* SPDX-License-Identifier: MIT */
/* The L1 image and its modules. */
#ifndef BOOT_IMAGES_H
#define BOOT_IMAGES_H

#include "boot/boot.h"

/* Read them from the volume; the image is checked now, while a refusal can still return to the
 * firmware. */
int images_load(struct boot *boot);

#endif
