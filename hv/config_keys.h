/* SPDX-License-Identifier: MIT */
/* The table of configuration keys, which hv/config.c walks. */
#ifndef HV_CONFIG_KEYS_H
#define HV_CONFIG_KEYS_H

#include "hv/config.h"

#define CONFIG_BAUD_MAX 115200u /* the clock of a 16550 with divisor 1 */

struct config_key {
	const char *name;
	/* Read the value into *config;
	 * false where it is not what is expected, *config is then void. */
	bool (*parse)(struct config *config, const char *value);
	const char *expected;
	bool repeatable;
};

extern const struct config_key config_keys[];
extern const u32 config_key_count; /* at most 32 */

static inline bool config_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

#endif
