/* SPDX-License-Identifier: MIT */
/* The command line: "[image] key=value key=value word", values are lists with commas. */
#ifndef TESTS_GUEST_LIB_CMDLINE_H
#define TESTS_GUEST_LIB_CMDLINE_H

#include "hv/types.h"

/* The value of key, and its length in *length;
 * "" for a word without '='; NULL when it is not there. */
const char *cmdline_find(const char *cmdline, const char *key, size_t *length);
/* The first option whose key is none of keys[]; NULL: all are known.
 * The first word may be the image's name. */
const char *cmdline_find_unknown(const char *cmdline, const char *const *keys, size_t count,
				 size_t *length);
/* The value of key as a decimal number; false: not there, or no number. */
bool cmdline_number(const char *cmdline, const char *key, u64 *number);
/* Is name one of the comma-separated names in list (length bytes)? */
bool cmdline_list_has(const char *list, size_t length, const char *name);

#endif
