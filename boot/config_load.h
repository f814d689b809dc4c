/* SPDX-License-Identifier: MIT */
/* The configuration from its two sources. */
#ifndef BOOT_CONFIG_LOAD_H
#define BOOT_CONFIG_LOAD_H

#include "boot/boot.h"

/* Read \nestor\nestor.cfg, where there is one, and the load options;
 * then move the console to where they say. */
int config_load(struct boot *boot);

#endif
