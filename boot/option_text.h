/* SPDX-License-Identifier: MIT */
/* Load options as text. Pure functions. */
#ifndef BOOT_OPTION_TEXT_H
#define BOOT_OPTION_TEXT_H

#include "hv/types.h"

#define OPTION_TEXT_MAX 1025

/*
 * Load options are whatever the firmware's boot entry holds. Turn UTF-16 text of printable ASCII
 * characters into a string and return where the options start in it: behind the first word when
 * that names a program, as the shell's does. NULL when the bytes are no such text.
 */
const char *option_text(const void *options, size_t bytes, char text[OPTION_TEXT_MAX]);

#endif
