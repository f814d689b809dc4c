/* SPDX-License-Identifier: MIT */
/* mode = bare: the image that would be L1 gets the machine itself, loaded by the same plan. */
#ifndef BOOT_BARE_H
#define BOOT_BARE_H

#include "boot/boot.h"

/* Take what is needed once boot services are gone. */
int bare_reserve(struct boot *boot);
/* Plan the load into memory that info->ranges calls free. */
int bare_plan(struct boot *boot);
/* After ExitBootServices(). */
_Noreturn void bare_start(struct boot *boot);

#endif
